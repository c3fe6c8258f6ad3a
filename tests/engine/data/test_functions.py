"""Functions of the user as steps: from a component file, or from an installed package."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter

from fuse_engine.core import document, registry
from fuse_engine.core.errors import FuseError, SampleError
from fuse_engine.core.functions import function, functions
from fuse_engine.core.geometry import Geometry
from fuse_engine.data import (
    Function,
    Image,
    LoadImage,
    PerChannel,
    Pipeline,
    Row,
    write_image,
)

Rows = Callable[..., Row]

PACKAGE = """
from scipy.ndimage import gaussian_filter

def smoothed(image, sigma=1.0):
    return gaussian_filter(image.array, (0, sigma, sigma))

gone = None
"""


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    before = dict(functions.known)
    yield
    functions.known.clear()
    functions.known.update(before)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a package with functions, as pip would."""
    (tmp_path / "clinic_steps.py").write_text(PACKAGE)
    facts = tmp_path / "clinic_steps-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: clinic-steps\nVersion: 1.0\n")
    names = ("smoothed = clinic_steps:smoothed", "gone = clinic_steps:gone", "broken = clinic_nowhere:work")
    (facts / "entry_points.txt").write_text("[fuse_engine.functions]\n" + "\n".join(names) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("clinic_steps", None)


def plane(*shape: int, channels: int = 1) -> Image:
    array = np.random.default_rng(0).normal(size=(channels, *shape)).astype(np.float32)
    return Image(array, Geometry.plain(shape))


def test_a_function_of_an_installed_package(package: Path, row: Rows) -> None:
    image = plane(9, 8)
    found = Function(function="smoothed", arguments={"sigma": 2})(image, row())
    assert isinstance(found, Image)
    np.testing.assert_allclose(found.array, gaussian_filter(image.array, (0, 2, 2)))
    assert found.geometry == image.geometry
    with pytest.raises(ValidationError, match="unknown function 'smothed'.*did you mean 'smoothed'"):
        Function(function="smothed")
    with pytest.raises(ValidationError, match=r"arguments that fit smoothed\(image, sigma=1.0\).*'sgima'"):
        Function(function="smoothed", arguments={"sgima": 2})
    with pytest.raises(
        ValidationError, match=r"'broken' \(clinic_nowhere:work\) cannot be imported; got ModuleNot"
    ):
        Function(function="broken")
    with pytest.raises(ValidationError, match="entry point 'gone' .* is no function"):
        Function(function="gone")


def test_a_function_of_a_component_file(tmp_path: Path, row: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from fuse_engine import function\n\n@function\ndef inverted(image):\n    return -image.array\n"
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, str(tmp_path / "mine.py"))
    found = Function(function="inverted")(plane(3, 4), row())
    assert isinstance(found, Image)
    np.testing.assert_array_equal(found.array, -plane(3, 4).array)
    with pytest.raises(
        FuseError, match="the function inverted of .* is already registered by fuse_components_mine"
    ):

        @function
        def inverted(image: Image) -> Any:
            return image


def test_the_function_of_the_contributing_page(tmp_path: Path, row: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = next(part for part in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "@function" in part)
    (tmp_path / "page.py").write_text(code)
    monkeypatch.setenv(registry.COMPONENTS_VARIABLE, str(tmp_path / "page.py"))
    entry = re.search(r"`- Function: (\{.*?\})`", page)
    assert entry is not None
    step = Function.model_validate(document.parse(f"Function: {entry.group(1)}").data["Function"])
    found = step(plane(9, 8), row())
    assert isinstance(found, Image)
    np.testing.assert_allclose(found.array, gaussian_filter(plane(9, 8).array, (0, 2, 2)))


def test_the_code_of_the_function_counts_in_the_cache(package: Path, row: Rows) -> None:
    write_image(package / "i.nrrd", plane(4, 4))
    one = Pipeline((Function(function="smoothed"),)).fingerprint(row())

    def other(image: Image) -> Any:
        return image.array

    functions.known["smoothed"] = other
    assert Pipeline((Function(function="smoothed"),)).fingerprint(row()) != one
    assert Pipeline((PerChannel(steps={"0": Function(function="smoothed")}),)).steps[0].sources()[1] is other


def test_the_row_is_passed_and_counts(tmp_path: Path, row: Rows) -> None:
    @function
    def scaled(image: Image, row: Row) -> Any:
        return image.array * float(row.text("gain"))

    step, cells = Function(function="scaled"), row(gain="3", image="i.nrrd")
    found = step(plane(4, 4), cells)
    assert isinstance(found, Image)
    np.testing.assert_allclose(found.array, 3 * plane(4, 4).array)
    assert step.reads(cells) == {"gain": "3", "image": "i.nrrd"}
    write_image(tmp_path / "i.nrrd", plane(4, 4))
    assert Function(function="scaled", files=["image"]).reads(cells)["file of image"] == tmp_path / "i.nrrd"


def test_a_function_may_make_labels_classes_and_texts(row: Rows) -> None:
    @function
    def bright(image: Image) -> Any:
        return image.array > 0

    @function
    def brightest(image: Image) -> Any:
        return np.argmax(image.array)

    label = Function(function="bright")(plane(4, 4), row())
    assert isinstance(label, Image)
    assert (label.label, label.array.dtype) == (True, np.uint8)
    value = Function(function="brightest")(plane(4, 4), row())
    assert type(value) is int


def test_what_a_function_must_not_do_is_named(tmp_path: Path, row: Rows) -> None:
    @function
    def greedy(image: Image) -> Any:
        image.array[:] = 0

    @function
    def dark(image: Image) -> Any:
        return np.log(image.array * 0 - 1, where=False, out=np.full_like(image.array, np.nan))

    @function
    def halved(image: Image) -> Any:
        return image.array[..., ::2]

    for name, message in (("greedy", "read-only"), ("dark", "not finite"), ("halved", "array of another shape")):
        write_image(tmp_path / "i.nrrd", plane(4, 4))
        pipeline = Pipeline((LoadImage(), Function(function=name)), "data.input.image")
        with pytest.raises(SampleError, match=f"data.input.image.1.Function: sample 's1': .*{message}"):
            pipeline.run(row(image="i.nrrd"))


def test_only_a_function_that_moves_pixels_may_change_the_grid(row: Rows) -> None:
    @function
    def every_other(image: Image) -> Image:
        grid = image.geometry
        return Image(image.array[:, ::2, ::2], Geometry((2, 2), (2.0, 2.0), grid.origin, grid.direction))

    with pytest.raises(SampleError, match="changed the grid of the image; expected `moves: true`"):
        Function(function="every_other")(plane(4, 4), row())
    step = Function(function="every_other", moves=True)
    moved = step.move(plane(4, 4, channels=2), plane(4, 4), row())
    assert moved.array.shape == (2, 2, 2)
    image = plane(4, 4)
    assert Function(function="every_other").move(image, image, row()) is image
