"""Categories, gaps and plain text of a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from fuse_engine.core.errors import SampleError
from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Columns, Dataset, Number, Pipeline, Row, Text, collate, to_tensors

Rows = Callable[..., Row]

SEX = {"sex": ["F", "M"]}
NOTHING = Pipeline(())


def test_categories_take_a_place_each(row: Rows) -> None:
    step = Columns(names=["age", "sex", "bmi"], categories=SEX)
    assert step(None, row(age="40", sex="M", bmi="22")).tolist() == [40, 0, 1, 22]
    with pytest.raises(SampleError, match="column 'sex' holds no known class; expected one of F, M; got 'm'; did"):
        step(None, row(age="40", sex="m", bmi="22"))
    fitted = Columns(names=["sex", "age"], categories=SEX, normalize=True).fit(
        [row(age=age, sex="F") for age in ("1", "3")], NOTHING
    )
    assert (fitted.mean, fitted.std) == ([0, 2], [1, 1])
    assert fitted(None, row(age="5", sex="F")).tolist() == [1, 0, 3]


def test_missing_numbers_take_the_mean_as_in_scikit_learn(row: Rows) -> None:
    texts = [("60", "1.5"), ("", "2.5"), ("40", "n/a"), ("20", "NaN")]
    rows = [row(age=age, dose=dose) for age, dose in texts]
    numbers = np.array([[60, 1.5], [np.nan, 2.5], [40, np.nan], [20, np.nan]])
    step = Columns(names=["age", "dose"], missing="mean").fit(rows, NOTHING)
    found = np.stack([step(None, item) for item in rows])
    np.testing.assert_allclose(found, SimpleImputer().fit_transform(numbers), rtol=1e-6)
    both = Columns(names=["age", "dose"], missing="mean", normalize=True).fit(rows, NOTHING)
    scaled = np.nan_to_num(StandardScaler().fit_transform(numbers))
    np.testing.assert_allclose(np.stack([both(None, item) for item in rows]), scaled, atol=1e-6)


def test_missing_numbers_take_a_value_or_are_refused(row: Rows) -> None:
    gap = row(age="", sex="")
    step = Columns(names=["age", "sex"], categories=SEX, missing="value", value=-1)
    assert step(None, gap).tolist() == [-1, 0, 0]
    for wrong in ("abc", "63,5"):
        with pytest.raises(SampleError, match=f"column 'age' holds no number.*got '{wrong}'"):
            step(None, row(age=wrong, sex="F"))
    with pytest.raises(SampleError, match="column 'age' holds no number"):
        Columns(names=["age"])(None, gap)
    with pytest.raises(SampleError, match="column 'age' has no number in the training samples"):
        Columns(names=["age"], missing="mean").fit([gap], NOTHING)
    normal = Columns(names=["age"], missing="value", value=0, normalize=True).fit(
        [row(age="4"), row(age="")], NOTHING
    )
    assert (normal.mean, normal.std) == ([2.0], [2.0])


@pytest.mark.parametrize(
    "arguments",
    [{"names": ["age", "age"]}, {"names": ["age"], "categories": SEX},
     {"names": ["sex"], "categories": {"sex": []}}, {"names": ["sex"], "categories": {"sex": ["F", "F"]}}],
)  # fmt: skip
def test_categories_without_sense_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        Columns.model_validate(arguments)


def test_a_number_and_a_text_reach_the_batch(row: Rows) -> None:
    cells = row(age="63.5", site="São Paulo ")
    assert Number(column="age")(None, cells) == 63.5
    assert Number(column="age", missing=-1000)(None, row(age=" NA ")) == -1000
    assert Text(column="site")(None, cells) == "São Paulo "
    with pytest.raises(SampleError, match="column 'age' holds no number"):
        Number(column="age")(None, row(age="old"))
    with pytest.raises(SampleError, match="no column 'sit'.*did you mean 'site'"):
        Text(column="sit")(None, cells)


def test_texts_of_a_batch_are_a_list(study: Experiment) -> None:
    steps = {**study.to_data()["data"]["input"], "who": [{"Text": {"column": "patient"}}]}
    dataset = Dataset.from_experiment(study.changed(("data", "input"), steps))
    batch = collate([to_tensors(dataset[index]) for index in range(3)])
    assert batch["data.input.who"] == ["p0", "p0", "p1"]
