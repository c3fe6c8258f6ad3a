"""Writes a corpus of damaged files, and reads one in a process of its own: `python corrupt_corpus.py FOLDER`."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import re
import resource
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PIXELS = np.random.default_rng(0).integers(0, 4000, (12, 20, 16)).astype(np.int16)
SPACING, ORIGIN = (0.8, 0.9, 2.5), (-10.0, 20.0, 30.0)
NOT_UTF8 = b"caf\xe9.nii"


class Corpus:
    """Files by name below one folder, each with what its message has to say; None for one that must load."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.expected: dict[str, str | None] = {}

    def bad(self, name: str, content: bytes, cause: str) -> None:
        (self.folder / name).write_bytes(content)
        self.expected[name] = cause

    def good(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)
        self.expected[name] = None

    def encoded(self, ending: str, pixels: np.ndarray = PIXELS, **writing: bool) -> bytes:
        """Return what SimpleITK writes."""
        path = self.folder / f"written{ending}"
        image = sitk.GetImageFromArray(pixels)
        if image.GetDimension() == 3:
            image.SetSpacing(SPACING)
            image.SetOrigin(ORIGIN)
        sitk.WriteImage(image, str(path), **writing)
        content = path.read_bytes()
        path.unlink()
        return content


def patched(content: bytes, format_: str, place: int, *values: float) -> bytes:
    """Return the bytes with numbers of a header replaced."""
    found = bytearray(content)
    struct.pack_into("<" + format_, found, place, *values)
    return bytes(found)


def flipped(content: bytes, place: int) -> bytes:
    found = bytearray(content)
    found[place] ^= 0x10
    return bytes(found)


def replaced(content: bytes, pattern: bytes, new: bytes) -> bytes:
    found, count = re.subn(pattern, new, content, count=1)
    assert count == 1, pattern
    return found


