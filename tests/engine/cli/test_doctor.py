"""`fuse-gui doctor` shows a table of checks, then what was found, and its exit code says whether that blocks."""

from __future__ import annotations

import json

import numpy as np
import SimpleITK as sitk

from fuse_engine.cli.passports import print_passports
from fuse_engine.core.health import Passport


def test_good_samples_give_a_table_of_zeros(shell, tiny):
    code, out, errors = shell("doctor", tiny, "--round-trips", 1)
    assert (code, errors) == (0, [])
    assert out[0] == "16 samples"
    assert [line.split("  ")[0] for line in out[3:17]][:3] == [
        "Unreadable files",
        "Missing files",
        "Unmatched files",
    ]
    assert all(line.endswith("-") for line in out[3:17] if not line.startswith("Empty masks"))
    assert any("data.gt.segmentation  0.00 mm (0.00 pixels) off" in line for line in out)
    assert out[-1] == "nothing blocks training"


def test_findings_stand_below_their_check(shell, tiny):
    (tiny.parent / "image03.png").unlink()
    (tiny.parent / "mask05.png").write_bytes(b"\x89PNG")
    text = (tiny.parent / "cohort.csv").read_text().replace(",normal,", ",norml,", 1)
    (tiny.parent / "cohort.csv").write_text(text)
    code, out, _ = shell("doctor", tiny, "--round-trips", 0)
    assert code == 1
    lines = "\n".join(out)
    assert "\nMissing files (missing). The table names a file that is not there" in lines
    assert "  s03  data.input.image  column 'image': no file " in lines
    assert "  s05  data.gt.segmentation  cannot read mask05.png" in lines
    assert "  s00  data.gt.classification  column 'finding' holds no known class" in lines
    assert out[-1] == "3 findings and 0 round trips block training"


def test_json_holds_everything(shell, tiny):
    (tiny.parent / "image03.png").unlink()
    code, out, _ = shell("doctor", tiny, "--json", "--round-trips", 2)
    found = json.loads("\n".join(out))
    assert (code, found["total"], found["blocking"]) == (1, 16, 1)
    assert [item["sample"] for item in found["findings"] if item["check"] == "missing"] == ["s03"]
    assert len([item for item in found["passports"] if item["column"] == "data.gt.segmentation"]) == 16
    assert set(found["round_trips"]) == {"s00", "s08"}


def test_a_step_that_fails_after_reading_blocks(shell, tiny):
    tiny.write_text(tiny.read_text().replace("IntensityWindow: {window: [0, 255], to: [0, 1]}", "OneHot: {}"))
    code, out, errors = shell("doctor", tiny, "--round-trips", 1)
    assert (code, errors, out[-1]) == (1, [], "0 findings and 1 round trips block training")
    assert any("OneHot works on a label map or a class" in line for line in out)
    found = json.loads("\n".join(shell("doctor", tiny, "--json", "--round-trips", 1)[1]))
    assert (list(found["stuck"]), found["round_trips"], found["blocking"]) == (["s00"], {}, 1)


def test_samples_without_an_image_make_no_round_trip(shell, tiny):
    values = ("--data.input", "{clinical: [{Columns: {names: [age]}}]}", "--data.gt", "{}")
    code, out, errors = shell("doctor", tiny, *values)
    assert (code, errors) == (0, [])
    assert not any(line.startswith("Round trips") for line in out)


def test_passports_say_what_is_common_and_name_what_is_odd(shell, tiny):
    for name, size, spacing in (("image02", (32, 32), (2.0, 1.0)), ("mask04", (30, 32), (1.0, 1.0))):
        pixels = sitk.GetImageFromArray(np.eye(*size[::-1], dtype=np.uint8))
        pixels.SetSpacing(spacing)
        pixels.SetOrigin((3.0, 4.0))
        sitk.WriteImage(pixels, str(tiny.parent / f"{name}.nrrd"))
    table = tiny.parent / "cohort.csv"
    table.write_text(table.read_text().replace("image02.png", "image02.nrrd").replace("mask04.png", "mask04.nrrd"))
    lines = [" ".join(line.split()) for line in shell("doctor", tiny, "--round-trips", 0)[1]]
    assert "data.input.image axes not said: 15, LP: 1 (s02)" in lines
    assert "data.input.image spacing 1 x 1: 15, 1 x 2: 1 (s02)" in lines
    assert "data.gt.segmentation size 32 x 32: 15, 32 x 30: 1 (s04)" in lines
    assert "data.gt.segmentation oblique no: 16" in lines
    assert "data.gt.segmentation mask on the grid of its image: 15, NOT on the grid of its image: 1 (s04)" in lines


def test_passports_of_many_kinds_are_counted(capsys):
    made = [Passport(f"s{n}", "data.input.image", "LPS", (1.0 + n, 1.0, 1.0), (8, 8, 8), 30.0) for n in range(20)]
    print_passports([*made, *made[:1]])
    spacing, _, oblique = capsys.readouterr().out.splitlines()[4:]
    assert spacing.endswith(
        "1 x 1 x 1: 1 (s0), 2 x 1 x 1: 1 (s1), 3 x 1 x 1: 1 (s2), 4 x 1 x 1: 1 (s3), 16 others: 16"
    )
    assert oblique.endswith("30°: 20")
