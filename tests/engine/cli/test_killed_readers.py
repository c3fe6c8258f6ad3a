"""A file that kills whoever reads it ends no command: it is named, and the others are looked at."""

from __future__ import annotations

import pytest

from fuse_engine.cli.asking import ask
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment


class Dying:
    """An engine whose worker ends of some files, one after the other, and then answers."""

    pid = None

    def __init__(self, *files: str) -> None:
        self.files = [*files]

    def request(self, method, **arguments):
        return self

    def result(self):
        if not self.files:
            return "answer"
        file = self.files.pop(0)
        raise FuseError(Problem(f"reading {file} ended the worker", "data.source", got=file))


@pytest.mark.parametrize("files", [["a", "b", "c"], ["a"], []])
def test_each_file_may_end_one_worker(files, tiny, capsys):
    assert ask(Dying(*files), "health", Experiment.load(tiny)) == "answer"
    assert [line.split()[3] for line in capsys.readouterr().err.splitlines()] == files


def test_what_ends_every_worker_ends_the_command_and_says_where_it_stands(tiny):
    with pytest.raises(FuseError, match=r"^tiny\.yaml:\d+: data\.source: reading a ended the worker"):
        ask(Dying("a", "b", "a"), "health", Experiment.load(tiny))
