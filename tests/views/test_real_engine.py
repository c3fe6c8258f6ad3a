"""The panels over the real engine: what they show is what the engine computes, for every component there is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import SimpleITK as sitk

from fuse_engine.augment import Augmenter
from fuse_engine.core.batch import NestedDict
from fuse_engine.core.catalog import Catalog
from fuse_engine.core.experiment import Experiment
from fuse_engine.data.collate import to_leaves
from fuse_engine.data.dataset import Dataset
from fuse_engine.service.augmentation.subject import augmentations
from fuse_engine.service.client import Engine
from fuse_engine.testing import tiny_experiment
from fuse_gui.models.augmentation import AugmentationModel
from fuse_gui.models.builder import BuilderModel
from fuse_gui.models.data import DataModel
from fuse_gui.models.distribution import DistributionField
from fuse_gui.models.field import Field, Offers
from fuse_gui.models.form import Group
from fuse_gui.models.key_tree import KeyTree
from fuse_gui.models.processors import ProcessorsModel
from fuse_gui.models.project import Project
from tests.gui_project import wait_for

PATIENCE = 60.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return tiny_experiment(tmp_path_factory.mktemp("tiny"), samples=8, size=16)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = Engine()
        yield made
        made.close()


@pytest.fixture(scope="module")
def catalog(engine: Engine) -> Catalog:
    return engine.catalog()


@pytest.fixture
def project(engine: Engine, catalog: Catalog, tiny: Experiment) -> Iterator[Project]:
    made = Project(engine, catalog=catalog)
    made.start_with(tiny)
    wait_for(lambda: made.flow and made.cohort.ids and not made.busy, PATIENCE)
    yield made
    made.close()


def test_every_component_has_a_form_that_both_toolkits_draw(catalog: Catalog, qtbot: object) -> None:
    from fuse_gui.notebook import form as notebook
    from fuse_gui.qt import form as qt

    offers = Offers(catalog.of)
    assert len({entry.kind for entry in catalog.entries}) >= 12
    for entry in catalog.entries:
        group = Group(entry, offers)
        qtbot.addWidget(qt.render(group))  # type: ignore[attr-defined]
        notebook.render(group)
        wrong = {item.spec.name: item.message for item in group.items.values() if item.message}
        needed = {spec.name for spec in entry.fields if spec.required}
        assert set(wrong) <= needed, f"{entry.kind} {entry.name}"
        assert group.plain() == {}
        for field in group.items.values():
            if isinstance(field, DistributionField):
                assert every_kind(field) == [], f"{entry.kind} {entry.name}"


def every_kind(field: DistributionField) -> list[str]:
    """Choose every kind of distribution and move every slider; return what was wrong then."""
    wrong = []
    for each in {False, field.spec.per_axis}:
        field.split(each)
        for kind in field.rows[0].kinds:
            for row in field.rows:
                field.choose(row.axis, kind)
            for index, box in enumerate(field.rows[0].boxes):
                for tick in (0, box.ticks, box.ticks // 2):
                    field.drag(field.rows[0].axis, index, tick)
            wrong += [f"{field.label}, {kind}: {field.message}"] if field.message else []
    return wrong


def test_the_tiny_experiment_is_right_in_every_form(project: Project) -> None:
    before = project.as_yaml()
    model, processors, augmentation = BuilderModel(project), ProcessorsModel(project), AugmentationModel(project)
    items = [*model.items.values(), processors.steps, augmentation.steps]
    assert [(item.label, item.message) for top in items for item in top.walk() if item.message] == []
    assert (project.problems, project.as_yaml()) == ((), before)
    assert "model.logits.segmentation" in [row[0] for row in model.rows]


def test_a_misspelt_key_is_marked_at_its_field(project: Project) -> None:
    model = BuilderModel(project)
    pred = model.items["losses"].find(("cls", "CrossEntropy", "pred"))
    assert isinstance(pred, Field)
    pred.set("model.logits.classifer")
    wait_for(lambda: pred.message, PATIENCE)
    assert "model.logits.classifier" in pred.message
    project.undo()
    wait_for(lambda: not pred.message, PATIENCE)


def test_the_numbers_of_a_step_are_those_of_the_file(project: Project, tiny: Experiment) -> None:
    model = ProcessorsModel(project, pause=0.001)
    row = Dataset.from_experiment(tiny).cohort.row(project.cohort.ids[0])
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(row.path("image")))).astype(float)
    project.select(row.id)
    model.set_active(True)
    wait_for(lambda: model.results, PATIENCE)
    assert [result.name for result in model.results] == ["LoadImage", "IntensityWindow"]
    assert (
        f"min {pixels.min():.4g},  max {pixels.max():.4g},  mean {pixels.mean():.4g}" in model.results[0].numbers
    )


def test_the_browser_shows_pictures_and_what_is_wrong(project: Project, tiny: Experiment) -> None:
    model = DataModel(project)
    model.thumbnails.look_at(project.cohort.ids)
    wait_for(lambda: all(model.thumbnails.of(name) is not None for name in project.cohort.ids), PATIENCE)
    wait_for(lambda: model.health.progress.startswith("Checked 8 samples"), PATIENCE)
    assert model.health.state("unreadable") == "fine"
    model.set_filter("image.size==16 × 16 & image.axes!=LPS")
    assert len(model.rows) == 8
    model.select_row(0)
    wait_for(lambda: all(map(project.neighbours.kept, model.rows.ids(0, 3))), PATIENCE)
    model.step(1)
    assert project.values, "it was read ahead"


def test_what_is_previewed_is_what_is_trained(project: Project, tiny: Experiment) -> None:
    model = AugmentationModel(project, calm=0.01)
    project.select(project.cohort.ids[1])
    model.draw.set_number(6)  # the epoch that the engine calls 5
    model.set_active(True)
    wait_for(lambda: model.is_whole, PATIENCE)
    sample = NestedDict(to_leaves(Dataset.from_experiment(tiny).sample(project.sample_id)))
    trained = Augmenter(augmentations(tiny), tiny.seed)(sample, 5)
    np.testing.assert_array_equal(model.stage.after["image"]["array"], trained["data.input.image"])


def test_a_wrong_column_is_named_and_the_panel_goes_on(project: Project) -> None:
    model = ProcessorsModel(project, pause=0.001)
    project.select(project.cohort.ids[0])
    model.set_active(True)
    wait_for(lambda: model.results, PATIENCE)
    column = model.steps.find(("0", "LoadImage", "column"))
    assert isinstance(column, Field)
    column.set("imag")
    wait_for(lambda: model.error, PATIENCE)
    assert project.cohort.ids[0] in model.error
    assert "did you mean 'image'?" in model.error
    project.undo()
    wait_for(lambda: not model.error, PATIENCE)


def test_the_tree_knows_the_readers_outside_of_the_model(project: Project) -> None:
    tree = KeyTree(project)
    project.edit(("data", "negative_key"), "data.gt.classification")
    project.edit(("data", "patches"), {"RandomPatches": {"size": [8, 8], "balance": "data.gt.segmentation"}})
    readers = {node.key: node.read_by.split(", ") for node in tree.nodes}
    assert "data.negative_key" in readers["data.gt.classification"]
    assert "data.patches" in readers["data.gt.segmentation"]
