"""One story of the Model panel, told on Qt and on ipywidgets: drawn, wired, mended, tried and undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import pytest

from fuse_engine.core.errors import FuseError
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.project import Project
from fuse_gui.models.requests import call_now
from tests import gui_graph
from tests.gui_engine import FakeEngine
from tests.gui_models import MODELS


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(graph=gui_graph.graph, preflight=gui_graph.PREFLIGHT)


@pytest.fixture(params=["qt", "notebook"])
def panel(
    request: pytest.FixtureRequest, engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.setenv("FUSE_PRESETS", str(tmp_path / "kept"))
    bot = request.getfixturevalue("qtbot") if request.param == "qt" else None
    from fuse_gui.qt.hop import qt_deliver
    from tests.views.builder_notebook import NotebookBuilder
    from tests.views.builder_qt import QtBuilder

    project = Project(engine, qt_deliver() if bot else call_now, MODELS, debounce=0.01)  # type: ignore[arg-type]
    project.start_with(Experiment.from_preset("mammography", folder=tmp_path))
    model = BuilderModel(project, pause=0.001)
    hand: Any = QtBuilder(model, bot) if bot else NotebookBuilder(model)
    hand.wait(lambda: bool(model.graph.graph.nodes) and not model.graph.stale)
    yield hand
    project.close()
    W.Widget.close_all()


def spec(panel: Any, part: str) -> Any:
    return panel.model.project.experiment.to_data()[part]


def test_the_model_is_drawn_with_shapes_and_sizes(panel: Any) -> None:
    drawn = panel.drawn()
    assert {"image", "clinical", "ResNet", "classifier", "cls", "auc", "AUC", "iou"} <= set(drawn)
    assert "11.2 M, 2.37 GFLOP" in drawn
    assert (
        "11.4 M parameters; 2.4 GFLOP a sample; receptive field 435 × 435 voxels (200 × 210 mm), one every 32 × 32"
        in panel.words()
    )
    assert panel.red() == 0


def test_a_wrong_edge_is_red_with_a_sentence_and_a_fix(panel: Any, engine: FakeEngine) -> None:
    engine.answers["graph"] = gui_graph.graph(wrong=True)
    panel.model.project.edit(("seed",), 5)
    panel.wait(lambda: gui_graph.WRONG in panel.words() and panel.red() > 0)
    engine.answers["graph"] = gui_graph.graph()
    panel.press("Give classifier 3 classes")
    assert spec(panel, "model")["MultiHead"]["heads"]["classifier"]["GlobalPoolingClassifier"]["classes"] == "3"
    panel.wait(lambda: gui_graph.WRONG not in panel.words() and panel.red() == 0)


def test_a_click_on_a_part_shows_its_form(panel: Any) -> None:
    assert not panel.shows("metrics", "names") or not panel.shows("losses", "weight")
    panel.click_node("losses.seg")
    panel.wait(lambda: panel.shows("losses", "weight"))
    assert panel.model.chosen_place == "losses.seg"
    panel.click_node("data.input.clinical")
    assert panel.model.chosen_place == "model.MultiHead.heads.classifier.GlobalPoolingClassifier.tabular"


def test_key_fields_offer_what_fits_their_role(panel: Any) -> None:
    panel.unfold()
    assert panel.offered("inputs") == ["data.input.image"]
    assert panel.offered("pred") == ["", "model.logits.classifier", "model.logits.segmentation"]
    assert panel.offered("target") == ["", "data.gt.classification"]
    assert "1 × 256 × 256" in panel.words()


def test_what_is_wrong_in_a_folded_card_stands_at_its_head(panel: Any, engine: FakeEngine) -> None:
    panel.model.project.edit(("metrics", "auc", "AUC", "pred"), "no key")
    assert "pred: not a key; expected a dotted key such as data.input.image; got 'no key'" in panel.words()
    panel.model.project.undo()
    assert "pred: " not in panel.words()


def test_a_loss_is_found_and_comes_wired(panel: Any) -> None:
    assert panel.palette("overlap mask loss") == ["loss: Dice"]
    assert "One minus the overlap of masks." in panel.words()
    panel.add("loss: Dice")
    added = {"pred": "model.logits.segmentation", "target": "data.gt.segmentation"}
    assert spec(panel, "losses")["dice"] == {"Dice": added}
    panel.wait(lambda: panel.shows("losses", "weight"))
    panel.press("Undo")
    assert "dice" not in spec(panel, "losses")


def test_what_does_not_work_for_the_image_is_not_listed(panel: Any) -> None:
    assert panel.palette("backbone:") == ["backbone: ResNet"]
    assert "1 component that does not work for images of 2 axes is not listed." in panel.words()


def test_a_network_brings_the_model_that_takes_it(panel: Any) -> None:
    panel.palette("network")
    panel.add("network: UNet")
    assert spec(panel, "model") == {"Wrap": {"inputs": ["data.input.image"], "network": {"UNet": {}}}}
    panel.press("Undo")
    assert "MultiHead" in spec(panel, "model")


def test_a_head_gets_the_name_and_the_classes_of_its_truth(panel: Any) -> None:
    panel.model.project.edit(("losses",), {})
    panel.model.project.edit(("metrics",), {})
    panel.palette("class for the whole")
    panel.add("head: GlobalPoolingClassifier")
    heads = spec(panel, "model")["MultiHead"]["heads"]
    assert heads["classification"]["GlobalPoolingClassifier"]["classes"] == 2


def test_an_input_is_added_where_it_fits(panel: Any) -> None:
    place = ("model", "MultiHead", "heads", "classifier", "GlobalPoolingClassifier", "tabular")
    panel.model.project.edit(place, [])
    assert panel.palette("clinical") == ["input: clinical → heads classifier tabular"]
    panel.add("input: clinical → heads classifier tabular")
    tabular = spec(panel, "model")["MultiHead"]["heads"]["classifier"]["GlobalPoolingClassifier"]["tabular"]
    assert tabular == ["data.input.clinical"]


def test_whoever_reads_a_head_follows_its_new_name(panel: Any) -> None:
    panel.rename("classifier", "biopsy")
    assert spec(panel, "losses")["cls"]["CrossEntropy"]["pred"] == "model.logits.biopsy"
    assert spec(panel, "metrics")["auc"]["AUC"]["pred"] == "model.output.biopsy"
    panel.press("Undo")
    assert spec(panel, "losses")["cls"]["CrossEntropy"]["pred"] == "model.logits.classifier"


def test_a_template_takes_the_keys_of_the_project_and_is_one_step(panel: Any) -> None:
    panel.template("segmentation")
    project = panel.model.project
    assert spec(panel, "model")["Wrap"]["inputs"] == ["data.input.image"]
    assert set(spec(panel, "losses")) == {"cross_entropy", "dice"}
    assert project.message == "Segmentation: image data.input.image, label map data.gt.segmentation (2 classes)"
    panel.press("Undo")
    assert set(spec(panel, "losses")) == {"cls", "seg"}


def test_a_template_says_what_the_project_lacks(panel: Any) -> None:
    before = panel.model.project.experiment
    panel.template("siamese")
    assert "needs 'Siamese', which is not among the components" in panel.words()
    panel.template("regression")
    assert panel.model.project.experiment is before


def test_a_part_is_kept_under_a_name_and_offered_again(panel: Any, tmp_path: Path) -> None:
    panel.click_node("losses.seg")
    panel.keep("double seg")
    assert (tmp_path / "kept" / "loss" / "double seg.yaml").is_file()
    assert panel.palette("double") == ["loss: double seg"]
    panel.add("loss: double seg")
    assert spec(panel, "losses")["double_seg"]["SegmentationCrossEntropy"]["weight"] == "2.0"


def test_preflight_shows_progress_and_a_card_and_applies_its_proposal(panel: Any, engine: FakeEngine) -> None:
    engine.hold.add("preflight")
    panel.open_preflight()
    panel.model.preflight.start()
    engine.held[0][0].progress.emit(0.4, "the first step")
    panel.wait(lambda: "the first step" in panel.words())
    engine.release()
    panel.wait(lambda: "1.50 GiB on cpu" in panel.words())
    for words in (
        "0.71, chance is 0.693",
        "2.4, chance is 0.693 ⚠",
        "80%",
        "-0.30 against each other",
        "31% of the",
    ):
        assert words in panel.words()
    panel.press("Apply")
    assert panel.model.project.experiment.data.batch.size == 8
    assert "The experiment was changed since." in panel.words()


def test_preflight_makes_way_and_goes_on(panel: Any, engine: FakeEngine) -> None:
    answers = iter([{"waiting": True}, {"waiting": True}, gui_graph.PREFLIGHT])
    engine.answers["preflight"] = lambda **_: next(answers)
    panel.open_preflight()
    panel.model.preflight.start()
    panel.wait(lambda: "1.50 GiB on cpu" in panel.words())
    assert engine.methods().count("preflight") == 3
    engine.answers["preflight"] = {"waiting": True}
    engine.hold.add("preflight")
    panel.model.preflight.start()
    panel.model.project.edit(("seed",), 6)
    engine.release()
    assert "The experiment was changed, so the try was given up." in panel.words()


def test_preflight_is_given_up(panel: Any, engine: FakeEngine) -> None:
    engine.hold.add("preflight")
    panel.open_preflight()
    panel.model.preflight.start()
    panel.press("Cancel")
    assert "Cancelled." in panel.words()
    engine.release()
    assert panel.model.preflight.card is None


def test_a_dead_engine_leaves_the_drawing_and_says_why(panel: Any, engine: FakeEngine) -> None:
    engine.answers["graph"] = FuseError("the engine has died", expected="it starts again with the next request")
    panel.model.project.edit(("seed",), 6)
    panel.wait(lambda: "the engine has died" in panel.words())
    assert "classifier" in panel.drawn()
    engine.answers["graph"] = gui_graph.graph()
    panel.model.project.edit(("seed",), 7)
    panel.wait(lambda: not panel.model.graph.stale)


def test_an_answer_in_an_unknown_form_is_a_sentence(panel: Any, engine: FakeEngine) -> None:
    engine.answers["graph"] = {"nodes": 3}
    panel.model.project.edit(("seed",), 8)
    panel.wait(lambda: "answered in an unknown form" in panel.words())
