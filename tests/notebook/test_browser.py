"""The panels in a real browser: shown, clicked, and answered by the kernel."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fuse_engine.core.experiment import Experiment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium"),
]
CELL = "from fuse_gui.notebook import show\npanel = show('tiny.yaml')"
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN = "() => void window.jupyterapp.commands.execute('notebook:run-all-cells')"
SAMPLE = "() => document.querySelector('.fuse-data').textContent.includes('{}')"
PICTURES = "() => [...document.querySelectorAll('.fuse-samples img')].filter(i => i.naturalWidth > 0).length > 3"
DRAWN = "() => document.querySelector('.fuse-screen img')?.naturalWidth > 0"
PIXELS = """() => {
    const image = document.querySelector('.fuse-augmented img')
    if (!image?.naturalWidth) return null
    const canvas = new OffscreenCanvas(32, 32), pen = canvas.getContext('2d')
    pen.drawImage(image, 0, 0, 32, 32)
    return [...pen.getImageData(0, 0, 32, 32).data]
}"""
OTHER = f"before => ({PIXELS})()?.some((value, at) => Math.abs(value - before[at]) > 40)"
EXACT = "() => !document.querySelector('.fuse-augmented').textContent.includes('approximate')"
KEYS = ["data.input.image", "data.gt.segmentation"]
STEPS = [
    {"Affine": {"keys": KEYS, "rotate": [5, 20], "border": "edge"}},
    {"GaussianNoise": {"keys": KEYS[:1], "std": 0.3}},
]
SECONDS = 60


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def begin_kernel(address: str) -> None:
    """Start the notebook's kernel once the server is there: it imports while the page loads."""
    session = {"path": "panel.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/api/sessions", json.dumps(session).encode(), timeout=SECONDS):  # noqa: S310 our own server
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail("jupyter lab did not start")


@pytest.fixture(scope="module")
def server(notebook_folder: Path) -> Iterator[str]:
    path = notebook_folder / "tiny.yaml"
    Experiment.load(path).changed(("augmentation",), STEPS).save(path)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}  # else a dialog asks for one
    nbformat.write(notebook, notebook_folder / "panel.ipynb")
    startup = Path(os.environ["IPYTHONDIR"]) / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "panel.py").write_text("import fuse_gui.notebook.panel\n", encoding="utf-8")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
         f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
         "--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={notebook_folder}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def page(server: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        page.set_default_timeout(SECONDS * 1000)
        begin_kernel(server)
        page.goto(f"{server}/doc/tree/panel.ipynb?reset")
        page.wait_for_function(IDLE)
        page.evaluate(RUN)
        yield page
        browser.close()


def test_a_sample_is_shown_and_the_next_one_after_a_click(page: Any) -> None:
    page.wait_for_selector(".fuse-panel .fuse-next")
    page.wait_for_function(PICTURES)
    page.click(".fuse-next")
    page.wait_for_function(SAMPLE.format("Sample s"))
    page.wait_for_function(DRAWN)
    first = page.get_attribute(".fuse-screen img", "src")
    page.click(".fuse-next")
    page.wait_for_function("before => document.querySelector('.fuse-screen img').src !== before", arg=first)


def test_single_keys_go_through_the_samples(page: Any) -> None:
    page.click(".fuse-samples button:text-is('s03')")
    page.wait_for_function(SAMPLE.format("Sample s03"))
    page.click(".fuse-keys input")
    for key, sample in (("d", "s04"), ("d", "s05"), ("a", "s04")):
        page.keyboard.press(key)
        page.wait_for_function(SAMPLE.format(f"Sample {sample}"))
    page.wait_for_function("() => document.querySelector('.fuse-keys input').value === ''")


def test_a_key_of_the_tree_is_clicked(page: Any) -> None:
    page.click(".fuse-panel .lm-TabBar-tab:has-text('Processors')")
    page.click(".fuse-key:text-is('segmentation')")
    chosen = "() => document.querySelector('.fuse-processors select').selectedOptions[0].text"
    page.wait_for_function(f"({chosen})() === 'data.gt.segmentation'")


def test_a_parameter_is_dragged_and_dice_are_thrown(page: Any) -> None:
    page.click(".fuse-panel .lm-TabBar-tab:has-text('Data')")
    page.click(".fuse-samples button:text-is('s05')")
    page.click(".fuse-panel .lm-TabBar-tab:has-text('Augmentation')")
    page.wait_for_selector(".fuse-guards:has-text('Label damage')")  # the exact result: nothing is under way
    before = page.wait_for_function(PIXELS).json_value()
    handle = page.locator(".fuse-field-rotate-1-slider .noUi-handle")
    handle.scroll_into_view_if_needed()
    place = handle.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move(place["x"] + 40, place["y"], steps=5)
    page.wait_for_function(OTHER, arg=before)
    page.mouse.up()
    page.wait_for_function(EXACT)
    dragged = page.evaluate(PIXELS)
    page.click(".fuse-draw-dice")
    page.wait_for_selector(".fuse-augmentation:has-text('not what is trained')")
    page.wait_for_function(OTHER, arg=dragged)


def test_a_loss_is_added_and_drawn(page: Any) -> None:
    page.click(".fuse-panel .lm-TabBar-tab:has-text('Model')")
    page.wait_for_selector(".fuse-graph svg text:text-is('classifier')")
    page.click(".fuse-model :text-is('Add a part')")
    page.fill(".fuse-parts-words input", "tversky")
    page.click(".fuse-parts-add")
    page.wait_for_selector(".fuse-graph svg text:text-is('tversky')")
    page.wait_for_selector(".fuse-model .fuse-field-beta", state="visible")
    page.click(".fuse-model button:text-is('Undo')")
    page.wait_for_selector(".fuse-graph svg text:text-is('tversky')", state="detached")


def test_every_panel_is_a_tab(page: Any) -> None:
    for name, inside in (
        ("Augmentation", ".fuse-augmentation"),
        ("Training", ".fuse-training"),
        ("Data", ".fuse-data"),
    ):
        page.click(f".fuse-panel .lm-TabBar-tab:has-text('{name}')")
        page.wait_for_selector(f".fuse-panel {inside}", state="visible")
