"""What of an experiment's samples is kept, what will be computed again, and why."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fuse_engine.core.errors import SampleError, short
from fuse_engine.data.cache.journal import Made, Record, inputs_of, recipe_of, sample_digest
from fuse_engine.data.dataset import Dataset
from fuse_engine.data.fingerprint import StepPart, chain, of_files
from fuse_engine.data.processor import Pipeline

_NAMED = 5
"""Samples that a line names."""
_EVERY = 200
"""Samples between two reports of progress."""


@dataclass(frozen=True)
class Status:
    """What the cache has of an experiment."""

    cached: int
    """Samples of which everything is kept that can be."""
    missing: int
    """Samples of which something will be computed."""
    bytes: int
    """What is kept of them takes, results between steps included."""
    changes: tuple[str, ...]
    """One line for each key: how much is kept, and why the rest is not."""


@dataclass
class _Key:
    """What is found out about one key."""

    pipeline: Pipeline
    record: Record
    kept: int = 0
    missing: list[str] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    """Samples by why they are computed again."""
    begun: dict[int, int] = field(default_factory=dict)
    """Samples that go on from a result between steps, by the steps that are done."""


def status(dataset: Dataset, progress: Callable[[float], None] = lambda share: None) -> Status:
    """Look up every sample, without opening any of their files.

    Raises:
        FuseError: for a source that cannot be read.
    """
    sizes = dataset.cache.sizes()
    keys = [_Key(pipeline, _record(dataset, key)) for key, pipeline in dataset.pipelines.items()]
    parts = {id(key): key.pipeline.parts() for key in keys}
    used: set[str] = set()
    cached = 0
    for index, name in enumerate(dataset.ids):
        if index % _EVERY == 0:
            progress(index / len(dataset))
        ready = [_look(dataset, key, parts[id(key)], name, sizes, used) for key in keys]
        cached += all(ready)
    lines = [_line(key) for key in keys if key.kept + len(key.missing)]
    total = sum(sizes[mark] for mark in used)
    return Status(cached, len(dataset) - cached, total, tuple(lines))


def differences(before: Sequence[StepPart], now: Sequence[StepPart]) -> list[str]:
    """Say how two lists of steps differ, e.g. `step 2 Resize: size [256, 256] -> [128, 128]`."""
    found: list[str] = []
    names, named = [part.name for part in before], [part.name for part in now]
    for tag, start, end, first, last in difflib.SequenceMatcher(None, names, named, False).get_opcodes():
        if tag == "equal":
            for old, (index, new) in zip(before[start:end], enumerate(now[first:last], first), strict=True):
                found += [f"step {index} {new.name}: {text}" for text in _step_differences(old, new)]
            continue
        found += [f"step {index} {before[index].name} is gone" for index in range(start, end)]
        found += [f"step {index} {now[index].name} is new" for index in range(first, last)]
    return found


def _record(dataset: Dataset, key: str) -> Record:
    journal = dataset.journal(key)
    return journal.read() if journal is not None else Record("", key, {}, {})


def _look(
    dataset: Dataset, key: _Key, parts: Sequence[StepPart], name: str, sizes: Mapping[str, int], used: set[str]
) -> bool:
    """Note how a value of one sample stands; say whether nothing has to be computed from files."""
    try:
        inputs = key.pipeline.inputs(dataset.cohort.row(name))
    except SampleError:
        key.missing.append(name)
        key.reasons.setdefault("it cannot be read", []).append(name)
        return False
    if not of_files(inputs):
        return True
    marks = chain(parts, inputs)
    used.update(mark for mark in marks if mark in sizes)
    if marks[-1] in sizes:
        key.kept += 1
        return True
    key.missing.append(name)
    made = Made(recipe_of(parts), inputs_of(name, inputs), marks[-1:])
    for reason in _reasons(key.record, sample_digest(name), made, parts):
        key.reasons.setdefault(reason, []).append(name)
    done = max((index + 1 for index, mark in enumerate(marks) if mark in sizes), default=0)
    key.begun[done] = key.begun.get(done, 0) + 1
    return False


def _reasons(record: Record, sample: str, now: Made, parts: Sequence[StepPart]) -> list[str]:
    before = record.latest.get(sample)
    if before is None:
        return ["never computed before"]
    both = before.inputs.keys() & now.inputs.keys()
    found = [f"{name} changed" for name in sorted(both) if before.inputs[name] != now.inputs[name]]
    if before.recipe != now.recipe:
        found += differences(record.recipes.get(before.recipe, ()), parts)
    return found or ["what was kept is gone"]


def _step_differences(old: StepPart, new: StepPart) -> list[str]:
    args = [
        f"{name} {short(old.args.get(name))} -> {short(new.args.get(name))}"
        for name in dict.fromkeys((*old.args, *new.args))
        if old.args.get(name) != new.args.get(name)
    ]
    libraries = [
        f"{name} {old.libraries.get(name, 'none')} -> {new.libraries.get(name, 'none')}"
        for name in dict.fromkeys((*old.libraries, *new.libraries))
        if old.libraries.get(name) != new.libraries.get(name)
    ]
    return [*args, *libraries, *(["its code changed"] if old.code != new.code else [])]


def _line(key: _Key) -> str:
    total = key.kept + len(key.missing)
    head = f"{key.kept} of {total} samples of {key.pipeline.where} are kept"
    if not key.missing:
        return head
    reasons = ", ".join(f"{text} ({_which(names, total)})" for text, names in key.reasons.items())
    last = max(key.begun, default=0)
    begun = f"; {key.begun[last]} of them from step {last} on" if last else ""
    return f"{head}; {len(key.missing)} will be computed{begun}: {reasons}"


def _which(names: Sequence[str], total: int) -> str:
    if len(names) == total and total > 1:
        return "all"
    return f"{len(names)}: {', '.join(names[:_NAMED])}{', ...' if len(names) > _NAMED else ''}"
