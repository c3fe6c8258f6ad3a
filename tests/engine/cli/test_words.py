"""What the command line accepts, refuses and says, without any run."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import pytest

from fuse_engine.cli import program
from fuse_engine.cli.printing import one_line
from fuse_engine.core import registry
from fuse_engine.core.errors import FuseError


@pytest.mark.parametrize("name", program.OURS)
def test_every_command_has_help_with_examples(shell, name):
    code, lines, _ = shell(name, "--help")
    assert code == 0
    assert f"usage: fuse-gui {name}" in lines[0]
    assert any(line.startswith(f"  fuse-gui {name} ") or line == f"  fuse-gui {name}" for line in lines)


def test_help_lists_every_command_and_the_exit_codes(shell):
    code, lines, errors = shell("--help")
    assert (code, errors) == (0, [])
    listed = {line.split()[0] for line in lines if line.startswith("    ")}
    assert set(program.OURS) <= listed
    assert any("exit codes: 0 done" in line for line in lines)


def test_help_needs_nothing_heavy():
    code = (
        "import sys; from fuse_engine.cli import main; main(['train', '--help']); main(['--help']);"
        "print([n for n in ('torch', 'numpy', 'pandas', 'pydantic', 'SimpleITK', 'psutil') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_wrong_usage_is_2(shell):
    assert shell()[0] == 2
    assert shell("runs", "--unknown")[0] == 2
    assert shell("infer")[0] == 2
    assert shell("train")[0] == 2
    assert shell("train", "a.yaml", "--resume", "b")[0] == 2
    code, _, errors = shell("trian")
    assert code == 2
    assert "trian" in errors[-1]


def test_a_word_is_never_taken_for_the_start_of_an_option(shell, tiny):
    """`--res x` is no `--resume x`: it is looked for in the experiment, and the nearest is named."""
    code, _, errors = shell("validate", tiny, "--trainin.optimizer.Adam.lr", "1")
    assert code == 1
    assert "did you mean 'training'" in "\n".join(errors)


def test_a_problem_is_one_line_on_the_error_stream_and_1(shell):
    code, lines, errors = shell("runs", "nowhere")
    assert (code, lines) == (1, [])
    assert errors == ["no folder nowhere; expected a folder of runs, such as ./runs"]


def test_a_mistake_of_ours_is_one_line_and_a_report(shell, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("fuse_engine.run.folder.list_runs", lambda root: 1 / 0)
    (tmp_path / "runs").mkdir()
    code, _, errors = shell("runs")
    assert code == 3
    assert len(errors) == 1
    assert errors[0].startswith("internal error: ZeroDivisionError: division by zero (report: ")
    (report,) = tmp_path.glob("fuse-gui-*.txt")
    assert str(report) in errors[0]
    assert "Traceback" in report.read_text(encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        shell("runs", "--debug")


def test_ctrl_c_is_130_without_a_trace(shell, monkeypatch, tmp_path):
    def interrupt(root):
        raise KeyboardInterrupt

    monkeypatch.setattr("fuse_engine.run.folder.list_runs", interrupt)
    (tmp_path / "runs").mkdir()
    assert shell("runs") == (130, [], ["cancelled"])


class Paint:
    """An entry point of another package."""

    name, module = "paint", "fuse_engine.core.keys"

    def __init__(self, add):
        self._add = add

    def load(self):
        return self._add


def test_a_command_of_another_package_is_listed_without_being_imported(shell, monkeypatch):
    monkeypatch.setattr(program.metadata, "entry_points", lambda group: [Paint(None)])
    code, lines, errors = shell("--help")
    assert (code, errors) == (0, [])
    text = " ".join(" ".join(lines).split())
    assert "paint Dotted paths into the sample and batch dict, as fields of components examples:" in text


def test_a_broken_command_of_another_package_is_one_line(shell, monkeypatch):
    monkeypatch.setattr(program.metadata, "entry_points", lambda group: [Paint(None)])
    code, _, errors = shell("paint")
    assert code == 2
    assert errors[0] == "'paint' of fuse_engine.core.keys is broken: TypeError: 'NoneType' object is not callable"


def test_a_command_of_another_package_gets_exit_codes_and_messages_for_nothing(shell, monkeypatch):
    def refuse(options):
        raise FuseError("no paint", expected="a bucket")

    def add(subparsers):
        subparsers.add_parser("paint").set_defaults(handler=refuse)

    monkeypatch.setattr(program.metadata, "entry_points", lambda group: [Paint(add)])
    assert shell("paint") == (1, [], ["no paint; expected a bucket"])


def test_head_may_close_our_output(tmp_path):
    command = f"'{sys.executable}' -m fuse_engine.cli catalog | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=tmp_path)  # noqa: S607
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.count("\t") == 2


def test_the_catalogue_is_one_line_a_component(shell):
    code, lines, errors = shell("catalog", "loss")
    assert (code, errors) == (0, [])
    rows = [line.split("\t") for line in lines]
    assert all(len(row) == 3 and row[0] == "loss" and row[2] for row in rows)
    assert "CrossEntropy" in [row[1] for row in rows]
    entries = json.loads("\n".join(shell("catalog", "loss", "--json")[1]))
    assert [entry["name"] for entry in entries] == [row[1] for row in rows]


def test_an_unknown_kind_names_the_nearest(shell):
    code, _, errors = shell("catalog", "los")
    assert code == 1
    assert "did you mean 'loss'?" in errors[0]


def test_a_component_file_that_is_not_there_or_broken_is_said(shell, monkeypatch, tmp_path):
    assert shell("catalog", "--components", "none.py")[2] == ["command line '--components': no file none.py"]
    (tmp_path / "table.csv").touch()
    said = ["command line '--components': table.csv is not a Python file"]
    assert shell("catalog", "--components", "table.csv")[2] == said
    monkeypatch.setitem(registry.broken, "file mine.py", "ImportError: no module")
    (tmp_path / "runs").mkdir()
    code, _, errors = shell("runs")
    assert (code, errors) == (0, ["no runs in runs", "warning: file mine.py is left out: ImportError: no module"])


def test_a_file_or_folder_that_cannot_be_used_is_one_line(shell, tiny):
    (tiny.parent / "runs").write_text("no folder")
    code, lines, errors = shell("train", tiny)
    assert (code, lines, len(errors)) == (1, [], 1)
    assert errors[0].startswith("cannot use ")


def test_the_version_is_that_of_the_package(shell):
    assert shell("--version") == (0, [metadata.version("fuse-gui")], [])


def test_a_message_of_a_run_cannot_play_with_the_terminal():
    assert one_line("two\nlines \x1b[2Jand\ta tab") == "two lines [2Jand a tab"
