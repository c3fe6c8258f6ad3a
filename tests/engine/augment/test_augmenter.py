from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import fuse_engine
from fuse_engine.augment import (
    Affine,
    Applied,
    Augmenter,
    Blur,
    ColourJitter,
    Flip,
    Gamma,
    GaussianNoise,
    Grayscale,
    PerChannel,
)
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import SampleError
from fuse_engine.core.random import stream

IMAGE, MASK = "data.input.image", "data.gt.mask"


def make_augmenter(seed: int = 33) -> Augmenter:
    steps = [
        Affine(keys=[IMAGE, MASK], rotate=(-20, 20), scale=(0.8, 1.2), p=0.7), Flip(keys=[IMAGE, MASK]),
        Gamma(keys=[IMAGE], p=0.5), Blur(keys=[IMAGE], p=0.5), GaussianNoise(keys=[IMAGE]),
    ]  # fmt: skip
    return Augmenter(steps, seed)


def make_sample(name: str = "s1") -> NestedDict:
    rng = stream("sample", name)
    image = np.asarray(rng.normal(size=(1, 33, 31)).astype(np.float32))
    mask = np.asarray(rng.integers(0, 3, (1, 33, 31)))
    return NestedDict({"data.id": name, IMAGE: image, MASK: mask, "data.gt.label": 1})


def digest(sample: NestedDict) -> str:
    return hashlib.sha256(b"".join(sample[key].tobytes() for key in (IMAGE, MASK))).hexdigest()


def test_a_record_replays_bit_for_bit_from_json() -> None:
    augmenter, sample = make_augmenter(), make_sample()
    for epoch in range(5):
        trained = augmenter(sample, epoch)
        text = json.dumps(trained["data.augmentation"])
        again = augmenter.apply(sample, [Applied.from_json(item) for item in json.loads(text)])
        assert digest(again) == digest(trained)


def test_chance_depends_on_seed_epoch_and_sample_alone() -> None:
    first = make_augmenter()
    alone = digest(first(make_sample("b"), 4))
    for name in "xyz":
        first(make_sample(name), 4)
    assert digest(first(make_sample("b"), 4)) == alone
    others = [make_augmenter(34)(make_sample("b"), 4), first(make_sample("b"), 5), first(make_sample("c"), 4)]
    assert alone not in map(digest, others)


def test_another_process_with_other_threads_trains_on_the_same_bits() -> None:
    fusion = str(Path(__file__).with_name("test_fusion.py"))
    code = f"""import runpy; me = runpy.run_path({__file__!r})
print(me["digest"](me["make_augmenter"]()(me["make_sample"](), 2)))
print(runpy.run_path({fusion!r})["digest"]())"""
    engine = str(Path(fuse_engine.__file__).parents[1])
    path = os.pathsep.join([engine, str(Path(engine).parent / "resources")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [digest(make_augmenter()(make_sample(), 2)), runpy.run_path(fusion)["digest"]()]


def test_the_sample_stays_as_it_is() -> None:
    sample = make_sample()
    before = digest(sample)
    changed = make_augmenter()(sample, 0)
    assert digest(sample) == before
    assert "data.augmentation" not in sample
    assert changed["data.gt.label"] == 1


def test_a_step_left_out_by_chance_is_recorded_as_such() -> None:
    augmenter, sample = Augmenter([Flip(keys=[IMAGE], each=1.0, p=0.3)], 1), make_sample()
    drawn = [augmenter.draw(sample, epoch)[0].params for epoch in range(1000)]
    assert np.mean([params is not None for params in drawn]) == pytest.approx(0.3, abs=0.04)
    epoch = drawn.index(None)
    left = augmenter(sample, epoch)
    assert left["data.augmentation"] == [{"step": "0", "name": "Flip", "params": None, "channel": None}]
    assert np.array_equal(left[IMAGE], sample[IMAGE])


def test_a_key_that_is_no_image_names_sample_and_step() -> None:
    augmenter = Augmenter([Gamma(keys=["data.gt.label"])], 1)
    with pytest.raises(SampleError, match=r"augmentation\.0\.Gamma: sample 's1': 'data\.gt\.label' is no image"):
        augmenter(make_sample(), 0)
    with pytest.raises(
        SampleError, match=r"sample 's1': 'data.input.imgae' is no image.*did you mean 'data.input.image"
    ):
        Augmenter([Gamma(keys=["data.input.imgae"])], 1)(make_sample(), 0)


def test_images_of_other_proportions_cannot_move_together() -> None:
    sample = make_sample()
    sample[MASK] = np.zeros((1, 33, 62), np.uint8)
    with pytest.raises(SampleError, match=r"same proportions; got \(33, 31\) and \(33, 62\)"):
        make_augmenter()(sample, 0)
    sample[MASK] = np.zeros((1, 66, 62), np.uint8)
    assert make_augmenter()(sample, 0)[MASK].shape == (1, 66, 62)


def test_a_record_of_other_steps_is_refused() -> None:
    with pytest.raises(SampleError, match="step 0 of the record is Blur; expected 0 Affine, 1 Flip"):
        make_augmenter().apply(make_sample(), [Applied("0", "Blur", {"sigma": 1.0})])


def test_what_fails_while_it_is_applied_names_the_sample() -> None:
    augmenter, sample = Augmenter([Affine(keys=[IMAGE], translate=1e9)], 1), make_sample()
    with pytest.raises(SampleError, match="augmentation: sample 's1': a move leads to no place"):
        augmenter.apply(sample, augmenter.draw(sample, 0))


def test_a_grey_image_has_no_colours_to_change() -> None:
    with pytest.raises(SampleError, match=r"0\.ColourJitter: sample 's1': .* RGB images; .*got 1 channel"):
        Augmenter([ColourJitter(keys=[IMAGE])], 1).draw(make_sample(), 0)
    with pytest.raises(ValidationError, match="expected no Grayscale, which changes all channels at once"):
        PerChannel(steps=[Grayscale(keys=[IMAGE])])
