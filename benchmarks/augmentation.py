"""Six augmentations of image and mask, one thread: ours beside the libraries of the field, CPU time a sample.

    OMP_NUM_THREADS=1 python benchmarks/augmentation.py [2d|3d]

Flip, affine (rotation, scale, shift), elastic, gamma, noise and blur, every one always applied. MONAI comes with
FuseGUI; TorchIO, batchgeneratorsv2 and albumentations are measured where they are installed. All in turn in every
round; images are float32, masks uint8, and every peer gets them in the form that it likes best.
"""

from __future__ import annotations

import gc
import math
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fuse_engine.augment import Affine, Augmenter, Blur, Elastic, Flip, Gamma, GaussianNoise
from fuse_engine.core.batch import NestedDict

SHAPES = {"2d": (512, 512), "3d": (128, 128, 128)}
ROUNDS = {"2d": 25, "3d": 7}
DEGREES, SCALES, SHIFT, GAMMA, STD, SIGMA = 15.0, (0.9, 1.1), 0.05, (0.7, 1.5), 0.03, 1.0
OURS = "FuseGUI"
Call = Callable[[], Any]


def main() -> None:
    """Measure and print a table for each number of axes."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    for kind in sys.argv[1:] or SHAPES:
        image, mask = phantom(SHAPES[kind])
        calls: dict[str, Call] = {OURS: ours(image, mask)}
        for name, make in PEERS.items():
            try:
                made = make(image, mask)
            except ImportError as error:
                print(f"{name} is left out: {error}")
                continue
            calls.update({f"{name}{more}": call for more, call in made.items()})
        table(kind, calls)


def table(kind: str, calls: dict[str, Call]) -> None:
    """Time every call in turn and print medians."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # compiles, allocates
    for turn in range(ROUNDS[kind]):
        for name in random.Random(turn).sample(list(calls), len(calls)):
            gc.collect()
            start = time.process_time()
            calls[name]()
            times[name].append((time.process_time() - start) * 1e3)
    print(f"\n{kind} {SHAPES[kind]}: CPU ms a sample, median of {ROUNDS[kind]} rounds\n")
    print("| | ms | times ours |\n|---|---|---|")
    for name, found in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        against = statistics.median(a / b for a, b in zip(found, times[OURS], strict=True))
        print(f"| {name} | {statistics.median(found):.1f} | {against:.1f} |")


