"""The experiment's other faces: Python, the shell command, and its file in another folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fuse_engine.core.catalog import Catalog
from fuse_engine.core.document import Place, dump, is_entry
from fuse_engine.core.experiment import Experiment
from fuse_engine.core.resolve import every_spec

UNSAVED = "experiment.yaml"
"""File name in the texts where the experiment has no file yet."""


def as_python(path: Path | None, text: str) -> str:
    """Return Python that trains the experiment, from its file or from its text."""
    if path is None:
        load = f'experiment = Experiment.from_text("""\\\n{text}""")'
    else:
        load = f"experiment = Experiment.load({str(path)!r})"
    return (
        "from fuse_engine.core.experiment import Experiment\n"
        "from fuse_engine.run import process\n\n"
        f"{load}\nrun = process.start(experiment)\n"
    )


def as_command(path: Path | None, saved: Experiment | None, experiment: Experiment | None) -> str:
    """Return the shell command that trains `experiment`, what differs from its file as options."""
    if experiment is None:
        return ""
    words = ["fuse-gui", "train", str(path or UNSAVED)]
    if saved is not None:
        for place, value in _differences(saved.to_data(), experiment.to_data(), ()):
            words += [f"--{'.'.join(map(str, place))}", _as_word(value)]
    return shlex.join(words)


def _differences(before: Any, after: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if before == after:
        return
    both = isinstance(before, Mapping) and isinstance(after, Mapping)
    if not both or not set(before) <= set(after) or (is_entry(after) and set(before) != set(after)):
        yield place, after
        return
    for name, value in after.items():
        yield from _differences(before.get(name), value, (*place, name))


def _as_word(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return dump(value).removesuffix("\n...\n").strip() if not isinstance(value, str) else value


def rebased(experiment: Experiment, folder: Path, catalog: Catalog) -> Experiment:
    """Return the experiment for a file in `folder`: relative paths to files that exist become absolute."""
    folder, before = folder.resolve(), experiment.folder.resolve()
    data = experiment.to_data()
    if folder != before:
        for placed in every_spec(experiment):
            entry = catalog.of(placed.kind).get(placed.spec.name)
            for field in entry.fields if entry else ():
                written = placed.spec.args.get(field.name)
                if field.kind == "path" and written and (before / str(written)).exists():
                    _at(data, (*placed.place, placed.spec.name))[field.name] = str(before / str(written))
    return Experiment.from_text(dump(data), folder)


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data
