"""Compiles inner loops to machine code when they are first called."""

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
    """Compile a function of numbers and arrays, for the types with which it is called.

    It runs without Python's global lock, so other threads of the process can run too.

    >>> @compiled
    ... def double(value: float) -> float:
    ...     return 2 * value
    >>> double(2.0)
    4.0
    """
    return cast(Function, njit(error_model="numpy", nogil=True)(function))


def enable_disk_cache(folder: Path, functions: Iterable[Callable[..., object]]) -> None:
    """Cache the machine code of functions in a folder, so that the next process need not compile.

    If the environment names a folder in NUMBA_CACHE_DIR, that folder is used instead.
    """
    if "NUMBA_CACHE_DIR" not in os.environ:
        folder.mkdir(parents=True, exist_ok=True)
        config.CACHE_DIR = str(folder)
    for function in functions:
        cast(Dispatcher, function).enable_caching()


def hash_sources(*modules: ModuleType) -> str:
    """Return a hash of the modules' source: if it changes, cached machine code is out of date.

    >>> import json
    >>> len(hash_sources(json))
    16
    """
    sources = (Path(str(module.__file__)).read_bytes() for module in modules)
    return sha256(b"".join(sources)).hexdigest()[:16]