def phantom(shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return a smooth image with values from 0 to 1, and the mask of its brighter parts."""
    field = gaussian_filter(np.random.default_rng(0).normal(size=shape), 6)
    image = ((field - field.min()) / (field.max() - field.min())).astype(np.float32)
    return image, (image > 0.6).astype(np.uint8)


def ours(image: NDArray[np.float32], mask: NDArray[np.uint8]) -> Call:
    """Return our way of a training sample: drawn, applied, recorded."""
    keys = ["data.input.image", "data.gt.mask"]
    axes = ["x", "y", "z"][: image.ndim]
    steps = [
        Flip(keys=keys, axes=axes),
        Affine(keys=keys, rotate=[-DEGREES, DEGREES], scale=list(SCALES), translate=[-SHIFT, SHIFT]),
        Elastic(keys=keys),
        Gamma(keys=keys[:1], gamma=list(GAMMA)), GaussianNoise(keys=keys[:1], std=STD),
        Blur(keys=keys[:1], sigma=SIGMA),
    ]  # fmt: skip
    augmenter, epochs = Augmenter(steps, 1), iter(range(10**9))
    sample = NestedDict({"data.id": "s1", keys[0]: image[None], keys[1]: mask[None]})
    return lambda: augmenter(sample, next(epochs))


def monai(image: NDArray[np.float32], mask: NDArray[np.uint8]) -> dict[str, Call]:
    """Return MONAI: affine within the elastic step, and lazily resampled affine with grid distortion."""
    import monai.transforms as m

    keys, flat = ["image", "mask"], image.ndim == 2
    both: dict[str, Any] = {"mode": ["bilinear", "nearest"], "padding_mode": "zeros"}
    turn = math.radians(DEGREES)
    moves = {
        "rotate_range": turn if flat else (turn,) * 3, "scale_range": (0.1,) * image.ndim,
        "translate_range": tuple(SHIFT * size for size in image.shape),
    }  # fmt: skip
    flips = [m.RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in range(image.ndim)]
    if flat:
        elastic = m.Rand2DElasticd(keys, spacing=(64, 64), magnitude_range=(5, 5), prob=1, **moves, **both)
    else:
        elastic = m.Rand3DElasticd(keys, sigma_range=(5, 5), magnitude_range=(50, 50), prob=1, **moves, **both)
    values = [
        m.RandAdjustContrastd("image", prob=1, gamma=GAMMA), m.RandGaussianNoised("image", prob=1, std=STD),
        m.RandGaussianSmoothd("image", prob=1, sigma_x=(SIGMA,) * 2, sigma_y=(SIGMA,) * 2, sigma_z=(SIGMA,) * 2),
    ]  # fmt: skip
    grid = m.RandGridDistortiond(keys, num_cells=6, prob=1, distort_limit=0.05, **both)
    sample = {"image": torch.from_numpy(image)[None], "mask": torch.from_numpy(mask)[None]}
    ways = {
        " Rand2DElastic" if flat else " Rand3DElastic": m.Compose([*flips, elastic, *values]),
        " affine + grid distortion": m.Compose(
            [*flips, m.RandAffined(keys, prob=1, **moves, **both), grid, *values]
        ),
    }
    return {name: lambda way=way: way(sample) for name, way in ways.items()}  # type: ignore[misc]


def torchio(image: NDArray[np.float32], mask: NDArray[np.uint8]) -> dict[str, Call]:
    """Return TorchIO, in which a picture is a volume of one plane."""
    import torchio as tio

    flat = image.ndim == 2
    shape = (1, *image.shape) if flat else image.shape
    shift = tuple(SHIFT * size for size in shape)
    affine = tio.RandomAffine(
        scales=(1, 1, *SCALES, *SCALES) if flat else SCALES,
        degrees=(DEGREES, 0, 0) if flat else DEGREES, translation=(0, *shift[1:]) if flat else shift,
    )  # fmt: skip
    points, most = ((4, 9, 9), (0, 5, 5)) if flat else (7, 4.0)
    way = tio.Compose(
        [
            tio.RandomFlip(axes=(1, 2) if flat else (0, 1, 2)), affine,
            tio.RandomElasticDeformation(num_control_points=points, max_displacement=most, locked_borders=0),
            tio.RandomGamma(), tio.RandomNoise(std=(STD, STD)),
            tio.RandomBlur(std=(0 if flat else SIGMA, 0 if flat else SIGMA, *[SIGMA] * 4)),
        ]
    )  # fmt: skip
    tensors = [torch.from_numpy(array.reshape(1, *shape)) for array in (image, mask)]
    return {
        "": lambda: way(
            tio.Subject(image=tio.ScalarImage(tensor=tensors[0]), mask=tio.LabelMap(tensor=tensors[1]))
        )
    }


def batchgenerators(image: NDArray[np.float32], mask: NDArray[np.uint8]) -> dict[str, Call]:
    """Return batchgeneratorsv2, the augmentation of nnU-Net."""
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

    turn = math.radians(DEGREES)
    way = ComposeTransforms(
        [
            SpatialTransform(
                image.shape, 0, False, p_elastic_deform=1, elastic_deform_scale=(0.1, 0.1),
                elastic_deform_magnitude=(0.02, 0.02), p_rotation=1, rotation=(-turn, turn), p_scaling=1,
                scaling=SCALES, mode_seg="nearest",
            ),
            MirrorTransform(tuple(range(image.ndim))), GammaTransform(GAMMA, 0, True, 1, 0),
            GaussianNoiseTransform((STD**2, STD**2)), GaussianBlurTransform((SIGMA, SIGMA)),
        ]
    )  # fmt: skip
    tensors = {
        "image": torch.from_numpy(image)[None],
        "segmentation": torch.from_numpy(mask.astype(np.int16))[None],
    }
    return {"": lambda: way(**tensors)}


def albumentations(image: NDArray[np.float32], mask: NDArray[np.uint8]) -> dict[str, Call]:
    """Return albumentations, in 2-D only: its elastic step, and its faster deformation of a grid."""
    if image.ndim == 3:
        raise ImportError("it has no 3-D affine")
    import albumentations as a
    import cv2

    cv2.setNumThreads(1)
    elastics = {
        " elastic": a.ElasticTransform(alpha=120, sigma=12, approximate=True, p=1),
        " grid elastic": a.GridElasticDeform(num_grid_xy=(8, 8), magnitude=5, p=1),
    }
    ways = {
        name: a.Compose(
            [
                a.HorizontalFlip(p=0.5), a.VerticalFlip(p=0.5),
                a.Affine(scale=SCALES, translate_percent=(-SHIFT, SHIFT), rotate=(-DEGREES, DEGREES), p=1),
                elastic,
                a.RandomGamma(gamma_limit=(70, 150), p=1), a.GaussNoise(std_range=(STD, STD), p=1),
                a.GaussianBlur(sigma_limit=(SIGMA, SIGMA), blur_limit=0, p=1),
            ]
        )
        for name, elastic in elastics.items()
    }  # fmt: skip
    return {name: lambda way=way: way(image=image, mask=mask) for name, way in ways.items()}  # type: ignore[misc]


PEERS: dict[str, Callable[[NDArray[np.float32], NDArray[np.uint8]], dict[str, Call]]] = {
    "MONAI": monai, "TorchIO": torchio, "batchgeneratorsv2": batchgenerators, "albumentations": albumentations,
}  # fmt: skip

if __name__ == "__main__":
    main()
