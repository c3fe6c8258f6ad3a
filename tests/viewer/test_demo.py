"""`fuse-gui demo` without a screen takes the whole tour, leaves its results, and leaves no process."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_engine.run.folder import list_runs
from fuse_gui.viewer import demo
from fuse_gui.viewer.launch import BOTTOM, RIGHT, require_window
from fuse_gui.viewer.virtual_display import virtual_display

needs_xvfb = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb: apt-get install xvfb")


def prepared(folder: Path) -> Path:
    """Return a demo that is smaller than the real one; what is there already is kept."""
    folder.mkdir()
    small = {"training": {"stages": [{"epochs": 2}], "callbacks": []}}
    data = Experiment.from_preset(demo.PRESET).to_data()
    data["training"] |= small["training"]
    Experiment.from_preset(demo.PRESET, folder=folder).with_data(data).save(folder / demo.FILE)
    return demo.prepare(folder)


@needs_xvfb
@pytest.mark.napari
def test_the_tour_leaves_its_results_and_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.setattr(demo, "PATIENTS", 12)
    path = prepared(tmp_path / "demo")
    before = set(psutil.pids())
    assert demo.take_tour(path) == 0
    (run,) = list_runs(path.parent / "runs")
    assert run.status().state == "finished"
    assert list(run.predictions.glob("masks/**/*.nii.gz"))
    assert (run.analysis / "samples.csv").is_file()
    assert (path.parent / "heatmap.png").is_file()
    for name in (*RIGHT, *BOTTOM, "overview"):
        with Image.open(path.parent / "screenshots" / f"{name.lower()}.png") as picture:
            assert min(picture.size) >= 900
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 200
    ours = [
        p for p in psutil.process_iter(["pid", "cmdline"]) if p.pid not in before and str(tmp_path) in str(p.info)
    ]
    assert ours == []


@needs_xvfb
def test_a_tour_that_fails_says_so_and_ends(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / demo.FILE
    Experiment.from_preset(demo.PRESET, folder=tmp_path).save(path)
    assert demo.take_tour(path) == 3
    assert "cohort.csv" in capfd.readouterr().err


@needs_xvfb
def test_the_virtual_display_ends_with_its_block() -> None:
    with virtual_display("64x64x24") as name:
        (server,) = [child for child in psutil.Process().children() if child.name() == "Xvfb"]
        assert name.startswith(":")
    assert not server.is_running()


def test_without_xvfb_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FuseError, match="apt-get install xvfb"), virtual_display():
        pass


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux can be without a display")
def test_without_a_display_the_window_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(FuseError, match="fuse-gui demo --headless"):
        require_window()
