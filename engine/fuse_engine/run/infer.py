"""From a trained run to a table of outputs, and masks on the grid of the files they were made from."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, RunError, nearest
from fuse_engine.core.files import atomic_write
from fuse_engine.core.geometry import Geometry
from fuse_engine.core.keys import geometry_key
from fuse_engine.data.collate import collate
from fuse_engine.data.image import Image, resample, write_image
from fuse_engine.metrics.base import Rows
from fuse_engine.models.checkpoint import load, weights_of
from fuse_engine.run.assembly import Assembly, Part
from fuse_engine.run.checkpoint import load_newest
from fuse_engine.run.compute import Compute
from fuse_engine.run.device import Choice, choose
from fuse_engine.run.evaluation import Evaluation, evaluate
from fuse_engine.run.folder import RunFolder
from fuse_engine.run.label_maps import each_label, foreground_of, labels_of
from fuse_engine.run.loading import Bad, BadSamples, Items, Loaded, Loader, plain_batches
from fuse_engine.run.reporter import Reporter

OUTPUT = "model.output."
SHAPES = b"fuse"
"""Entry of the Parquet file's metadata that says how rows of metrics were laid out."""


@dataclass(frozen=True)
class Predictor:
    """A trained run, ready to predict."""

    assembly: Assembly
    compute: Compute
    checkpoint: str
    """File name of the weights."""

    @classmethod
    def load(
        cls, folder: RunFolder, checkpoint: str = "best", say: Callable[[str], None] = lambda text: None
    ) -> Predictor:
        """Read experiment and weights of a run.

        Raises:
            RunError: when there is no such checkpoint, or none that is sound.
        """
        experiment = folder.experiment()
        assembly = Assembly.of(experiment, folder.split)
        for remark in assembly.folds.remarks:
            say(str(remark))
        return cls.of(folder, assembly, choose(experiment.run), checkpoint, say)

    @classmethod
    def of(
        cls, folder: RunFolder, assembly: Assembly, choice: Choice, checkpoint: str, say: Callable[[str], None]
    ) -> Predictor:
        """Read the weights of a run whose experiment is in hand."""
        path = folder.checkpoint(checkpoint)
        kind = path.name.split("-")[0]
        state = load_newest(folder, kind, say) if path.name != checkpoint else load(path)
        if state is None:
            raise RunError(f"every checkpoint '{checkpoint}' of run {folder.name} is damaged")
        module = assembly.build(assembly.first(assembly.cohort.ids), restored=True)
        module.load_state_dict(weights_of(state))
        module.eval()
        return cls(assembly, Compute(choice, module), path.name)

    def batch(self, id: str) -> tuple[NestedDict, NestedDict]:  # noqa: A002
        """Return one sample as a batch, loaded and predicted.

        Raises:
            SampleError: when the sample cannot be read.
        """
        data = collate([self.assembly.tensors(id)])
        with torch.no_grad():
            return data, self.assembly.predicting(self.compute)(data)


