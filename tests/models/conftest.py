"""Small fits in one process."""

from collections.abc import Iterator

import joblib
import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def one_process() -> Iterator[None]:
    """Starting workers, and threads for tiny arrays, takes longer than these fits."""
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):
        yield