def nifti(corpus: Corpus) -> None:
    plain = corpus.encoded(".nii")
    floats = corpus.encoded(".nii", PIXELS.astype(np.float32))
    packed = gzip.compress(plain)
    corpus.good("good.nii", plain)
    corpus.good("good.nii.gz", packed)
    corpus.bad("half.nii", plain[: len(plain) // 2], "is cut off")
    corpus.bad("half.nii.gz", gzip.compress(plain[: len(plain) // 2]), "is cut off")
    corpus.bad("last100.nii.gz", packed[:-100], "is damaged or cut off")
    corpus.bad("flipped.nii.gz", flipped(packed, len(packed) - 300), "is damaged or cut off")
    corpus.bad("zero.nii", b"", "is empty")
    corpus.bad("zero.nii.gz", b"", "is empty")
    corpus.bad("head.nii", plain[:200], "does not begin with a NIfTI header")
    corpus.bad("text.nii", b"id,image\n" * 100, "does not begin with a NIfTI header")
    huge = patched(plain, "3h", 42, 30000, 30000, 30000)
    corpus.bad("huge.nii", huge, "too large for the memory")
    corpus.bad("huge.nii.gz", gzip.compress(huge), "too large for the memory")
    corpus.bad("wide.nii.gz", gzip.compress(patched(plain, "3h", 42, 800, 800, 800)), "is cut off")
    corpus.bad("more.nii.gz", gzip.compress(plain + bytes(3 << 20)), "holds more than its header says")
    corpus.bad("nodim.nii", patched(plain, "h", 44, 0), "impossible NIfTI header")
    corpus.bad("minusdim.nii", patched(plain, "h", 44, -5), "impossible NIfTI header")
    corpus.bad("nobits.nii", patched(plain, "h", 72, 0), "impossible NIfTI header")
    corpus.bad("offset1e9.nii", patched(plain, "f", 108, 1e9), "impossible NIfTI header")
    corpus.bad("offsetnan.nii", patched(plain, "f", 108, np.nan), "impossible NIfTI header")
    for name, value in (("nan", np.nan), ("zero", 0.0), ("minus", -1.0)):
        corpus.bad(f"pixdim{name}.nii", patched(plain, "f", 84, value), "no usable spacing along y")
    without = patched(plain, "2h", 252, 0, 0)
    corpus.bad("pixdimalone.nii", patched(without, "f", 80, -1.0), "no usable spacing along x")
    corpus.bad("nowhere.nii", patched(plain, "f", 268, np.nan), "does not say where it lies")
    corpus.bad("twoplaces.nii", patched(plain, "f", 292, 99.0), "its qform and its sform differ")
    only = patched(plain, "2h", 252, 0, 1)
    corpus.bad("sheared.nii", patched(only, "f", 284, 0.5), "orthonormal")
    corpus.bad("singular.nii", patched(only, "12f", 280, *[0.0] * 12), "orthonormal")
    holes = floats[:-4] + struct.pack("<f", np.nan)
    corpus.bad("nan.nii", holes, "not finite")
    corpus.bad("inf.nii.gz", gzip.compress(floats[:-4] + struct.pack("<f", np.inf)), "not finite")
    corpus.bad("five.nii", patched(plain, "8h", 40, 5, 16, 20, 6, 1, 2, 1, 1), "axes")
    corpus.bad("label4d.nii", patched(plain, "8h", 40, 4, 16, 20, 6, 2, 1, 1, 1), "a label map has one channel")


def metaimage(corpus: Corpus) -> None:
    plain, packed = corpus.encoded(".mha"), corpus.encoded(".mha", useCompression=True)
    corpus.good("good.mha", plain)
    corpus.good("packed.mha", packed)
    corpus.bad("half.mha", plain[: len(plain) // 2], "is cut off")
    corpus.bad("halfpacked.mha", packed[: len(packed) // 2], "is cut off")
    corpus.bad("flippedpacked.mha", flipped(packed, len(packed) - 300), "is damaged")
    corpus.bad("huge.mha", replaced(plain, rb"DimSize = .*", b"DimSize = 30000 30000 30000"), "too large")
    corpus.bad("fewdims.mha", replaced(plain, rb"DimSize = .*", b"DimSize = 6 5"), "impossible MetaImage header")
    corpus.bad("nodims.mha", replaced(plain, rb"DimSize = .*", b"DimSize = 6 5 0"), "impossible MetaImage header")
    corpus.bad("manydims.mha", replaced(plain, rb"NDims = 3", b"NDims = 999999"), "impossible MetaImage header")
    corpus.bad("oddtype.mha", replaced(plain, rb"MET_SHORT", b"MET_SHRT"), "pixels of an unknown type")
    spacing = rb"ElementSpacing = \S+"
    for name, value in (("minus", b"-1"), ("zero", b"0"), ("nan", b"nan")):
        corpus.bad(
            f"spacing{name}.mha", replaced(plain, spacing, b"ElementSpacing = " + value), "no usable spacing"
        )
    corpus.bad("nowhere.mha", replaced(plain, rb"Offset = \S+", b"Offset = nan"), "does not say where it lies")
    matrix = rb"TransformMatrix = .*"
    corpus.bad("sheared.mha", replaced(plain, matrix, b"TransformMatrix = 1 0 0 0.5 1 0 0 0 1"), "right angles")
    corpus.bad("scaled.mha", replaced(plain, matrix, b"TransformMatrix = 2 0 0 0 1 0 0 0 1"), "right angles")
    header = plain[: plain.index(b"LOCAL")]
    corpus.bad("passwd.mhd", header + b"/etc/passwd\n", "outside its own folder")
    corpus.bad("above.mhd", header + b"../../../../etc/passwd\n", "outside its own folder")
    corpus.bad("gone.mhd", header + b"gone.raw\n", "which is not there")
    corpus.bad("noend.mha", plain[:100], "no MetaImage file")
    corpus.bad("binary.mha", bytes(range(256)) * 40, "no MetaImage file")


def nrrd(corpus: Corpus) -> None:
    plain, packed = corpus.encoded(".nrrd"), corpus.encoded(".nrrd", useCompression=True)
    corpus.good("good.nrrd", plain)
    corpus.good("packed.nrrd", packed)
    raw = plain[plain.index(b"\n\n") + 2 :]
    bzip = replaced(plain[: -len(raw)], rb"encoding: raw", b"encoding: bzip2") + bz2.compress(raw)
    corpus.bad("half.nrrd", plain[: len(plain) // 2], "is cut off")
    corpus.bad("halfpacked.nrrd", packed[: len(packed) // 2], "is cut off")
    corpus.bad("halfbzip.nrrd", bzip[: len(bzip) // 2], "is cut off")
    corpus.bad("flippedpacked.nrrd", flipped(packed, len(packed) - 300), "is damaged")
    corpus.bad("huge.nrrd", replaced(plain, rb"sizes: .*", b"sizes: 30000 30000 30000"), "too large")
    corpus.bad("nosize.nrrd", replaced(plain, rb"sizes: .*", b"sizes: 16 20 0"), "impossible NRRD header")
    corpus.bad("oddtype.nrrd", replaced(plain, rb"type: short", b"type: shrt"), "pixels of an unknown type")
    sheared = replaced(plain, rb"space directions: \(\S+?,0,0\)", b"space directions: (0.8,0.5,0)")
    corpus.bad("sheared.nrrd", sheared, "right angles")
    corpus.bad(
        "flat.nrrd", replaced(plain, rb"space directions: \S+", b"space directions: (0,0,0)"), "no usable spacing"
    )
    floats = corpus.encoded(".nrrd", PIXELS.astype(np.float32))
    corpus.bad("nan.nrrd", floats[:-4] + struct.pack("<f", np.nan), "not finite")
    header = replaced(plain[: -len(raw) - 1], rb"encoding: raw", b"encoding: raw\ndata file: /etc/passwd")
    corpus.bad("passwd.nhdr", header + b"\n", "outside its own folder")
    corpus.bad("gone.nhdr", header.replace(b"/etc/passwd", b"gone.raw") + b"\n", "which is not there")


def pictures(corpus: Corpus) -> None:
    plane = (PIXELS[0] >> 4).astype(np.uint8)
    png, jpg = corpus.encoded(".png", plane), corpus.encoded(".jpg", plane)
    tif = corpus.encoded(".tif", PIXELS.astype(np.uint16))
    corpus.good("good.png", png)
    corpus.good("good.jpg", jpg)
    corpus.good("good.tif", tif)
    corpus.bad("half.png", png[: len(png) // 2], "cannot read")
    corpus.bad("flipped.png", flipped(png, len(png) // 2), "cannot read")
    corpus.bad("zero.png", b"", "is empty")
    corpus.bad("half.jpg", jpg[: len(jpg) // 2], "is cut off")
    corpus.bad("half.tif", tif[: len(tif) // 2], "is cut off")
    corpus.bad("first.tif", struct.pack("<2sHI", b"II", 42, 1 << 30), "is cut off")
    corpus.bad("wrong.nii.gz", png, "is a PNG file by its content")
    corpus.bad("wrong.png", gzip.compress(png), "is a gzip file by its content")
    corpus.bad("wrong.jpg", tif, "is a TIFF file by its content")
    corpus.bad("page.png", b"<html><body>404 Not Found</body></html>", "is a web page by its content")


def dicom(corpus: Corpus) -> None:
    whole = slice_of(corpus.folder, 0)
    corpus.good("good.dcm", whole)
    corpus.bad("half.dcm", whole[: len(whole) - 300], "half.dcm")
    corpus.bad("nopixels.dcm", whole[: whole.index(b"\xe0\x7f\x10\x00")], "nopixels.dcm")
    corpus.bad("text.dcm", b"no DICOM " * 50, "text.dcm")
    rows = whole.index(b"\x28\x00\x10\x00US")
    corpus.bad("huge.dcm", patched(patched(whole, "H", rows + 8, 65535), "H", rows + 18, 65535), "huge.dcm")
    start = whole.index(b"\x08\x00\x16\x00UI")
    deeper = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    corpus.bad("deep.dcm", whole[:start] + deeper * 20_000 + whole[start:], "deep.dcm")


def series(corpus: Corpus) -> None:
    def folder(name: str, cause: str | None, change: Callable[[dict[int, bytes], Path], None]) -> None:
        place = corpus.folder / name
        place.mkdir()
        uids = (generate_uid(), generate_uid())
        slices = {n: slice_of(place, n, uids=uids) for n in range(8)}
        change(slices, place)
        for n, content in slices.items():
            (place / f"{n}.dcm").write_bytes(content)
        corpus.expected[name] = cause

    folder("series_good", None, lambda slices, place: None)
    folder("series_missing", "missing", lambda slices, place: slices.pop(4) and None)
    folder("series_cut", "3.dcm", lambda slices, place: slices.update({3: slices[3][:-200]}))
    folder("series_empty_file", "3.dcm", lambda slices, place: slices.update({3: b""}))
    folder("series_doubled", "position", lambda slices, place: slices.update({9: doubled(slices[3])}))
    folder("series_mixed", "holds 2 stacks", lambda slices, place: slices.update({5: turned(slices[5])}))
    (corpus.folder / "series_none").mkdir()
    corpus.expected["series_none"] = "series_none"


def slice_of(folder: Path, number: int, uids: tuple[str, str] | None = None) -> bytes:
    """Return one axial CT slice."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid()
    found = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID, found.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    found.SeriesInstanceUID, found.FrameOfReferenceUID = uids or (generate_uid(), generate_uid())
    found.StudyInstanceUID = found.FrameOfReferenceUID
    found.Rows, found.Columns = PIXELS.shape[1:]
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 16, 15, 0
    found.PixelSpacing, found.Modality, found.InstanceNumber = [0.9, 0.8], "CT", number + 1
    found.ImagePositionPatient, found.ImageOrientationPatient = [-10, 20, 30 + 2.5 * number], [1, 0, 0, 0, 1, 0]
    found.RescaleSlope, found.RescaleIntercept = 1, 0
    found.PixelData = PIXELS[number].astype("<u2").tobytes()
    path = folder / "made.dcm"
    found.save_as(path)
    content = path.read_bytes()
    path.unlink()
    return content


def doubled(content: bytes) -> bytes:
    """Return the same slice under another instance UID."""
    uid = re.search(rb"\x08\x00\x18\x00UI..([0-9.]+)", content, re.DOTALL)
    assert uid
    last = uid.end(1) - 1
    return content[:last] + (b"1" if content[last : last + 1] != b"1" else b"2") + content[last + 1 :]


def turned(content: bytes) -> bytes:
    """Return the slice with the sagittal direction."""
    return replaced(content, re.escape(rb"1.0\0.0\0.0\0.0\1.0\0.0"), rb"0.0\\1.0\\0.0\\0.0\\0.0\\1.0")


def names(corpus: Corpus) -> None:
    plain = corpus.encoded(".nii")
    for name in ("two words.nii", "ünïcødé 患者.nii", "line\nbreak.nii", "quote'\".nii", "%s%d.nii", "-dash.nii",
                 "back\\slash.nii", "a" * 240 + ".nii", "UPPER.NII", "dots..in.name.nii"):  # fmt: skip
        corpus.good(name, plain)
    (Path(os.fsdecode(os.fsencode(corpus.folder) + b"/" + NOT_UTF8))).write_bytes(plain)
    corpus.expected[os.fsdecode(NOT_UTF8)] = "is not UTF-8"
    corpus.bad("noending", plain, "cannot read noending")


def write(folder: Path) -> dict[str, str | None]:
    """Write the corpus; return what must be said of each file."""
    corpus = Corpus(folder)
    for part in (nifti, metaimage, nrrd, pictures, dicom, series, names):
        part(corpus)
    return corpus.expected


def read(folder: Path) -> None:
    """Look at every file as the doctor does; print for each a line of JSON: message, seconds, growth in bytes."""
    from fuse_engine.core.errors import FuseError
    from fuse_engine.data import LoadImage, Pipeline, Row
    from fuse_engine.data.doctor.look import Look, look
    from fuse_engine.data.processors.dicom import LoadDicom

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in sorted(os.listdir(folder)):
        step = LoadDicom() if (folder / name).is_dir() else LoadImage(label=name.startswith("label"))
        row = Row(name, name, None, {"image": name}, folder)
        start = time.perf_counter()
        try:
            step.reads(row)
            found = look(Pipeline((step,)), row)
        except FuseError as error:
            found = Look(problem=error.problems[0])
        print(json.dumps({
            "name": os.fsencode(name).decode("latin-1"), "message": str(found.problem) if found.problem else None,
            "size": list(found.geometry.size) if found.geometry else [], "seconds": time.perf_counter() - start,
            "bytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
        }), flush=True)  # fmt: skip


if __name__ == "__main__":
    read(Path(sys.argv[1]))
