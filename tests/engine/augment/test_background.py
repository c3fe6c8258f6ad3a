from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from fuse_engine.augment import Augmenter, BackgroundReplacement
from fuse_engine.augment.intensity import background
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.random import stream
from fuse_engine.data.cache import Memory
from fuse_engine.data.image import read_image

IMAGE, MASK = "data.input.image", "data.gt.segmentation"


def write(path: Path, array: NDArray[Any], vector: bool = False) -> None:
    path.parent.mkdir(exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "ab":
        write(tmp_path / "forest" / f"{name}.png", stream(name).integers(0, 256, (40, 60)).astype(np.uint8))
    (tmp_path / "forest" / "notes.txt").write_text("no image")
    return tmp_path / "forest"


def sample(*shape: int, channels: int = 1) -> NestedDict:
    mask = np.zeros((1, *shape), np.uint8)
    mask[(0, *[slice(4, 14)] * len(shape))] = 2
    image = stream("picture").normal(0, 1, (channels, *shape)).astype(np.float32)
    return NestedDict({"data.id": "s1", IMAGE: image, MASK: mask})


def step(folder: Path, **fields: Any) -> BackgroundReplacement:
    return BackgroundReplacement.model_validate(
        {"keys": [IMAGE], "mask": MASK, "folder": folder, "p": 1, **fields}
    )


def applied(augmenter: Augmenter, own: NestedDict, epoch: int = 0) -> tuple[NestedDict, dict[str, Any]]:
    done = augmenter.draw(own, epoch)
    assert done[0].params is not None
    return augmenter.apply(own, done), done[0].params


def test_the_mask_keeps_the_image_and_the_rest_is_the_resized_background(folder: Path) -> None:
    own = sample(20, 30)
    found, params = applied(Augmenter([step(folder)], 1), own)
    kept = own[MASK] != 0
    assert np.array_equal(found[IMAGE][kept], own[IMAGE][kept])
    assert np.array_equal(found[MASK], own[MASK])
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / params["file"]))).astype(np.float32)
    low, high = float(own[IMAGE].min()), float(own[IMAGE].max())
    ranged = (pixels - pixels.min()) / (pixels.max() - pixels.min()) * (high - low) + low
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(ranged)[None, None], (20, 30), mode="bilinear", align_corners=False
    )[0].numpy()
    assert np.allclose(found[IMAGE][~kept], resized[~kept], atol=1e-5)


def test_every_background_comes_up_and_the_mask_is_narrowed(folder: Path) -> None:
    own, augmenter = sample(20, 30), Augmenter([step(folder, erosion=[1, 3])], 1)
    drawn = [applied(augmenter, own, epoch) for epoch in range(20)]
    assert {params["file"] for _, params in drawn} == {"a.png", "b.png"}
    assert {params["erosion"] for _, params in drawn} == {1, 2, 3}
    for found, params in drawn[:5]:
        kept = binary_erosion(own[MASK][0] != 0, np.ones((3, 3)), iterations=params["erosion"])
        assert np.array_equal(found[IMAGE] == own[IMAGE], kept[None])


def test_a_box_is_cut_from_the_whole_and_the_mask_is_that_of_the_step(folder: Path) -> None:
    own = sample(20, 30)
    steps = [step(folder, erosion=2)]
    augmenter = Augmenter(steps, 1)
    done = augmenter.draw(own, 0)
    render = augmenter.render(own, done)
    whole = render.image(IMAGE)
    assert np.array_equal(render.image(IMAGE, (slice(3, 9), slice(5, 25))), whole[:, 3:9, 5:25])


def test_a_volume_needs_volumes_behind_it(folder: Path, tmp_path: Path) -> None:
    own = sample(16, 16, 16)
    with pytest.raises(SampleError, match="has 2 axes; expected 3"):
        applied(Augmenter([step(folder)], 1), own)
    write(tmp_path / "volumes" / "v.mha", stream("v").normal(0, 1, (8, 8, 8)).astype(np.float32))
    found, _ = applied(Augmenter([step(tmp_path / "volumes")], 1), own)
    assert np.array_equal(found[IMAGE] == own[IMAGE], own[MASK] != 0)


