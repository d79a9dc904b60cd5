"""A plan holds plain data and objects of listed classes, exactly, and nothing else."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from features.errors import ArtifactRejected
from models.artifacts.plan_files import PLAN, read_plan, write_plan
from models.base.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Part:
    values: Any
    name: str = "part"


class Whole(Parameters):
    def __init__(self, *, part: Part | None = None) -> None:
        self.part = part


TRUSTED = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in (Part, Whole))
BIG = np.random.default_rng(0).random((40, 50))


def copy(value: object, folder: Path, trusted: tuple[str, ...] = TRUSTED) -> Any:
    plan = folder / "scorer"
    write_plan(value, plan)
    hashes = {path.name: sha256(path.read_bytes()).hexdigest() for path in plan.iterdir()}
    return read_plan(lambda name: (plan / name).read_bytes(), hashes, trusted)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        0.1,
        float("inf"),
        "Grüße \u2028 \x00",
        [],
        (1, (2.5, "x"), []),
        {"a": {1: "b"}, 2: None},
        {"array": "0001.npy"},
        {"type": "os.system", "state": {}},
    ],
)
def test_plain_values_come_back_as_they_were(value: object, tmp_path: Path) -> None:
    again = copy(value, tmp_path)
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        BIG,
        BIG.astype(np.float32),
        np.asfortranarray(BIG),
        BIG[::2, ::3],
        np.arange(3, dtype=np.uint32),
        np.array([np.nan, -np.inf, -0.0]),
        np.empty((0, 7)),
        np.array(5.5),
        np.array(["a", "Grüße"] * 2000),
        np.array([True, False]),
        np.array(["x", None, 3], dtype=object),
    ],
    ids=str,
)
def test_arrays_come_back_exactly(array: np.ndarray, tmp_path: Path) -> None:
    again = copy(Part(array), tmp_path).values
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    np.testing.assert_array_equal(again, array)


def test_sparse_matrices_come_back(tmp_path: Path) -> None:
    matrix = csr_array((BIG > 0.9) * BIG)
    again = copy({"small": matrix[:2], "big": matrix}, tmp_path)
    assert (again["big"] != matrix).nnz == 0
    assert (again["small"] != matrix[:2]).nnz == 0


def test_arrays_are_read_only_and_stored_once(tmp_path: Path) -> None:
    again = copy(Whole(part=Part((BIG, BIG))), tmp_path)
    first, second = again.part.values
    assert first is second
    assert sorted(path.name for path in (tmp_path / "scorer").iterdir()) == ["0000.npy", PLAN]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


def test_a_class_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactRejected, match="Part"):
        copy(Part(1), tmp_path, trusted=())


@pytest.mark.parametrize("value", [len, type, {1, 2}, b"bytes"])
def test_what_is_no_data_cannot_be_written(value: object, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a plan cannot hold"):
        copy(Part(value), tmp_path)
