"""Turns inner loops into machine code when they are first called."""

import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast

from numba import config, njit
from numba.core.dispatcher import Dispatcher

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Mark a function of numbers and arrays to be compiled for the types it is called with.

    While it runs, other threads of the process go on.

    >>> @compiled
    ... def double(value: float) -> float:
    ...     return 2 * value
    >>> double(2.0)
    4.0
    """
    return cast(Function, njit(error_model="numpy", nogil=True)(function))


def enable_disk_cache(folder: Path, functions: Iterable[Callable[..., object]]) -> None:
    """Keep the machine code of functions in a folder, so that the next process need not compile.

    A folder that the environment names by NUMBA_CACHE_DIR comes first.
    """
    if "NUMBA_CACHE_DIR" not in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        config.CACHE_DIR = str(folder)
    for function in functions:
        cast(Dispatcher, function).enable_caching()


def hash_sources(*modules: ModuleType) -> str:
    """Return a name for the state of modules: kept code is stale once one of them has changed.

    >>> import json
    >>> len(hash_sources(json))
    16
    """
    sources = (Path(str(module.__file__)).read_bytes() for module in modules)
    return sha256(b"".join(sources)).hexdigest()[:16]