@pytest.mark.parametrize(("channels", "fits"), [(1, True), (3, True), (2, False)])
def test_colours_become_grey_where_the_image_is(tmp_path: Path, channels: int, fits: bool) -> None:
    write(tmp_path / "c" / "c.png", stream("c").integers(0, 256, (9, 9, 3)).astype(np.uint8), vector=True)
    own, augmenter = sample(20, 20, channels=channels), Augmenter([step(tmp_path / "c")], 1)
    if fits:
        assert applied(augmenter, own)[0][IMAGE].shape == own[IMAGE].shape
    else:
        with pytest.raises(SampleError, match="c.png has 3 channels; expected 2"):
            applied(augmenter, own)


@pytest.mark.parametrize("channels", [1, 3])
def test_how_opaque_a_picture_is_is_no_colour(tmp_path: Path, channels: int) -> None:
    picture = stream("c").integers(0, 256, (9, 9, 4)).astype(np.uint8)
    write(tmp_path / "clear" / "c.png", picture, vector=True)
    write(tmp_path / "plain" / "c.png", picture[..., :3], vector=True)
    own = sample(20, 20, channels=channels)
    clear, plain = (applied(Augmenter([step(tmp_path / name)], 1), own)[0] for name in ("clear", "plain"))
    assert np.array_equal(clear[IMAGE], plain[IMAGE])


def test_backgrounds_take_no_more_memory_than_they_may(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, kept = [], Memory(limit_gb=12e-6)  # 12 kB: one of 40 x 60 numbers, not two
    monkeypatch.setattr(background, "_kept", kept)
    monkeypatch.setattr(background, "read_image", lambda path: read.append(path.name) or read_image(path))
    own, augmenter = sample(20, 30), Augmenter([step(folder)], 1)
    names = [applied(augmenter, own, epoch)[1]["file"] for epoch in range(12)]
    assert read == [name for name, before in zip(names, ["", *names[:-1]], strict=True) if name != before]
    assert len(kept.sizes()) == 1


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(SampleError, match="background a.png is not in links any more"):
        applied(Augmenter([step(tmp_path / "links")], 1), sample(20, 30))


def test_what_cannot_be_used_is_said(folder: Path, tmp_path: Path) -> None:
    own = sample(20, 30)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FuseError, match="no image in .*empty"):
        Augmenter([step(tmp_path / "empty")], 1).draw(own, 0)
    with pytest.raises(FuseError, match="no folder"):
        Augmenter([step(tmp_path / "nowhere")], 1).draw(own, 0)
    with pytest.raises(FuseError, match="not of the size"):
        Augmenter([step(folder)], 1).draw(NestedDict({**own, MASK: np.zeros((1, 10, 15), np.uint8)}), 0)
    with pytest.raises(FuseError, match="is no label map"):
        Augmenter([step(folder)], 1).draw(NestedDict({**own, MASK: own[IMAGE]}), 0)


def test_a_record_cannot_name_a_file_elsewhere(folder: Path) -> None:
    write(folder.parent / "secret.png", np.zeros((4, 4), np.uint8))
    own, augmenter = sample(20, 30), Augmenter([step(folder)], 1)
    [done] = augmenter.draw(own, 0)
    assert done.params is not None
    done.params["file"] = "../secret.png"
    with pytest.raises(SampleError, match="no background"):
        augmenter.apply(own, [done])


def test_a_relative_folder_starts_from_the_experiment_s(folder: Path) -> None:
    from fuse_engine.augment import Sequential

    within = Sequential(steps=[step(Path("forest"))]).located(folder.parent)
    assert within.steps[0].located(Path("/elsewhere")) == step(folder)
