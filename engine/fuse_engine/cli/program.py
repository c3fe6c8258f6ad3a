"""Reads the command line, runs one command, and turns what went wrong into lines and an exit code."""

from __future__ import annotations

import argparse
import ast
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

from fuse_engine.cli.options import CANCELLED, FAILED, OK, PROBLEM, USAGE, Handler, Subparsers

OURS = (
    "new", "augmentation", "import-augmentation", "convert", "validate", "doctor", "create", "preflight", "train",
    "infer", "analyze", "explain", "replay", "runs", "cache", "catalog",
)  # fmt: skip
"""Our commands in the order of the work; each is a module here, `-` as `_`, with `add(subparsers)`."""

GROUP = "fuse_engine.commands"
"""Entry points of commands of other packages, by the command's name: callables `add(subparsers)`.

A command's parser sets the default `handler`: what is called with the options and returns the exit code. The
module is imported only when the command is asked for; the help shows the first line of its docstring.
"""

EPILOG = """\
examples:
  fuse-gui new medmnist_pneumonia pneumonia.yaml
  fuse-gui validate pneumonia.yaml
  fuse-gui train pneumonia.yaml --training.optimizer.Adam.lr 3e-4
  fuse-gui runs

exit codes: 0 done, 1 a problem with the input, 2 wrong usage, 3 a run or the program failed, 130 cancelled
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` as typed after the program's name. Return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options, rest = build_parser(words).parse_known_args(words)
        if options.version:
            print(metadata.version("fuse-gui"))
            return OK
        if "handler" not in options:
            build_parser([]).print_help()
            return USAGE
        return _run(options, rest)
    except SystemExit as end:  # argparse has said what is wrong
        return end.code if isinstance(end.code, int) else USAGE


def build_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; of other packages' commands only the one that `words` begin with is imported."""
    parser = argparse.ArgumentParser(
        prog="fuse-gui",
        description="From a folder of scans and a table of labels to a trained, understood model.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--version", action="store_true", help="print the version")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in OURS:
        import_module(f"fuse_engine.cli.{name.replace('-', '_')}").add(subparsers)
    wanted = words[0] if words else ""
    for entry in metadata.entry_points(group=GROUP) if wanted not in OURS else ():
        if entry.name == wanted:
            _add_other(subparsers, entry)
        else:
            subparsers.add_parser(entry.name, help=_sentence(entry.module))
    return parser


def _add_other(subparsers: Subparsers[argparse.ArgumentParser], entry: metadata.EntryPoint) -> None:
    try:
        entry.load()(subparsers)
    except Exception as error:  # noqa: BLE001 the boundary: a package that is broken is not ours to trace
        print(f"'{entry.name}' of {entry.module} is broken: {type(error).__name__}: {error}", file=sys.stderr)


def _sentence(module: str) -> str:
    """Return the first line of a module's docstring, without what stands before a colon; imports nothing."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return ""
    path = Path(next(iter(spec.submodule_search_locations)), *rest)
    try:
        text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
        first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    except (OSError, ValueError, SyntaxError):
        return ""
    return first.rpartition("`: ")[2].rstrip(".")


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    from fuse_engine.core import registry
    from fuse_engine.core.errors import FuseError

    handler: Handler = options.handler
    if rest and "overrides" not in options:
        print(f"fuse-gui: unknown words: {' '.join(rest)}", file=sys.stderr)
        return USAGE
    options.overrides = rest
    try:
        _use(getattr(options, "components", []))
        code = handler(options)
        sys.stdout.flush()
        return code
    except FuseError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return PROBLEM
    except KeyboardInterrupt:
        print("cancelled", file=sys.stderr)
        return CANCELLED
    except BrokenPipeError:  # the reader of our output, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if error.filename is None or getattr(options, "debug", False):
            return _internal(error, options)
        print(f"cannot use {error.filename}: {error.strerror}", file=sys.stderr)
        return PROBLEM
    except Exception as error:  # noqa: BLE001 the boundary of the program: one line for the user, the trace in a file
        return _internal(error, options)
    finally:
        for name, reason in registry.broken.items():
            print(f"warning: {name} is left out: {reason}", file=sys.stderr)


def _internal(error: Exception, options: argparse.Namespace) -> int:
    """Say an error that is ours in one line; the trace goes to a file, or on where it was asked for."""
    if getattr(options, "debug", False):
        raise error
    print(f"internal error: {type(error).__name__}: {_line(error)} (report: {_report()})", file=sys.stderr)
    return FAILED


def _use(files: list[Path]) -> None:
    from fuse_engine.core import registry
    from fuse_engine.core.errors import FuseError

    for path in files:
        if not path.is_file():
            raise FuseError(f"no file {path}", source="command line '--components'")
        if path.suffix != ".py":
            raise FuseError(f"{path} is not a Python file", source="command line '--components'")
    if files:
        registry.use_files(files)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _report() -> Path:
    folder = Path(tempfile.gettempdir())
    handle, name = tempfile.mkstemp(
        prefix=f"fuse-gui-{time.strftime('%Y%m%d-%H%M%S')}-", suffix=".txt", dir=folder
    )
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exc(file=file)
    return Path(name)
