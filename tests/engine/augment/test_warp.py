"""The loop that reads images at moved places, against scipy; parts of images against the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from fuse_engine.augment.pull import Border, Box, Lattice, Matrix, Pull, pulled, whole
from fuse_engine.core.errors import FuseError
from fuse_engine.core.random import stream

SHAPES = [(23, 31), (9, 14, 17)]
BORDERS: list[Border] = ["zeros", "edge", "reflect"]
CHAINS = ["matrix", "lattice", "lattice matrix", "matrix lattice matrix"]
MODES = {"zeros": "grid-constant", "edge": "nearest", "reflect": "mirror"}


def make_pull(chain: str, shape: tuple[int, ...], strength: float = 0.1, seed: int = 0) -> Pull:
    dims, rng = len(shape), stream("pull", chain, seed)
    pull = Pull((), shape)
    for name in reversed(chain.split()):
        if name == "matrix":
            matrix = np.eye(dims) + rng.uniform(-strength, strength, (dims, dims))
            pull = Pull.linear(matrix, shape, shape).after(pull)
        else:
            nodes = rng.uniform(-15 * strength, 15 * strength, (dims, *range(4, 4 + dims))).astype(np.float32)
            pull = Pull((Lattice(nodes, shape),), shape).after(pull)
    return pull


def make_arrays(shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    rng = stream("arrays", *shape)
    return rng.normal(size=(2, *shape)).astype(np.float32), rng.integers(0, 5, (1, *shape), np.uint8)


def slowly(array: NDArray[Any], pull: Pull, border: Border, order: int) -> NDArray[Any]:
    places = pull(np.argwhere(np.ones(pull.shape)).astype(float)).T
    read = [ndimage.map_coordinates(each, places, order=order, mode=MODES[border]) for each in array]
    return np.reshape(read, (len(array), *pull.shape))


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_agrees_with_scipy(shape: tuple[int, ...], border: Border, chain: str) -> None:
    (image, labels), pull = make_arrays(shape), make_pull(chain, shape, 0.2)
    moved, marked = pulled(image, labels, pull, border)
    assert np.abs(moved - slowly(image, pull, border, 1)).max() < 1e-4
    assert np.mean(marked != slowly(labels, pull, border, 0)) < 1e-3  # halves, rounded to float32


@pytest.mark.parametrize("chain", [*CHAINS, "copies"])
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_part_has_the_bits_of_the_whole(shape: tuple[int, ...], border: Border, chain: str) -> None:
    image, labels = make_arrays(shape)
    turn = np.diag([-1.0] * len(shape))
    copies = Pull((Matrix(np.column_stack([turn, np.arange(len(shape)) + 9])),), shape)
    pull, rng = copies if chain == "copies" else make_pull(chain, shape), stream("boxes", chain)
    moved, marked = pulled(image, labels, pull, border)
    planes = [[slice(n // 2, n // 2 + 1) if a == b else slice(0, n) for b, n in enumerate(shape)] for a in (0, 1)]
    ends = [[np.sort(rng.choice(n + 1, 2, replace=False)) for n in shape] for _ in range(20)]
    for box in map(tuple, [*planes, *[[slice(int(a), int(b)) for a, b in each] for each in ends]]):
        part, some = read_part(image, labels, pull, border, box)
        assert np.array_equal(part, moved[(slice(None), *box)])
        assert np.array_equal(some, marked[(slice(None), *box)])


def read_part(
    image: NDArray[np.float32], labels: NDArray[np.uint8], pull: Pull, border: Border, box: Box
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Read a box from nothing but the part of the image that it is said to need."""
    part = pull.reach(box, image.shape[1:], border)
    if part is None:
        shape = tuple(side.stop - side.start for side in box)
        return np.zeros((len(image), *shape), np.float32), np.zeros((len(labels), *shape), np.uint8)
    needed = (slice(None), *part)
    return pulled(image[needed], labels[needed], pull, border, box, [side.start for side in part])


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("away", [-400.0, -30.0, 30.0, 400.0])
def test_what_lies_far_outside(border: Border, away: float) -> None:
    shape = (9, 14, 17)
    image, labels = make_arrays(shape)
    pull = Pull((Matrix(np.column_stack([np.eye(3), [0.0, away + 0.25, 0.0]])),), shape)
    box = (slice(2, 5), slice(3, 9), slice(0, 17))
    moved, _ = pulled(image, labels, pull, border)
    assert np.abs(moved - slowly(image, pull, border, 1)).max() < 1e-4
    assert np.array_equal(read_part(image, labels, pull, border, box)[0], moved[(slice(None), *box)])


