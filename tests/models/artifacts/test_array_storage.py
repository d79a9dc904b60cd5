from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder

from models.artifacts.array_storage import (
    StoredArray,
    StoredSparse,
    StoredTable,
    restore_arrays,
    store_arrays,
)

BIG = np.arange(20_000, dtype=np.float64)
Pair = namedtuple("Pair", "left right")


@dataclass(frozen=True, slots=True)
class Frozen:
    weights: np.ndarray
    name: str = "frozen"


class Cached:
    def __init__(self, kept, dropped):
        self.kept, self.dropped = kept, dropped

    def __getstate__(self):
        return {"kept": self.kept}


@pytest.mark.parametrize(
    ("value", "look"),
    [
        ({"a": [BIG, 1]}, lambda v: v["a"][0]),
        ((1, (BIG,)), lambda v: v[1][0]),
        (Pair(BIG, 2), lambda v: v.left),
        (OrderedDict(a=BIG), lambda v: v["a"]),
        (Frozen(BIG), lambda v: v.weights),
        (Cached(Frozen(BIG), None), lambda v: v.kept.weights),
        ([{"deep": (Frozen(BIG),)}], lambda v: v[0]["deep"][0].weights),
    ],
)
def test_big_arrays_are_found_wherever_they_are(value, look, tmp_path):
    stored = store_arrays(value, tmp_path / "arrays")
    assert look(stored) == StoredArray(0)
    assert look(value) is BIG
    restored = restore_arrays(stored, tmp_path / "arrays")
    assert type(restored) is type(value)
    assert np.array_equal(look(restored), BIG)
    assert not look(restored).flags.writeable


def test_an_array_used_twice_is_stored_once(tmp_path):
    stored = store_arrays({"a": BIG, "b": [BIG]}, tmp_path / "arrays")
    restored = restore_arrays(stored, tmp_path / "arrays")
    assert len(list((tmp_path / "arrays").iterdir())) == 1
    assert np.array_equal(restored["a"], restored["b"][0])


def test_what_an_object_leaves_out_of_its_state_is_not_stored(tmp_path):
    store_arrays(Cached(kept=1, dropped=BIG), tmp_path / "arrays")
    assert list((tmp_path / "arrays").iterdir()) == []


@pytest.mark.parametrize("value", [np.zeros(10), np.array(["a", None], dtype=object), {"a": 1}])
def test_small_things_stay_what_they_are(value, tmp_path):
    assert store_arrays(value, tmp_path / "arrays") is value


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "csr_array", "csc_array"])
def test_sparse_matrices_come_back_with_mapped_parts(kind, tmp_path):
    dense = np.random.default_rng(0).random((300, 200)) * (np.arange(200) % 3 == 0)
    matrix = getattr(sparse, kind)(dense)
    stored = store_arrays([matrix], tmp_path / "arrays")
    (restored,) = restore_arrays(stored, tmp_path / "arrays")
    assert isinstance(stored[0], StoredSparse)
    assert type(restored) is type(matrix)
    assert np.array_equal(restored.toarray(), dense)
    assert not restored.data.flags.writeable


def test_a_sparse_matrix_with_unsorted_indices_can_be_used_read_only(tmp_path):
    matrix = sparse.random_array((500, 500), density=0.1, rng=1, format="csr")
    unsorted = sparse.csr_array(
        (matrix.data[::-1].copy(), matrix.indices[::-1].copy(), np.array([0] * 500 + [matrix.nnz]))
    )
    stored = store_arrays([unsorted], tmp_path / "arrays")
    (restored,) = restore_arrays(stored, tmp_path / "arrays")
    restored.sort_indices()
    assert np.allclose(restored.sum(axis=1), unsorted.sum(axis=1))


@pytest.mark.parametrize(
    "value",
    [
        {f"word{n}": np.int64(n) for n in range(1000)},
        [f"naïve \ud800 {n}" for n in range(1000)],
        tuple([None, 1, 2.5, True, float("inf")] * 200),
        np.array([f"label{n}" for n in range(1000)], dtype=object),
    ],
    ids=["dict", "list", "tuple", "objects"],
)
def test_long_tables_come_back_equal(value, tmp_path):
    stored = store_arrays([value], tmp_path / "arrays")
    (restored,) = restore_arrays(stored, tmp_path / "arrays")
    assert isinstance(stored[0], StoredTable)
    assert type(restored) is type(value)
    assert np.array_equal(restored, value) if isinstance(value, np.ndarray) else restored == value


@pytest.mark.parametrize(
    "value", [[b"x"] * 1000, {n: n for n in range(1000)}, [[1]] * 1000, [np.bool_(1)] * 1000]
)
def test_long_tables_that_json_cannot_hold_are_left_alone(value, tmp_path):
    assert store_arrays(value, tmp_path / "arrays") is value


def test_estimators_inside_answer_as_before(tmp_path):
    column = np.array([[f"site{n}"] for n in range(1000)], dtype=object)
    encoder = OneHotEncoder(handle_unknown="ignore").fit(column)
    stored = store_arrays(encoder, tmp_path / "arrays")
    restored = restore_arrays(stored, tmp_path / "arrays")
    assert isinstance(stored.categories_[0], StoredTable)
    assert (restored.transform(column) != encoder.transform(column)).nnz == 0
