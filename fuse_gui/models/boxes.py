"""Patch and receptive field as boxes, in mm, around the middle of the image on the screen."""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from fuse_gui.models.canonical import Canonical, canonical
from fuse_gui.models.graph import Extent
from fuse_gui.models.graph_model import GraphModel
from fuse_gui.models.project import Project

COLOURS = {"patch": "#4aa3ff", "receptive field": "#ffb020"}
SPOKEN = {"patch": "blue", "receptive field": "yellow"}


@dataclass(frozen=True)
class ImageBox:
    """A box on the image as it is drawn."""

    name: str
    low: tuple[float, ...]
    """mm along [z,] y, x as drawn: the first border."""
    high: tuple[float, ...]
    cut: bool
    """Whether it is larger than the image and drawn no further than that."""

    @property
    def colour(self) -> str:
        """Colour of its outline."""
        return COLOURS[self.name]


class BoxesModel:
    """What is drawn over the image while it is switched on."""

    label = "Boxes on the image"
    help = "Draw the patch and the receptive field around the middle of the image, in mm"

    changed = Signal()

    def __init__(self, project: Project, graph: GraphModel) -> None:
        """Follow the drawing and the image."""
        self.project, self._graph, self.on = project, graph, False
        graph.changed.connect(self._follow)
        project.screen.changed.connect(self._screen_changed)

    @property
    def boxes(self) -> tuple[ImageBox, ...]:
        """The boxes; none while it is off or there is no image."""
        picture = self.project.screen.picture("image")
        if not self.on or picture is None:
            return ()
        grid, graph = canonical(picture.array, picture.geometry), self._graph.graph
        sizes = {"patch": graph.patch, "receptive field": graph.receptive_field}
        return tuple(box_of(name, size, grid) for name, size in sizes.items() if _fits(size, grid))

    @property
    def text(self) -> str:
        """What is drawn, in words; why nothing is where it is on."""
        if not self.on:
            return ""
        if self.project.screen.picture("image") is None:
            return "Choose a sample in the Data panel: the boxes are drawn on its image."
        words = [
            f"{box.name} ({SPOKEN[box.name]}{', larger than the image' if box.cut else ''})" for box in self.boxes
        ]
        return "Drawn: " + "; ".join(words) if words else "Neither patch nor receptive field is known."

    def set_on(self, on: bool) -> None:
        """Draw them or not."""
        if on != self.on:
            self.on = on
            self.changed.emit()

    def _screen_changed(self, name: str) -> None:
        if name == "image":
            self._follow()

    def _follow(self) -> None:
        if self.on:
            self.changed.emit()


def _fits(size: Extent | None, grid: Canonical) -> bool:
    return size is not None and not size.whole and len(size.mm) == len(grid.order)


def box_of(name: str, size: Extent | None, grid: Canonical) -> ImageBox:
    """Return the box of a size (mm along the stored [z,] y, x) around the middle of a picture as it is drawn."""
    assert size is not None  # noqa: S101 `_fits` was asked
    low: list[float] = []
    high: list[float] = []
    cut = False
    for axis, (step, start, count) in enumerate(
        zip(grid.scale, grid.translate, grid.array.shape[1:], strict=True)
    ):
        first, last = start - step / 2, start + step * (count - 0.5)
        half = size.mm[grid.order[axis]] / 2
        cut = cut or 2 * half > (last - first) + step / 2
        middle = (first + last) / 2
        low.append(max(middle - half, first))
        high.append(min(middle + half, last))
    return ImageBox(name, tuple(low), tuple(high), cut)