def test_a_plane_needs_few_planes() -> None:
    shape, box = (64, 64, 64), (slice(30, 31), slice(0, 64), slice(0, 64))
    mirror = Pull.linear(np.diag([1.0, 1.0, -1.0]), shape, shape)
    assert mirror.reach(box, shape, "zeros") == box
    nodes = np.zeros((3, 9, 9, 9), np.float32)
    nodes[0, 0] = 40  # far away from the plane
    part = Pull((Lattice(nodes, shape),), shape).reach(box, shape, "zeros")
    assert part is not None
    assert part[0] == slice(29, 32)


@pytest.mark.parametrize("shape", [(1, 20, 22), (20, 1, 22), (20, 22, 1), (1, 1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("border", BORDERS)
def test_axes_of_one_voxel(shape: tuple[int, ...], border: Border) -> None:
    image, labels = make_arrays(shape)
    pull = make_pull("matrix", shape, 0.2).after(make_pull("lattice", shape, 0.02))
    moved, marked = pulled(image, labels, pull, border)
    assert np.abs(moved - slowly(image, pull, border, 1)).max() < 1e-4
    assert np.array_equal(marked, slowly(labels, pull, border, 0))
    still = Pull((Lattice(np.zeros((len(shape), *[2] * len(shape)), np.float32), shape),), shape)
    assert np.array_equal(pulled(image, labels, still, border)[0], image)


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, bool])
def test_labels_of_any_type_and_layout(dtype: type) -> None:
    shape, pull = (23, 31), make_pull("lattice matrix", (23, 31))
    image, labels = make_arrays(shape)
    expected = pulled(image, labels.astype(dtype).astype(np.uint8), pull, "zeros")[1]
    turned: NDArray[Any] = np.asfortranarray(labels.astype(dtype))[:, ::-1][:, ::-1]
    moved, marked = pulled(image[:, :, ::-1].astype(np.float64)[:, :, ::-1], turned, pull, "zeros")  # type: ignore[arg-type]
    assert marked.dtype == dtype
    assert np.array_equal(marked, expected)
    assert np.array_equal(moved, pulled(image, labels, pull, "zeros")[0])
    low = pulled(image[:0], np.full((1, 23, 31), -7, np.int16), pull, "edge")[1]
    assert (low == -7).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chain", CHAINS)
def test_points_go_where_their_pixels_go(shape: tuple[int, ...], chain: str) -> None:
    pull = make_pull(chain, shape)
    points = stream("points").uniform(-3, np.array(shape) + 2, (50, len(shape)))
    assert np.abs(pull(pull.push(points)) - points).max() < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_matrices_are_undone(shape: tuple[int, ...]) -> None:
    smaller = tuple(size - 4 for size in shape)
    first = Pull.linear(np.diag([0.7] * len(shape)), smaller, shape)
    back = make_pull("matrix", smaller).after(first).inverse(shape)
    there = make_pull("matrix", smaller).after(first)
    points = stream("points").uniform(0, 9, (20, len(shape)))
    assert back.shape == shape
    assert np.allclose(there(back(points)), points)
    assert np.allclose(back(points), there.push(points))
    with pytest.raises(ValueError, match="matrices alone"):
        make_pull("lattice", shape).inverse(shape)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e12])
def test_a_move_to_nowhere_is_refused(number: float) -> None:
    image, labels = make_arrays((23, 31))
    astray = Lattice(np.full((2, 2, 2), number, np.float32), (23, 31))
    for stage in (Matrix(np.array([[1, 0, number], [0, 1, 0.5]])), astray):
        with pytest.raises(FuseError, match="leads to no place"):
            pulled(image, labels, Pull((stage,), (23, 31)), "edge")


def test_no_box_is_the_whole() -> None:
    (image, labels), pull = make_arrays((23, 31)), make_pull("matrix", (23, 31))
    every, none = pulled(image, labels[:0], pull, "edge", whole((23, 31))), pulled(image, labels[:0], pull, "edge")
    assert np.array_equal(every[0], none[0])
    assert none[1].shape == (0, 23, 31)
