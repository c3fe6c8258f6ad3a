from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import KeyMissing

NAMES = st.text("abc", min_size=1, max_size=2)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)


def test_a_prefix_writes_back() -> None:
    batch = NestedDict({"data.input.image": 1})
    batch["data"]["gt.label"] = 2
    batch["data.input"]["mask"] = 3
    assert batch.to_dict() == {"data": {"input": {"image": 1, "mask": 3}, "gt": {"label": 2}}}


def test_a_missing_key_names_the_nearest_ones() -> None:
    batch = NestedDict({"data.input.image": 1, "data.gt.label": 2})
    with pytest.raises(KeyMissing, match=r"no key 'data.input.imgae'.*data\.input\.image"):
        batch["data.input.imgae"]
    assert batch.get("data.input.nothing", 7) == 7


def test_nothing_can_be_set_below_a_value() -> None:
    with pytest.raises(KeyMissing, match="'b' in 'a.b.c' is a value"):
        NestedDict({"a.b": 1})["a.b.c"] = 2


def test_a_copy_is_a_new_tree_over_the_same_leaves() -> None:
    leaf = [1]
    batch = NestedDict({"a.b": leaf})
    copy = batch.copy()
    copy["a.c"] = 2
    assert "a.c" not in batch
    assert copy["a.b"] is leaf


def test_removing_and_counting() -> None:
    batch = NestedDict({"a": {"b": 1, "c": 2}, "d": 3})
    del batch["a.b"]
    assert list(batch) == ["a.c", "d"]
    assert len(batch) == 2
    with pytest.raises(KeyMissing):
        del batch["a.b"]


def test_the_text_of_a_batch_shows_no_values() -> None:
    assert "secret" not in repr(NestedDict({"data.descriptor.name": "secret"}))


def test_survives_pickling() -> None:
    batch = NestedDict({"a.b": 1})
    assert pickle.loads(pickle.dumps(batch)).to_dict() == batch.to_dict()


@given(st.dictionaries(PATHS, st.integers(), max_size=6))
def test_what_is_set_is_read(values: dict[str, int]) -> None:
    batch, model = NestedDict(), {}
    for key, value in values.items():
        if any(key.startswith(f"{other}.") or other.startswith(f"{key}.") for other in model):
            continue
        batch[key] = model[key] = value
    assert dict(batch.items()) == model
