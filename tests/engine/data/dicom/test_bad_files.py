"""No DICOM file, however broken, does more than be refused with a reason."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import CTImageStorage

from fuse_engine.core.errors import SampleError
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import LoadSegmentation, LoadStructures, Row, check_file, read_geometry, read_image
from fuse_engine.data.dicom.header import read_header
from tests.dicom_files import Scanner, new_file, set_pixels, write

PACKAGED = Path(pydicom.__file__).parent / "data"

OPEN = 0xFFFFFFFF
MUTATED = (
    "CT_small.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_jp2klossless.dcm", "liver_1frame.dcm", "rtdose_1frame.dcm", "MR_small_implicit.dcm",
    "examples_palette.dcm", "nested_priv_SQ.dcm",
)  # fmt: skip
READER = """
import json, resource, sys, time
from pathlib import Path
from fuse_engine.core.errors import FuseError
from fuse_engine.data.dicom.facts import facts_of
from fuse_engine.data import check_series, read_series

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for line in sys.stdin:
    path = Path(json.loads(line))
    start, reason = time.process_time(), ""
    kind = facts_of(path, path.name).kind
    try:
        check_series([path])
        read_series([path])
    except FuseError as error:
        reason = str(error)
    seconds = time.process_time() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    found = {"name": path.name, "kind": kind, "reason": reason, "seconds": seconds, "grown": grown}
    print(json.dumps(found), flush=True)
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Read all files in one process; a death fails the tests and names the file."""
    folder = tmp_path_factory.mktemp("bad")
    groups = {
        "packaged": sorted(path for path in PACKAGED.rglob("*") if path.is_file()),
        "mutants": [made for name in MUTATED for made in mutants(packaged(name), folder, 40)],
        "deep": [deep(folder, defined) for defined in (False, True)],
    }
    paths = [path for group in groups.values() for path in group]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READER], input="\n".join(json.dumps(str(path)) for path in paths),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(paths), f"died at {paths[len(found)]}: {done.stderr[-2000:]}"
    return {name: [found.pop(0) for _ in group] for name, group in groups.items()}


def packaged(name: str) -> Path:
    return Path(get_testdata_file(name, download=False))


def mutants(path: Path, folder: Path, count: int) -> list[Path]:
    rng = np.random.default_rng(len(path.name))
    whole, found = path.read_bytes(), []
    for number in range(count):
        data = bytearray(whole)
        head = min(len(data), 4000)
        for _ in range(int(rng.integers(1, 8))):
            place = int(rng.integers(0, head if rng.random() < 0.8 else len(data)))
            data[place] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))]))
        if rng.random() < 0.2:
            del data[int(rng.integers(1, len(data))) :]
        found.append(folder / f"{number} {path.name}")
        found[-1].write_bytes(data)
    return found


def deep(folder: Path, defined: bool) -> Path:
    """Write a compressed image behind a sequence in a sequence ..., ended by marks or by lengths."""
    data = packaged("MR_small_RLE.dcm").read_bytes()
    nested = b""
    for _ in range(20_000 if defined else 0):
        item = struct.pack("<HHI", 0xFFFE, 0xE000, len(nested)) + nested
        nested = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, len(item)) + item
    item = struct.pack("<HHI", 0xFFFE, 0xE000, OPEN)
    nested = nested or (struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, OPEN) + item) * 20_000
    start = data.index(b"\x08\x00\x16\x00UI")
    path = folder / f"deep {defined}"
    path.write_bytes(data[:start] + nested + data[start:])
    return path


def many(folder: Path) -> Path:
    path = folder / "many.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM" + struct.pack("<HH2sH", 8, 0x60, b"CS", 0) * 2_100_000)
    return path


def test_none_takes_long_or_much_memory(verdicts: dict[str, list[dict[str, Any]]]) -> None:
    every = [item for group in verdicts.values() for item in group]
    assert max(item["seconds"] for item in every) < 5
    assert max(item["grown"] for item in every) < 1024
    assert max(len(item["reason"]) for item in every) < 600


def test_pydicoms_files_all_open_or_are_refused(verdicts: dict[str, list[dict[str, Any]]]) -> None:
    found = {item["name"]: item["reason"] for item in verdicts["packaged"]}
    opened = {name for name, reason in found.items() if not reason}
    assert len(opened) >= 60
    assert {"CT_small.dcm", "693_J2KI.dcm", "JPGExtended.dcm", "MR_small_RLE.dcm", "rtdose_expb.dcm"} <= opened
    assert "MR_truncated.dcm is cut off" in found["MR_truncated.dcm"]
    assert "deflated transfer syntax" in found["image_dfl.dcm"]
    assert "holds no image" in found["rtplan.dcm"]


def test_mutants_are_read_or_refused(verdicts: dict[str, list[dict[str, Any]]]) -> None:
    refused = [item for item in verdicts["mutants"] if item["reason"]]
    assert len(MUTATED) * 40 > len(refused) > 100


def test_nesting_without_end_never_reaches_gdcm(verdicts: dict[str, list[dict[str, Any]]]) -> None:
    marks, lengths = (item["reason"] for item in verdicts["deep"])
    assert "sequences at most 64 deep" in marks
    assert lengths == ""  # jumped over, and not part of what GDCM is given


def test_a_file_of_nothing_but_elements_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="millions of elements"):
        read_header(many(tmp_path), ())


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    found = new_file(CTImageStorage)
    set_pixels(found, np.zeros((16, 16), np.int16))
    return write(found, tmp_path / "ct.dcm")


def test_a_header_that_lies_about_its_size_is_refused_before_memory_is_asked_for(ct: Path) -> None:
    for name, value in (("Rows", 60000), ("NumberOfFrames", 900_000)):
        found = pydicom.dcmread(ct)
        setattr(found, name, value)
        found.save_as(ct.with_name(f"{name}.dcm"))
        with pytest.raises(SampleError, match=f"{name}.dcm is cut off"):
            check_file(ct.with_name(f"{name}.dcm"))
    path = packaged("JPEG2000.dcm")
    found = pydicom.dcmread(path)
    found.Rows = found.Columns = 60000
    found.save_as(ct.with_name("j2k.dcm"))
    with pytest.raises(SampleError, match="another size than the header says; expected 60000 x 60000"):
        read_image(ct.with_name("j2k.dcm"))


def test_a_syntax_that_cannot_be_read_is_named(ct: Path) -> None:
    found = pydicom.dcmread(packaged("JPEG2000.dcm"))
    found.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    found.save_as(ct)
    with pytest.raises(SampleError, match=r"transfer syntax MPEG-4 AVC/H.264 High Profile.*expected uncompressed"):
        read_image(ct)


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
@pytest.mark.parametrize("kept", [4, 60, 200])
def test_compressed_pixels_that_were_cut_off_are_refused(tmp_path: Path, name: str, kept: int) -> None:
    data = packaged(name).read_bytes()
    start = data.index(b"\xe0\x7f\x10\x00OB") + 12
    (tmp_path / name).write_bytes(data[: start + kept])
    for read in (check_file, read_image):
        with pytest.raises(SampleError, match=f"{name} is cut off"):
            read(tmp_path / name)


def test_geometry_needs_no_pixels(ct: Path) -> None:
    assert read_geometry(ct) == read_image(ct).geometry


def test_mutants_of_what_is_drawn_are_read_or_refused(
    scanner: Scanner, oblique: Geometry, numbers: np.ndarray, row_of: Callable[..., Row]
) -> None:
    series = scanner.series(numbers, oblique)
    square = np.array([oblique.point((2, y, x)) for y, x in ((2, 2), (2, 7), (7, 7), (7, 2))])
    drawn = {
        scanner.seg(series, {"a": numbers > 1000}, oblique): LoadSegmentation(column="drawn"),
        scanner.rtstruct(series, {"a": [square]}): LoadStructures(column="drawn", structures=["a"]),
    }
    for path, step in drawn.items():
        reasons = []
        for mutant in mutants(path, scanner.folder, 120):
            try:
                step(None, row_of(image="ct", drawn=mutant))
            except SampleError as error:
                reasons.append(str(error))
        assert 40 < len(reasons) <= 120
