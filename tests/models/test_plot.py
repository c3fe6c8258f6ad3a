"""Plots as descriptions: thinned, painted, clicked."""

from __future__ import annotations

import io
import time

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from fuse_gui.models.painter import Painter, png
from fuse_gui.models.plot import LIMIT, Axes, Bars, Figure, Line, Table, hit, thin


def test_thinning_keeps_order_ends_and_every_peak() -> None:
    x = np.arange(1_000_003.0)
    y = np.sin(x / 1e5)
    y[123_456], y[777_777], y[500_000] = 9.0, -9.0, np.nan
    few, values = thin(x, y)
    assert len(few) <= LIMIT + 2
    assert (np.diff(few) > 0).all()
    assert values.max() == 9.0
    assert values.min() == -9.0
    assert {123_456.0, 777_777.0} <= set(few)
    assert thin(x[:10], y[:10])[0] is not None
    assert len(thin(x[:10], y[:10])[0]) == 10


def test_thinning_a_million_points_takes_less_than_a_redraw() -> None:
    x, y = np.arange(1e6), np.random.default_rng(0).random(1_000_000)
    start = time.process_time()
    thin(x, y)
    assert time.process_time() - start < 0.5


def test_a_stretch_without_numbers_is_no_error() -> None:
    y = np.full(100_000, np.nan)
    y[-1] = 1.0
    assert thin(np.arange(100_000.0), y)[1][-1] == 1.0


def painted(figure: Figure) -> Canvas:
    canvas = Canvas(figsize=(4, 3), dpi=100)
    FigureCanvasAgg(canvas)
    Painter(canvas).paint(figure, stacked=True)
    canvas.canvas.draw()
    return canvas


def test_a_click_finds_the_nearest_point_in_reach() -> None:
    line = Line(np.array([0.0, 1.0, 2.0]), np.array([5.0, np.nan, 6.0]), style="dots", ids=("a", "b", "c"))
    figure = Figure((Axes(lines=(line,)), Axes(note="nothing")))
    canvas = painted(figure)
    x, y = canvas.axes[0].transData.transform((2.0, 6.0))
    found = hit(figure, canvas, x + 3, y - 4)
    assert found is not None
    assert found.id == "c"
    assert abs(found.distance - 5.0) < 1e-6
    assert hit(figure, canvas, x + 3, y - 40) is None


def test_a_click_finds_the_cell_of_a_table() -> None:
    table = Table(np.array([[3, 1], [0, 2]]), ("sick", "well"), ("says sick", "says well"))
    figure = Figure((Axes(table=table),))
    canvas = painted(figure)
    x, y = canvas.axes[0].transData.transform((1.2, 0.2))
    found = hit(figure, canvas, x, y)
    assert found is not None
    assert found.id == "sick\nsays well"
    assert hit(figure, canvas, 1.0, 1.0) is None


def test_a_click_finds_the_bar_above_a_place() -> None:
    bars = Bars(np.array([3, 1]), np.array([-0.5, 0.5, 1.5]), ("left", "right"), ("side==left", "side==right"))
    figure, canvas = Figure((Axes(bars=bars),)), Canvas(figsize=(4, 3), dpi=100)
    FigureCanvasAgg(canvas)
    assert Painter(canvas).paint(figure)
    assert [bar.get_height() for bar in canvas.axes[0].patches] == [3, 1]
    for x, expected in ((0.1, "side==left"), (0.9, "side==right")):
        found = hit(figure, canvas, *canvas.axes[0].transData.transform((x, 0.5)))
        assert found is not None
        assert found.id == expected
    assert hit(figure, canvas, *canvas.axes[0].transData.transform((7, 0.5))) is None


def test_a_picture_has_the_size_and_the_colour_of_the_line() -> None:
    line = Line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), colour="#ff0000")
    data = png(Figure((Axes(title="t", lines=(line,), marks=((0.5, "half"),)),)), 300, 200)
    pixels = matplotlib.image.imread(io.BytesIO(data), format="png")
    assert pixels.shape[:2] == (200, 300)
    red = (pixels[..., 0] > 0.9) & (pixels[..., 1] < 0.2)
    assert red.sum() > 100


def grown(count: int, best: float) -> Figure:
    x = np.arange(float(count))
    lines = (Line(x, x**2, "loss"), Line(x, -x, "other", "both"))
    return Figure((Axes("t", lines=lines, marks=((best, "best"),)), Axes(note="nothing yet")))


def test_what_only_grew_is_moved_and_looks_as_if_drawn_anew() -> None:
    canvas = Canvas(figsize=(4, 3), dpi=100)
    agg = FigureCanvasAgg(canvas)
    painter = Painter(canvas)
    assert painter.paint(grown(5, 1))
    agg.draw()
    axes = canvas.axes[0]
    assert painter.paint(grown(50, 30))
    assert canvas.axes[0] is axes
    agg.draw()
    moved = np.asarray(agg.buffer_rgba()).copy()
    fresh = Canvas(figsize=(4, 3), dpi=100)
    other = FigureCanvasAgg(fresh)
    Painter(fresh).paint(grown(50, 30))
    other.draw()
    assert np.array_equal(moved, np.asarray(other.buffer_rgba()))


def test_what_is_the_same_is_not_drawn_again() -> None:
    canvas = Canvas(figsize=(4, 3), dpi=100)
    FigureCanvasAgg(canvas)
    painter = Painter(canvas)
    assert [painter.paint(grown(5, 1)), painter.paint(grown(5, 1)), painter.paint(grown(5, 2))] == [
        True,
        False,
        True,
    ]
    assert painter.paint(Figure((Axes(note="nothing"),)))
    assert len(canvas.axes) == 1


def test_marks_without_lines_are_not_drawn() -> None:
    """All values of a metric are undefined, and yet there is a best epoch."""
    painter = Painter(Canvas(figsize=(4, 3)))
    for epoch in (1.0, 2.0):
        painter.paint(Figure((Axes(marks=((epoch, "best"),), note="no metric has a value"),)))
    assert not painter.paint(Figure((Axes(marks=((3.0, "best"),), note="no metric has a value"),)))
