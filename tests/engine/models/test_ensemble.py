"""Runs that answer together."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fuse_engine.core.checkpoints import digest
from fuse_engine.core.errors import FuseError
from fuse_engine.models import (
    DenseSegmentation,
    Ensemble,
    GlobalPoolingClassifier,
    GlobalPoolingMultiLabel,
    GlobalPoolingRegression,
    ResNet,
)
from fuse_engine.models.base import FEATURES
from fuse_engine.models.voting import average, logits_of, vote
from fuse_engine.run.folder import RunFolder
from tests.engine.models.small import SHAPES, SMALL, keys, make, make_batch, saved_run

MEMBER = make(
    "image other",
    finding=GlobalPoolingClassifier(classes=3, tabular=keys("clinical"), layers=[4]),
    labels=GlobalPoolingMultiLabel(labels=2, layers=[4]),
    age=GlobalPoolingRegression(layers=[4]),
    mask=DenseSegmentation(classes=2, channels=4),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def runs(project: Path) -> list[RunFolder]:
    """Three runs of one model with other weights."""
    return [saved_run(project, MEMBER, seed) for seed in (1, 2, 3)]


def ensemble(project: Path, runs: list[RunFolder], **more: Any) -> Ensemble:
    return Ensemble(runs=[Path(run.name) for run in runs], **more).located(project)


def one_hot(*classes: int) -> Tensor:
    return torch.eye(2)[list(classes)]


def test_each_sample_is_voted_on_by_itself() -> None:
    """FuseMedML 0.1.3 takes the most frequent answer to the whole batch, here [0, 1]."""
    answers = [one_hot(1, 1), one_hot(1, 0), one_hot(0, 1)]
    assert vote(answers, "softmax").argmax(1).tolist() == [1, 1]
    assert vote(list(reversed(answers)), "softmax").argmax(1).tolist() == [1, 1]


def test_a_tie_goes_to_the_highest_mean_then_to_the_first_class() -> None:
    sure, unsure = torch.tensor([[0.1, 0.9, 0.0]]), torch.tensor([[0.5, 0.2, 0.3]])
    assert vote([sure, unsure], "softmax").argmax(1).item() == 1
    assert vote([sure[:, [0, 2, 1]], unsure], "softmax").argmax(1).item() == 2
    alike = [torch.tensor([[0.0, 0.4, 0.6]]), torch.tensor([[0.0, 0.6, 0.4]])]
    assert vote(alike, "softmax").argmax(1).item() == 1
    torch.testing.assert_close(vote(alike, "softmax"), torch.tensor([[0, 1.25, 1.25]]) / 2.5)


def test_no_mean_outweighs_a_vote() -> None:
    """Two lukewarm votes against one that is certain."""
    answers = [torch.tensor([[0.51, 0.49]]), torch.tensor([[0.51, 0.49]]), torch.tensor([[0.0, 1.0]])]
    assert average(answers).argmax(1).item() == 1
    found = vote(answers, "softmax")
    assert found.argmax(1).item() == 0
    assert found.sum().item() == pytest.approx(1)


def test_labels_are_voted_on_one_by_one_and_values_are_averaged() -> None:
    answers = [torch.tensor([[0.6, 0.9]]), torch.tensor([[0.6, 0.1]]), torch.tensor([[0.0, 0.4]])]
    found = vote(answers, "sigmoid")
    assert (found > 0.5).tolist() == [[True, False]]
    torch.testing.assert_close(found, torch.tensor([[2 + 0.2, 1 + 1.4 / 6]]) / 3.5)
    torch.testing.assert_close(vote(answers, "none"), average(answers))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_logits_are_those_that_give_the_output(activation: Any) -> None:
    output = torch.tensor([[0.25, 0.75, 0.0], [0.0, 1.0, 0.0]])
    logits = logits_of(output, activation)
    assert torch.isfinite(logits).all()
    again = logits.softmax(1) if activation == "softmax" else logits.sigmoid()
    torch.testing.assert_close(again, output, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("combine", ["average", "vote"])
def test_the_outputs_are_those_of_the_runs_together(project: Path, runs: list[RunFolder], combine: Any) -> None:
    made, batch = ensemble(project, runs, combine=combine), make_batch()
    module = made.build(SHAPES)
    members = []
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        members.append(MEMBER.build(SHAPES).eval()(batch))
    result = module(batch)
    assert set(result) - set(batch) == set(made.outputs()) == set(MEMBER.outputs())
    for name, activation in module.answers.items():
        outputs = [found[f"model.output.{name}"] for found in members]
        expected = torch.stack(outputs).mean(0) if combine == "average" else vote(outputs, activation)
        torch.testing.assert_close(result[f"model.output.{name}"], expected)
    torch.testing.assert_close(result["model.logits.finding"].softmax(1), result["model.output.finding"])
    assert torch.equal(result[FEATURES], members[0][FEATURES])
    assert made.reads() == MEMBER.reads()


def test_nothing_is_left_to_train_and_statistics_stay(project: Path, runs: list[RunFolder]) -> None:
    module, batch = ensemble(project, runs).build(SHAPES), make_batch()
    assert not any(weight.requires_grad for weight in module.parameters())
    before = module(batch)["model.output.finding"]
    module.train()(batch)
    assert torch.equal(module(batch)["model.output.finding"], before)
    assert list(module.parts) == ["runs.0", "runs.1", "runs.2"]


def test_shapes_go_through_on_the_meta_device_without_numbers(project: Path, runs: list[RunFolder]) -> None:
    with torch.device("meta"):
        result = ensemble(project, runs, combine="vote").build(SHAPES)(make_batch_on_meta())
    assert result["model.output.mask"].shape == (2, 2, 28, 24)
    assert result["model.output.mask"].is_meta


def make_batch_on_meta() -> Any:
    batch = make_batch()
    for key in list(batch):
        batch[key] = batch[key].to("meta")
    return batch


def test_heatmaps_show_the_first_run(project: Path, runs: list[RunFolder]) -> None:
    module, seen = ensemble(project, runs).build(SHAPES), list[Tensor]()

    def watch(part: nn.Module, inputs: object, output: Tensor) -> Tensor:
        seen.append(output.detach().requires_grad_())
        return seen[-1]

    module.get_submodule(module.last_features).register_forward_hook(watch)
    result = module(make_batch())
    slope = torch.autograd.grad(result["model.logits.finding"][:, 0].sum(), seen[0])[0]
    assert slope.abs().sum() > 0


def test_a_run_is_named_by_its_id_or_by_its_folder(project: Path, runs: list[RunFolder]) -> None:
    relative = runs[0].path.relative_to(project)
    found = Ensemble(runs=[Path(runs[0].name), relative, runs[0].path]).located(project)
    assert found.runs == [runs[0].path] * 3
    with pytest.raises(FuseError, match=r"^runs\.1: .* no run '2030-x'; expected the folder of a run, or one"):
        Ensemble(runs=[relative, Path("2030-x")]).located(project)


def test_runs_and_project_may_move_together(project: Path, runs: list[RunFolder], tmp_path: Path) -> None:
    expected = ensemble(project, runs[:1]).build(SHAPES)(make_batch())["model.output.finding"]
    moved = Path(shutil.copytree(project, tmp_path / "elsewhere"))
    found = ensemble(moved, runs[:1])
    assert found.runs[0].is_relative_to(moved)
    assert torch.equal(found.build(SHAPES)(make_batch())["model.output.finding"], expected)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def evil(run: RunFolder) -> None:
    buffer = io.BytesIO()
    torch.save({"model": Evil()}, buffer)
    run.checkpoint().unlink()
    (run.checkpoints / f"best0-00000001-{digest(buffer.getvalue())}.pt").write_bytes(buffer.getvalue())


def damaged(run: RunFolder) -> None:
    content = bytearray(run.checkpoint().read_bytes())
    content[len(content) // 2] ^= 1
    run.checkpoint().write_bytes(bytes(content))


def gone(run: RunFolder) -> None:
    run.checkpoint().unlink()


def unknown(run: RunFolder) -> None:
    (run.path / "submit.json").unlink()


def another(run: RunFolder) -> None:
    path = run.path / "experiment.yaml"
    path.write_text(path.read_text().replace("width: 0.125", "width: 0.25"))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (evil, "is not ours"),
        (damaged, "checkpoint best0.* is damaged; expected content that fits the digest in its name"),
        (gone, "it has no checkpoint 'best'; expected one of none yet"),
        (unknown, "does not say where its experiment stood"),
        (another, "its weights do not fit these samples: '.*'; expected the shape .*; got"),
    ],
)
def test_a_run_that_cannot_be_used_is_named(
    project: Path, runs: list[RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[RunFolder], None], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    moved = Path(shutil.copytree(project, tmp_path / "copy"))
    harm(RunFolder(moved / runs[1].path.relative_to(project)))
    with pytest.raises(FuseError, match=rf"^runs\.1: run {runs[1].name}: .*{message}"):
        ensemble(moved, runs[:2]).build(SHAPES)
    assert not (tmp_path / "executed").exists()


def test_runs_must_answer_the_same_and_be_no_ensembles(project: Path, runs: list[RunFolder]) -> None:
    other = saved_run(project, make(finding=GlobalPoolingClassifier(classes=3)), 4)
    with pytest.raises(FuseError, match=r"^runs\.1: .*heads are others .* finding \(softmax\), .*; got finding"):
        ensemble(project, [runs[0], other]).build(SHAPES)
    one = saved_run(project, make(f=GlobalPoolingClassifier(classes=2)), 5)
    two = saved_run(project, make(f=GlobalPoolingClassifier(classes=3)), 6)
    with pytest.raises(FuseError, match=r"^runs: .* answers 'f' differ in shape; .*got \(2, 2\) and \(2, 3\)"):
        ensemble(project, [one, two]).build(SHAPES)(make_batch())
    nested = saved_run(project, ensemble(project, runs), 7)
    with pytest.raises(FuseError, match=r"^runs\.0: .*it is an ensemble itself; expected its runs by themselves"):
        ensemble(project, [nested])


def test_samples_that_do_not_fit_a_run_are_said_at_the_run(project: Path, runs: list[RunFolder]) -> None:
    without = {key: shape for key, shape in SHAPES.items() if key != "data.input.other"}
    with pytest.raises(FuseError, match=rf"^runs\.0: run {runs[0].name}: nothing produces 'data\.input\.other'"):
        ensemble(project, runs).build(without)


def test_a_run_that_began_with_weights_of_a_file_needs_the_file_no_more(project: Path, tmp_path: Path) -> None:
    weights = tmp_path / "start.pt"
    torch.save(SMALL.build(1, 2).state_dict(), weights)
    backbone = ResNet(depth=10, width=0.125, stem="small", weights=weights)
    run = saved_run(project, make(backbone=backbone, a=GlobalPoolingClassifier(classes=2)), 8)
    expected = ensemble(project, [run]).build(SHAPES)(make_batch())["model.output.a"]
    weights.write_bytes(b"")
    assert torch.equal(ensemble(project, [run]).build(SHAPES)(make_batch())["model.output.a"], expected)
