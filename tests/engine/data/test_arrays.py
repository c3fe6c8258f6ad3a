"""Arrays in files: only what is named is read, and damage is named."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from pydantic import ValidationError

from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.data import Hdf5, Image, LoadArray, Npz, Row
from fuse_engine.data.arrays import list_members, read_member

VOLUME = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
MakeRow = Callable[..., Row]


def write(path: Path, **arrays: np.ndarray[Any, Any]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".npy":
        np.save(path, arrays["volume"])
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array)
    return path


def image(step: LoadArray, row: Row) -> Image:
    found = step(None, row)
    assert isinstance(found, Image)
    return found


@pytest.mark.parametrize("cell", ["a.npy||1", "a.npz|volume|1", "a.h5|volume|1", "a.hdf5|deep/volume|1"])
def test_a_place_of_every_kind_of_file(tmp_path: Path, row: MakeRow, cell: str) -> None:
    name, member, _ = cell.split("|")
    write(tmp_path / name, **{member or "volume": VOLUME, "other": np.zeros(3)})
    found = image(LoadArray(spacing=(2.5, 0.5, 0.75)), row(image=cell))
    assert found.array.dtype == np.float32
    assert np.array_equal(found.array, VOLUME[1][None])
    assert found.geometry.spacing == (0.75, 0.5, 2.5)


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [("yx", (4, 5), (1, 4, 5)), ("yxc", (4, 5, 3), (3, 4, 5)), ("xyz", (5, 4, 3), (1, 3, 4, 5)),
     ("czyx", (2, 3, 4, 5), (2, 3, 4, 5)), ("cyx", (3, 4, 5), (3, 4, 5))],
)  # fmt: skip
def test_axes_come_in_our_order(
    tmp_path: Path, row: MakeRow, axes: str, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    array = np.random.default_rng(0).normal(size=shape)
    np.save(tmp_path / "a.npy", np.asfortranarray(array))
    found = image(LoadArray(axes=axes), row(image="a.npy")).array
    assert found.shape == expected
    where = {axis: size - 1 for axis, size in zip(axes, shape, strict=True)}
    place = tuple(where.get(axis, 0) for axis in "czyx"[4 - len(expected) :])
    if len(expected) == 3:
        place = (where.get("c", 0), where["y"], where["x"])
    assert found[place] == np.float32(array[tuple(where[axis] for axis in axes)])


def test_a_label_map_and_one_value_of_it(tmp_path: Path, row: MakeRow) -> None:
    labels = np.array([[[0, 3], [300, 3]]], np.int64)
    write(tmp_path / "a.h5", multimap=labels)
    step = LoadArray(column="mask", axes="yx", label=True)
    assert image(step, row(mask="a.h5|multimap|0")).array.tolist() == [[[0, 3], [300, 3]]]
    chosen = image(step, row(mask="a.h5|multimap|0|3"))
    assert (chosen.array.tolist(), chosen.label) == ([[[0, 1], [0, 1]]], True)
    with pytest.raises(SampleError, match=r"names a label map; expected `label: true`"):
        LoadArray(column="mask", axes="yx")(None, row(mask="a.h5|multimap|0|3"))


def test_a_vector_of_numbers(tmp_path: Path, row: MakeRow) -> None:
    write(tmp_path / "a.npz", features=np.array([[1.5, 2], [3, 4]]))
    found = LoadArray(column="features", axes="n")(None, row(features="a.npz|features|1"))
    assert isinstance(found, np.ndarray)
    assert (found.tolist(), found.dtype) == ([3.0, 4.0], np.float32)


def test_what_is_read_belongs_to_the_sample_alone(tmp_path: Path, row: MakeRow) -> None:
    np.savez_compressed(tmp_path / "a.npz", volume=VOLUME[0].astype(np.float32))
    first = image(LoadArray(), row(image="a.npz")).array
    first[:] = 0
    assert np.array_equal(image(LoadArray(), row(image="a.npz")).array, VOLUME[:1])


def test_the_result_depends_on_cell_and_file(tmp_path: Path, row: MakeRow) -> None:
    write(tmp_path / "a b|c.npz", volume=VOLUME)
    assert LoadArray().reads(row(image="a b|c.npz")) == {
        "image": "a b|c.npz", "file of image": tmp_path / "a b|c.npz",
    }  # fmt: skip


@pytest.mark.parametrize("write_npz", [np.savez, np.savez_compressed])
def test_a_changed_file_is_read_again(tmp_path: Path, write_npz: Any) -> None:
    for value in (1, 2):
        write_npz(tmp_path / "a.npz", x=np.full((2, 3), value))
        assert read_member(tmp_path / "a.npz", "x", 1).tolist() == [value] * 3


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("aa.npz|volume|0", r"column 'image': no file .*aa.npz; did you mean 'a.npz'"),
        ("a.npz|volumes|0", r"a.npz has no array 'volumes'; expected one of mask, volume; did you mean 'volume'"),
        ("a.npz", r"a.npz holds 2 arrays; expected one of mask, volume"),
        ("a.npz|volume|2", r"a.npz\|volume has no place 2; expected 0 to 1"),
        ("a.npz|volume", r"'a.npz\|volume' is no array of the axes zyx; expected numbers on 3 axes; got int16"),
        ("a.npz|volume|-1", r"names no array; expected file\|member, file\|member\|place"),
        ("a.npz|volume|1|2|3", r"names no array"),
        ("a.txt|volume", r"cannot read a.txt; expected a file that ends in .npy, .npz, .h5, .hdf5"),
        ("", r"column 'image' names no file"),
    ],
)
def test_what_is_wrong_with_a_cell_is_said(tmp_path: Path, row: MakeRow, cell: str, said: str) -> None:
    write(tmp_path / "a.npz", volume=VOLUME, mask=VOLUME)
    (tmp_path / "a.txt").touch()
    with pytest.raises(SampleError, match=said):
        LoadArray()(None, row(image=cell))


def test_holes_are_refused(tmp_path: Path, row: MakeRow) -> None:
    np.save(tmp_path / "a.npy", np.array([[1, np.nan]]))
    with pytest.raises(SampleError, match=r"'a.npy' holds values that are not finite"):
        LoadArray(axes="yx")(None, row(image="a.npy"))


def test_axes_that_make_no_sense_are_refused() -> None:
    for axes in ("", "zy", "yxx", "tyx", "nyx"):
        with pytest.raises(ValidationError, match="expected y and x"):
            LoadArray(axes=axes)


def test_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "b.npz", x=np.zeros(2, [("f", "i4")]))
    with pytest.raises(SampleError, match=r"a.npy holds no numbers; expected numbers; got object"):
        read_member(tmp_path / "a.npy")
    with pytest.raises(SampleError, match=r"a.npz\|x holds no numbers"):
        read_member(tmp_path / "a.npz", "x")
    with pytest.raises(SampleError, match=r"b.npz\|x is no array of numbers; expected a header of numpy"):
        read_member(tmp_path / "b.npz", "x")


def test_a_small_file_cannot_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((100, 100_000)))
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("x", data=np.zeros((100, 100_000)), compression="gzip", chunks=(1, 100_000))
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=20_000_000))
    for name in ("bomb.npz", "bomb.h5"):
        with pytest.raises(SampleError, match=rf"{name}\|x is too large for the memory"):
            read_member(tmp_path / name, "x")
    assert read_member(tmp_path / "bomb.h5", "x", 3).shape == (100_000,)


@pytest.mark.parametrize("kind", ["npy", "npz", "packed.npz", "h5", "packed.h5"])
def test_no_part_of_a_file_is_taken_for_the_whole(tmp_path: Path, kind: str) -> None:
    array = np.random.default_rng(0).integers(0, 9, (40, 50))
    path = tmp_path / f"a.{kind}"
    if kind == "packed.npz":
        np.savez_compressed(path, volume=array)
    elif kind == "packed.h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("volume", data=array, compression="gzip", chunks=(5, 50))
    else:
        write(path, volume=array)
    content = path.read_bytes()
    for cut in (0, 1, 50, len(content) // 2, len(content) - 60):
        path.write_bytes(content[:cut])
        with pytest.raises(SampleError, match=rf"a\.{kind}"):
            read_member(path, None if kind == "npy" else "volume")


def test_a_mutant_is_read_or_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    outcomes: set[object] = set()
    for name in ("a.npy", "a.npz", "a.h5"):
        content = write(tmp_path / name, volume=np.arange(60).reshape(3, 20)).read_bytes()
        for number in range(150):
            mutant = bytearray(content)
            for place in rng.integers(0, len(mutant), 3):
                mutant[place] = rng.integers(256)
            path = tmp_path / f"{number}{name}"
            path.write_bytes(mutant)
            try:
                outcomes.add(read_member(path).shape)
            except SampleError as error:
                outcomes.add("refused" if path.name in str(error) else str(error))
            path.unlink()
    assert {found for found in outcomes if isinstance(found, str)} == {"refused"}
    assert (3, 20) in outcomes


def test_a_header_that_lies_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(4))
    content = (tmp_path / "a.npy").read_bytes()
    honest = b"(4,), }".ljust(30)
    assert honest in content
    for lie in (
        b"(9,), }",
        b"(4e9,), }",
        b"(10**9,), }",
        b"(-4,), }",
        b"(4,), 'x': 1}",
        b"(99999999999999999,), }",
    ):
        (tmp_path / "a.npy").write_bytes(content.replace(honest, lie.ljust(30)))
        with pytest.raises(SampleError, match=r"a\.npy"):
            read_member(tmp_path / "a.npy")


def test_an_archive_of_other_things_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("notes.txt", "x")
    with pytest.raises(SampleError, match=r"a.npz\|notes.txt is no array of numpy"):
        list_members(tmp_path / "a.npz")


def test_hdf5_never_leaves_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(16)))
    write(tmp_path / "other.h5", x=VOLUME)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("mine", data=VOLUME)
        file.create_dataset("raw", (16,), "u1", external=[(str(secret), 0, 16)])
        file["link"] = h5py.ExternalLink("other.h5", "x")
        layout = h5py.VirtualLayout((2, 3, 4, 5), "i2")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (2, 3, 4, 5))
        file.create_virtual_dataset("virtual", layout)
        file["loop"] = file["/"]
    assert sorted(list_members(tmp_path / "a.h5")) == ["mine", "raw", "virtual"]
    for name in ("raw", "virtual"):
        with pytest.raises(SampleError, match=rf"a.h5\|{name} takes its values from another file"):
            read_member(tmp_path / "a.h5", name)
    with pytest.raises(SampleError, match="a.h5 has no array 'link'"):
        read_member(tmp_path / "a.h5", "link")


def test_what_was_never_written_is_not_zero(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("none", (4, 5), "f4")
        part = file.create_dataset("part", (4, 5), "f4", chunks=(1, 5))
        part[:3] = 1
        file.create_dataset("empty", (0, 5), "f4")
    for name in ("none", "part"):
        with pytest.raises(SampleError, match=rf"a.h5\|{name} was never written, or not to the end"):
            read_member(tmp_path / "a.h5", name, 0)
    assert read_member(tmp_path / "a.h5", "empty").shape == (0, 5)


def test_an_npz_file_lists_its_places_fold_by_fold(tmp_path: Path, row: MakeRow) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for fold, count in (("train", 3), ("val", 2), ("test", 1)):
        arrays[f"{fold}_images"] = rng.integers(0, 255, (count, 6, 7), np.uint8)
        arrays[f"{fold}_labels"] = np.arange(count)[:, None]
        arrays[f"{fold}_age"] = np.array([0.1, np.nan, 63][:count], np.float32)
    np.savez(tmp_path / "set.npz", names=np.array(["a"]), **arrays)
    cohort = Npz(path=Path("set.npz")).read(tmp_path)
    assert cohort.ids == (
        "train-000000",
        "train-000001",
        "train-000002",
        "val-000000",
        "val-000001",
        "test-000000",
    )
    assert cohort.column("labels") == ["0", "1", "2", "0", "1", "0"]
    assert cohort.column("age") == ["0.1", "", "63.0", "0.1", "", "0.1"]
    assert cohort.row("val-000001").fold == "val"
    found = image(LoadArray(column="images", axes="yx"), cohort.row("val-000001"))
    assert np.array_equal(found.array[0], arrays["val_images"][1])
    assert [str(remark) for remark in cohort.remarks] == ["set.npz: unmatched: 'names' belongs to no fold"]


def test_an_hdf5_file_lists_its_places(tmp_path: Path) -> None:
    images = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    write(
        tmp_path / "a.h5", images=images, id=np.array([b"x", "ä".encode(), b"00012"]), patient=np.array([7, 7, 8])
    )
    cohort = Hdf5(path=Path("a.h5"), group="patient").read(tmp_path)
    assert cohort.ids == ("x", "ä", "00012")
    assert (cohort.row("ä").group, cohort.row("ä").fold) == ("7", None)
    assert np.array_equal(image(LoadArray(column="images", axes="yx"), cohort.row("ä")).array[0], images[1])


def test_an_hdf5_file_lists_its_groups(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("train/p1", "train/p 2", "test/p3"):
            group = file.create_group(name)
            group.attrs["label"] = f"of {name}"
            group["image"] = np.full((3, 4), len(name))
            group["age"] = 63
        file["train/p1/mask"] = np.zeros((3, 4), np.uint8)
    cohort = Hdf5(path=Path("a.h5"), layout="groups").read(tmp_path)
    assert cohort.ids == ("test/p3", "train/p 2", "train/p1")
    row = cohort.row("train/p 2")
    assert (row.fold, row.text("label"), row.text("age"), row.text("mask")) == ("train", "of train/p 2", "63", "")
    assert image(LoadArray(axes="yx"), row).array.max() == 9
    with pytest.raises(FuseError, match="expected one place for each sample; or `layout: groups`; got train"):
        Hdf5(path=Path("a.h5"), folds=[], columns=["p1/image", "train/p1/image", "train/p1/age"]).read(tmp_path)


def test_arrays_of_different_lengths_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.npz", images=np.zeros((3, 4, 5)), labels=np.zeros(3), classes=np.zeros(2))
    with pytest.raises(
        FuseError, match="different lengths; expected one place for each sample; got images: 3, labels"
    ):
        Npz(path=Path("a.npz")).read(tmp_path)
    assert len(Npz(path=Path("a.npz"), columns=["images", "labels"]).read(tmp_path)) == 3
    with pytest.raises(FuseError, match="a.npz has no column 'image'"):
        Npz(path=Path("a.npz"), columns=["labels", "image"]).read(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a|b.npz", x=np.zeros(2))
    write(tmp_path / "a.h5")
    with pytest.raises(FuseError, match=r"the name of a\|b.npz holds '\|'"):
        Npz(path=Path("a|b.npz")).read(tmp_path)
    with pytest.raises(FuseError, match="cannot read a.h5; expected a file that ends in .npz"):
        Npz(path=Path("a.h5")).read(tmp_path)
    with pytest.raises(FuseError, match="a.h5 holds no samples"):
        Hdf5(path=Path("a.h5"), layout="groups").read(tmp_path)
    with pytest.raises(FuseError, match="no file"):
        Hdf5(path=Path("b.h5")).read(tmp_path)


def test_real_data_is_read_as_numpy_reads_it(real_data: Path, row: MakeRow) -> None:
    cohort = Npz(path=Path("pneumoniamnist.npz")).read(real_data)
    with np.load(real_data / "pneumoniamnist.npz", allow_pickle=False) as archive:
        expected, labels = archive["val_images"][17], archive["val_labels"][17]
    sample = cohort.row("val-000017")
    assert len(cohort) == 5856
    assert sample.text("labels") == str(labels[0])
    assert np.array_equal(image(LoadArray(column="images", axes="yx"), sample).array[0], expected)