def infer(
    folder: RunFolder,
    checkpoint: str = "best",
    part: Part = "test",
    ids: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Predict a part of a run's samples, or those of `ids`; return the table `predictions/<part>.parquet`.

    `say` is told of every sample and checkpoint that is passed over.

    Raises:
        RunError: when the part holds no samples or the run has no such checkpoint.
        SampleError: when too many samples are bad.
    """
    predictor = Predictor.load(folder, checkpoint, say)
    return _infer(folder, predictor, part, ids, lambda bad: say(f"passed over: {bad.message}"), lambda: None)


def infer_with(reporter: Reporter, assembly: Assembly, choice: Choice, checkpoint: str, part: Part) -> Path:
    """Predict at the end of a run that is still in hand."""
    folder = reporter.folder
    if checkpoint == "best" and not folder.every_checkpoint("best0"):
        checkpoint = "last"
    predictor = Predictor.of(folder, assembly, choice, checkpoint, reporter.warn)
    return _infer(folder, predictor, part, None, reporter.bad, reporter.control.leave_if_cancelled)


def _infer(
    folder: RunFolder,
    predictor: Predictor,
    part: Part,
    ids: Sequence[str] | None,
    say: Callable[[Bad], None],
    between: Callable[[], None],
) -> Path:
    assembly = predictor.assembly
    chosen = list(assembly.ids(part) if ids is None else ids)
    if not chosen:
        raise RunError(f"the part '{part}' of run {folder.name} holds no samples")
    if unknown := [name for name in chosen if name not in assembly.cohort]:
        raise RunError(f"no sample '{unknown[0]}'", nearest=nearest(unknown[0], assembly.cohort.ids))
    batch = assembly.experiment.data.batch
    loader = Loader(
        Items(assembly.dataset), plain_batches(chosen, assembly.whole_batch), batch.workers, batch.size
    )
    table = _Table(folder, predictor)

    def each(loaded: Loaded, found: NestedDict) -> None:
        between()
        table.add(loaded, found)

    bad = BadSamples(len(chosen), say, assembly.experiment.data.checks)
    found = evaluate(assembly.predicting(predictor.compute), loader, {}, _measurable(assembly), bad, each)
    path = folder.predictions / f"{part}.parquet"
    table.write(path, found, {"checkpoint": predictor.checkpoint, "part": part})
    return path


def _measurable(assembly: Assembly) -> dict[str, Any]:
    return dict(assembly.metrics)


class _Table:
    """Collects outputs batch by batch; masks go to disk at once."""

    def __init__(self, folder: RunFolder, predictor: Predictor) -> None:
        self._folder, self._assembly = folder, predictor.assembly
        self._answers = predictor.compute.module.answers
        self._columns: dict[str, list[NDArray[Any]]] = {}
        self._masks: list[str] = []

    def add(self, loaded: Loaded, found: NestedDict) -> None:
        """Take in a batch."""
        data = loaded.data
        if data is None:
            return
        heads = [key for key in found if key.startswith(OUTPUT)]
        for key in heads:
            if found[key].ndim == 2:
                values = found[key].float().cpu().numpy()
                for index in range(values.shape[1]):
                    self._columns.setdefault(f"{key}.{index}", []).append(values[:, index])
        for key, value in data.items():
            if key.startswith("data.gt.") and isinstance(value, Tensor) and value.ndim == 1:
                self._columns.setdefault(key, []).append(value.cpu().numpy())
        dense = [key for key in heads if found[key].ndim > 3]
        for index, name in enumerate(loaded.ids):
            for key in dense:
                maps = self._maps(key, found[key][index], key if len(dense) > 1 else "")
                for output, labels in maps.items():
                    path = mask_path(self._folder, name, output)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_image(path, mask_of(self._assembly, name, one(data, index), labels))

    def _maps(self, key: str, output: Tensor, name: str) -> dict[str, Tensor]:
        """Return the label map of one sample, and one for each label that may overlap others, by name."""
        activation = self._answers[key.removeprefix(OUTPUT)]
        single = each_label(output) if activation == "sigmoid" else ()
        each = {f"{key}.{index}": there for index, there in enumerate(single)}
        return {name: labels_of(output, activation), **each}

    def write(self, path: Path, found: Evaluation, facts: dict[str, str]) -> None:
        """Write ids, outputs, targets and the rows of the metrics."""
        columns: dict[str, NDArray[Any]] = {"id": np.array(found.ids, object)}
        columns |= {name: np.concatenate(values) for name, values in self._columns.items()}
        shapes: dict[str, list[int]] = {}
        for metric, rows in found.rows.items():
            for name, values in rows.items():
                shapes[f"metrics.{metric}.{name}"] = list(values.shape[1:])
                columns |= _spread(f"metrics.{metric}.{name}", values)
        table = pa.table({name: pa.array(values) for name, values in columns.items()})
        table = table.replace_schema_metadata({SHAPES: json.dumps({**facts, "rows": shapes})})
        atomic_write(path, lambda file: pq.write_table(table, file))


def _spread(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    if values.ndim == 1:
        return {name: values}
    plain = values.reshape(len(values), -1)
    return {f"{name}.{index}": np.ascontiguousarray(plain[:, index]) for index in range(plain.shape[1])}


def read_rows(path: Path) -> tuple[tuple[str, ...], dict[str, Rows]]:
    """Return the ids of a table of predictions and the rows of each metric, as they were collected."""
    table = pq.read_table(path)
    shapes: dict[str, list[int]] = json.loads(table.schema.metadata[SHAPES])["rows"]
    rows: dict[str, Rows] = {}
    for full, shape in shapes.items():
        _, metric, name = full.split(".", 2)
        count = int(np.prod(shape)) if shape else 1
        names = [f"{full}.{index}" for index in range(count)] if shape else [full]
        values = np.stack([table.column(column).to_numpy() for column in names], 1)
        rows.setdefault(metric, {})[name] = values.reshape(len(values), *shape)
    return tuple(table.column("id").to_pylist()), rows


def safe_name(id: str) -> str:  # noqa: A002
    """Return a file name for a sample: its plain characters, and a digest that keeps it apart from all others."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", id)[:60].strip("_")
    return f"{plain or 'sample'}-{hashlib.sha256(id.encode()).hexdigest()[:8]}"


