"""`fuse-gui create` sums up the samples and lists what cannot be used."""

from __future__ import annotations

import json


def test_the_samples_are_summed_up(shell, tiny):
    code, out, errors = shell("create", tiny)
    assert (code, errors) == (0, [])
    assert out[0] == "tiny: 16 samples from Table"


def test_a_sample_that_cannot_be_used_is_told(shell, tiny):
    (tiny.parent / "mask05.png").write_bytes(b"\x89PNG")
    code, _, errors = shell("create", tiny)
    assert code == 1
    assert any("sample 's05'" in line and "mask05.png" in line for line in errors)
    code, out, _ = shell("create", tiny, "--json")
    found = json.loads("\n".join(out))
    assert (code, found["samples"], [row["sample"] for row in found["failed"]]) == (1, 16, ["s05"])


def test_every_cell_that_names_no_class_is_told(shell, tiny):
    table = tiny.parent / "cohort.csv"
    table.write_text(table.read_text().replace("normal", "norml", 2))
    code, out, errors = shell("create", tiny)
    assert code == 1
    assert out[0] == "tiny: 16 samples from Table"
    assert sum("got 'norml'; did you mean 'normal'?" in line for line in errors) == 2


def test_an_impossible_number_of_processes_is_wrong_usage(shell, tiny):
    code, _, errors = shell("create", tiny, "--workers=-1")
    assert code == 2
    assert "expected a number from 0 to 64, got '-1'" in errors[-1]


def test_what_is_wrong_names_file_and_line(shell, tiny):
    code, out, errors = shell("create", tiny, "--data.split", "{saved: runs/split.csv}")
    assert (code, out) == (1, [])
    (line,) = errors
    assert line.startswith("command line '--data.split {saved: runs/split.csv}': data.split.saved: no file ")
