"""InnerEye's dataset.csv: lines of channels become rows of subjects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from fuse_engine.core.errors import FuseError
from fuse_engine.data import Cohort, DatasetCsv

LINES = """subject,channel,filePath,institutionId,seriesId,tags
012,ct,s12/ct.nii.gz,A,x1,[old]
012,heart,s12/labels.h5|masks|0|1,A,x2,[old]
3,heart,s3/heart.npy,B,y2,
3,ct,s3/ct.npz,B,y1,
3,other,s3/other.nii,B,y1,
"""


def read(folder: Path, text: str, **arguments: Any) -> Cohort:
    (folder / "dataset.csv").write_text(text, encoding="utf-8")
    given = {"image_channels": ["ct"], "ground_truth_ids": ["heart"], "per_channel": ["seriesId"], **arguments}
    return DatasetCsv(**given).read(folder)


def test_a_subject_is_one_row_with_a_column_for_each_channel(tmp_path: Path) -> None:
    cohort = read(tmp_path, LINES, group="institutionId")
    assert cohort.ids == ("012", "3")
    assert cohort.row("012").columns == {
        "subject": "012", "institutionId": "A", "tags": "[old]", "ct": "s12/ct.nii.gz", "ct.seriesId": "x1",
        "heart": "s12/labels.h5|masks|0|1", "heart.seriesId": "x2",
    }  # fmt: skip
    assert (cohort.row("3").group, cohort.row("3").text("ct")) == ("B", "s3/ct.npz")


def test_many_subjects_are_the_pivot_of_pandas(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame([(str(s), c, f"{s}/{c}") for s in range(1, 400) for c in ("ct", "pet", "heart", "liver")])
    frame.columns = pd.Index(["subject", "channel", "filePath"])
    frame = frame.iloc[rng.permutation(len(frame))]
    cohort = read(
        tmp_path, frame.to_csv(index=False), image_channels=["pet", "ct"], per_channel=[], mask_id="liver"
    )
    wide = frame.pivot(index="subject", columns="channel", values="filePath").loc[frame["subject"].unique()]
    assert list(cohort.ids) == wide.index.tolist()
    for channel in ("ct", "pet", "heart", "liver"):
        assert cohort.column(channel) == wide[channel].tolist()


def test_labels_may_be_incomplete_where_it_is_allowed_images_never(tmp_path: Path) -> None:
    text = LINES.replace("3,heart,s3/heart.npy,B,y2,\n", "")
    with pytest.raises(
        FuseError, match="subject 3 has no file for channel 'heart'.*or set allow_incomplete_labels"
    ):
        read(tmp_path, text)
    cohort = read(tmp_path, text, allow_incomplete_labels=True)
    assert cohort.column("heart") == ["s12/labels.h5|masks|0|1", ""]
    assert [str(remark) for remark in cohort.remarks] == [
        "missing: 1 subject has no 'heart', e.g. 3: background or refused, never unknown"
    ]
    assert read(tmp_path, LINES, allow_incomplete_labels=True).remarks == ()
    assert (
        read(tmp_path, LINES.replace("s3/heart.npy", ""), allow_incomplete_labels=True).row("3").text("heart")
        == ""
    )
    for channels in ({"image_channels": ["ct", "other"]}, {"mask_id": "other"}):
        with pytest.raises(FuseError, match="dataset.csv: subject 012 has no file for channel 'other'"):
            read(tmp_path, LINES, allow_incomplete_labels=True, **channels)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3,other,", "3,ct,", "channel 'ct' of subject 3 stands twice, in line 5 and in line 6"),
        (
            "3,heart,",
            "x3,heart,",
            "the subject in line 4 is no number; expected a whole number from 1 up; got 'x3'",
        ),
        ("012,ct", "0,ct", "the subject in line 2 is no number"),
        ("012,ct", "-1,ct", "the subject in line 2 is no number"),
        ("012,ct", ",ct", "the subject in line 2 is no number"),
        ("3,ct,", "03,ct,", "the subject in line 5 is written '03', before '3'"),
        ("filePath", "filepath", "the column 'filePath' is not there.*did you mean 'filepath'"),
        ("heart", "hart", "subject 012 has no file for channel 'heart'"),
        (
            "x2,[old]",
            "x2,[new]",
            r"'tags' of subject 012 differs between line 2 and line 3.*per_channel: \[tags\]",
        ),
        (
            "s3/ct.npz,B",
            "s3/ct.npz,C",
            "'institutionId' of subject 3 differs between line 4 and line 5.*'B' and 'C'",
        ),
        ("tags", "ct", "'ct' is a channel and a column"),
        (LINES[LINES.index("012") :], "", "no line has the channel 'ct'"),
    ],
)
def test_a_bad_file_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(FuseError, match=f"dataset.csv: .*{message}"):
        read(tmp_path, LINES.replace(old, new, 1))


def test_an_unknown_channel_or_column_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        FuseError, match="no line has the channel 'hart'; expected one of ct, heart, other.*'heart'"
    ):
        read(tmp_path, LINES, ground_truth_ids=["hart"])
    with pytest.raises(FuseError, match="the column 'seriesID' is not there.*did you mean 'seriesId'"):
        read(tmp_path, LINES, per_channel=["seriesID"])
    with pytest.raises(FuseError, match="no file .*dataset.cs; did you mean 'dataset.csv'"):
        read(tmp_path, LINES, path="dataset.cs")


@pytest.mark.parametrize("arguments", [{"mask_id": "ct"}, {"image_channels": []}, {"per_channel": ["channel"]}])
def test_channels_are_named_once(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(tmp_path, LINES, **arguments)