def mask_path(folder: RunFolder, id: str, output: str = "") -> Path:  # noqa: A002
    """Return the file of a predicted mask; `output` is the key of the head where the model has several masks.

    The masks of single labels that may overlap have the number of the label at the end of the key.
    """
    below = folder.predictions / "masks"
    return (below / output.removeprefix(OUTPUT) if output else below) / f"{safe_name(id)}.nii.gz"


def one(data: NestedDict, index: int) -> NestedDict:
    """Return one sample of a batch."""
    return NestedDict({key: value[index] for key, value in data.items()})


def mask_of(assembly: Assembly, id: str, data: NestedDict, labels: Tensor) -> Image:  # noqa: A002
    """Return labels ([z,] y, x) uint8 as (1, [z,] y, x) on the grid of the sample's image file."""
    source = source_key(assembly, data)
    grid = network_grid(data, source, tuple(labels.shape))
    return resample(Image(labels.cpu().numpy()[None], grid), file_grid(assembly, id, source), label=True)


def source_key(assembly: Assembly, data: NestedDict) -> str:
    """Return the key of the image that the model sees first, or of one that it does not see.

    Raises:
        FuseError: when no input is an image.
    """
    inputs = [*assembly.model.reads(), *(key for key in assembly.dataset.pipelines if ".input." in key)]
    found = [key for key in inputs if geometry_key(key) in data]
    if not found:
        raise FuseError("no input is an image", where="data.input", expected="one to show the answer on")
    return found[0]


def network_grid(data: NestedDict, key: str, shape: tuple[int, ...]) -> Geometry:
    """Return the grid of an output of that shape ([z,] y, x): it covers what the input image covers."""
    given: Geometry = data[geometry_key(key)]
    if given.shape == shape:
        return given
    size = tuple(reversed(shape))
    ratio = np.array(given.size) / size
    shift = given.matrix @ ((ratio - 1) / 2 * given.spacing)  # edges stay where they are, so first centres move
    return Geometry(
        size, tuple((ratio * given.spacing).tolist()), tuple((shift + given.origin).tolist()), given.direction
    )


def file_grid(assembly: Assembly, id: str, key: str) -> Geometry:  # noqa: A002
    """Return the grid of the file that a sample's image is made from, before any step changed it."""
    for traced in assembly.dataset.pipelines[key].trace(assembly.cohort.row(id)):
        if isinstance(traced.value, Image):
            return traced.value.geometry
    raise FuseError(f"'{key}' is made from no image", where=key)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a run says about one sample; pictures are on the grid that the network sees."""

    outputs: dict[str, list[float]]
    """Probability of each class, by head."""
    pred: Image | None
    """Most probable class of each pixel; of labels that may overlap, 0 for none and from 1 on."""
    prob: Image | None
    """Probability of anything but the background at each pixel."""
    image: Image
    gt: Image | None


def predict_one(folder: RunFolder, id: str, checkpoint: str = "best") -> Prediction:  # noqa: A002
    """Predict one sample; the network stays in memory for the next one.

    Raises:
        RunError: when the run has no such checkpoint.
        SampleError: when the sample cannot be read.
    """
    predictor = predictor_of(folder, checkpoint)
    data, found = predictor.batch(id)
    heads = {key.removeprefix(OUTPUT): found[key][0].float().cpu() for key in found if key.startswith(OUTPUT)}
    source = source_key(predictor.assembly, data)
    name, dense = next(((name, value) for name, value in heads.items() if value.ndim > 2), ("", None))
    sample = predictor.assembly.dataset.sample(id)
    truth = [value for key, value in sample.items() if key.startswith("data.gt.") and isinstance(value, Image)]
    pred = prob = None
    if dense is not None:
        activation = predictor.compute.module.answers[name]
        grid = network_grid(one(data, 0), source, tuple(dense.shape[1:]))
        pred = Image(labels_of(dense, activation).numpy()[None], grid)
        prob = Image(foreground_of(dense, activation).numpy(), grid)
    outputs = {name: value.tolist() for name, value in heads.items() if value.ndim == 1}
    return Prediction(outputs, pred, prob, sample[source], truth[0] if truth else None)


def predictor_of(folder: RunFolder, checkpoint: str = "best") -> Predictor:
    """Return the predictor of a run, kept in memory until another run or a newer checkpoint is asked for."""
    return _kept(folder, folder.checkpoint(checkpoint).name)


@lru_cache(maxsize=2)
def _kept(folder: RunFolder, name: str) -> Predictor:
    return Predictor.load(folder, name)
