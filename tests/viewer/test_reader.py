"""napari opens medical images through the engine's process, in mm and upright."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.core.errors import FuseError
from fuse_gui.viewer.reader import read
from fuse_gui.viewer.sample_data import mammogram_with_lesion
from fuse_gui.viewer.session import session_of

pytestmark = pytest.mark.napari


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    image.SetSpacing((0.5, 0.75, 2.0))
    image.SetOrigin((10.0, -20.0, 30.0))
    path = tmp_path / "case.nii.gz"
    sitk.WriteImage(sitk.DICOMOrient(image, "RAS"), str(path))
    return path


def test_a_volume_opens_in_mm_and_upright(viewer: Any, volume: Path) -> None:
    viewer.open(str(volume), plugin="fuse-gui")
    layer = viewer.layers["case.nii.gz"]
    original = sitk.DICOMOrient(sitk.ReadImage(str(volume)), "LPS")
    np.testing.assert_array_equal(layer.data, sitk.GetArrayFromImage(original))
    np.testing.assert_allclose(layer.data_to_world((0, 0, 0)), (30.0, -20.0, 10.0), atol=1e-5)
    np.testing.assert_allclose(layer.scale, (2.0, 0.75, 0.5))


def test_a_file_called_label_opens_as_labels(viewer: Any, volume: Path, tmp_path: Path) -> None:
    path = tmp_path / "case_label.nrrd"
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(str(volume)), sitk.sitkUInt8), str(path))
    ((_, facts, kind),) = read(str(path))
    assert (kind, facts["name"]) == ("labels", "case_label.nrrd")


def test_a_truncated_file_is_named_and_the_window_goes_on(viewer: Any, volume: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(gzip.compress(gzip.decompress(volume.read_bytes())[:-10]))
    with pytest.raises(FuseError, match=r"broken\.nii\.gz"):
        read(str(broken))
    assert read(str(volume))


def test_the_window_itself_reads_nothing(viewer: Any, volume: Path) -> None:
    read(str(volume))
    assert session_of(viewer).engine.pid is not None


def test_the_sample_mammogram_comes_with_its_lesion(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSE_CACHE", str(tmp_path))
    (image, _, kind), (mask, facts, mask_kind) = mammogram_with_lesion()
    assert (kind, mask_kind) == ("image", "labels")
    assert image.shape == mask.shape
    assert image[mask > 0].mean() > image.mean()
    assert facts["units"] == ("mm", "mm")
