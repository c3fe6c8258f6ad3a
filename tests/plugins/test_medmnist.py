from __future__ import annotations

import hashlib
import io
import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.sections import Split
from fuse_engine.data import Image
from fuse_engine.data.split import make_folds
from fuse_engine.testing import check_component
from fuse_medmnist import MedMNIST, MedMNISTImage
from fuse_medmnist import download as module
from fuse_medmnist.collection import Collection
from fuse_medmnist.download import download


def write(path: Path, shape: tuple[int, ...], labels: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 6), ("val", 3), ("test", 2)):
        arrays[f"{part}_images"] = rng.integers(0, 255, (count, *shape), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count * labels).reshape(count, labels) % 2
    np.savez_compressed(path, **arrays)
    return arrays


def test_components_keep_the_contract() -> None:
    check_component(MedMNIST, path="x.npz")
    check_component(MedMNISTImage)


def test_the_official_split_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "pneumoniamnist.npz", (28, 28))
    cohort = MedMNIST(path=Path("pneumoniamnist.npz")).read(tmp_path)
    folds = make_folds(cohort, Split(test=["test"], validation=["val"]), seed=0)
    assert (len(folds.train), len(folds.validation), len(folds.test)) == (6, 3, 2)
    assert [cohort.row(name).text("label") for name in folds.validation] == ["normal", "pneumonia", "normal"]


@pytest.mark.parametrize(
    ("shape", "expected"), [((28, 28), (1, 28, 28)), ((28, 28, 3), (3, 28, 28)), ((28, 28, 28), (1, 28, 28, 28))]
)
def test_images_come_channel_first(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    arrays = write(tmp_path / "any.npz", shape)
    cohort = MedMNIST(path=Path("any.npz")).read(tmp_path)
    image = MedMNISTImage()(None, cohort.row("val-000002"))
    assert isinstance(image, Image)
    assert image.array.shape == expected
    pixels = arrays["val_images"][2]
    assert np.array_equal(image.array, np.moveaxis(pixels, -1, 0) if shape[-1] == 3 else pixels[None])
    assert cohort.row("val-000001").text("label") == "1"


def test_several_labels_become_columns(tmp_path: Path) -> None:
    arrays = write(tmp_path / "chestmnist.npz", (28, 28), labels=14)
    cohort = MedMNIST(path=Path("chestmnist.npz")).read(tmp_path)
    assert cohort.row("train-000003").text("label mass") == str(arrays["train_labels"][3, 4])


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no file pneumoniamnist.npz"), (b"PK\x03\x04 no zip", "pneumoniamnist.npz is damaged")],
)
def test_a_missing_or_damaged_file_says_so(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "pneumoniamnist.npz").write_bytes(content)
    with pytest.raises(FuseError, match=message):
        MedMNIST(path=Path("pneumoniamnist.npz")).read(tmp_path)


def test_a_pickle_inside_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", train_labels=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FuseError, match="evil.npz is damaged"):
        MedMNIST(path=Path("evil.npz")).read(tmp_path)


class Answer(io.BytesIO):
    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content))}


def test_a_download_is_checked_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"x" * 200_000
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(module.COLLECTIONS, "tiny", Collection(digest, ("a",)))
    asked: list[str] = []

    def answer(address: str, **_: Any) -> Answer:
        asked.append(address)
        return Answer(content)

    monkeypatch.setattr(module.urllib.request, "urlopen", answer)
    seen: list[tuple[int, int]] = []
    path = download("tiny", tmp_path, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == content
    assert seen[-1] == (200_000, 200_000)
    assert len(seen) > 2
    assert download("tiny", tmp_path) == path
    assert len(asked) == 1


def test_a_changed_download_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda *_, **__: Answer(b"changed"))
    with pytest.raises(FuseError, match="pneumoniamnist.npz arrived damaged or changed; expected MD5 28209"):
        download("pneumoniamnist", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_network_and_no_such_name_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(module.urllib.request, "urlopen", fail)
    with pytest.raises(FuseError, match="cannot fetch .*no route"):
        download("breastmnist", tmp_path)
    with pytest.raises(FuseError, match="did you mean 'breastmnist'"):
        download("brestmnist", tmp_path)


def test_the_published_file_is_read_whole(real_data: Path) -> None:
    cohort = MedMNIST(path=Path("pneumoniamnist.npz")).read(real_data)
    labels = [cohort.row(name).text("label") for name in cohort.ids if name.startswith("test")]
    assert (len(cohort), labels.count("pneumonia"), labels.count("normal")) == (5856, 390, 234)
