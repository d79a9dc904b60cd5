"""Compiles inner loops to machine code when they are first called."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import update_wrapper
from hashlib import sha256
from pathlib import Path
from threading import RLock
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

# Importing Numba takes 65 MB and half a second, and most servers never score a series.
if TYPE_CHECKING:
    from numba.core.dispatcher import Dispatcher

Function = TypeVar("Function", bound=Callable[..., object])

_building = RLock()


class CompiledFunction:
    """A function that is compiled, with the compiled functions that it calls, when first called."""

    def __init__(self, function: FunctionType) -> None:
        update_wrapper(self, function)
        self._function = function
        self._dispatcher: Dispatcher | None = None
        self._cache_folder: Path | None = None

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401  # those of the function
        """Call the machine code."""
        return self.dispatcher(*arguments)

    def cache_in(self, folder: Path) -> None:
        """Keep the machine code in a folder; call this before the function."""
        self._cache_folder = folder

    @property
    def dispatcher(self) -> "Dispatcher":
        """Numba's object, which compiles the function for each combination of types."""
        if self._dispatcher is None:
            with _building:
                self._dispatcher = self._dispatcher or self._build()
        return self._dispatcher

    def _build(self) -> "Dispatcher":
        from numba import config, njit

        # Numba only calls its own functions, so they take the place of these objects.
        names, code = self._function.__globals__, self._function.__code__
        called = {
            name: names[name].dispatcher
            for name in _names_in(code)
            if isinstance(names.get(name), CompiledFunction)
        }
        function = FunctionType(code, names | called, self._function.__name__)
        dispatcher: Dispatcher = njit(error_model="numpy", nogil=True)(function)
        if self._cache_folder is not None:
            config.CACHE_DIR = str(self._cache_folder)
            dispatcher.enable_caching()
        return dispatcher


def compiled(function: Function) -> Function:
    """Compile a function of numbers and arrays, for the types with which it is called.

    It runs without Python's global lock, so other threads of the process can run too.

    >>> @compiled
    ... def double(value: float) -> float:
    ...     return 2 * value
    >>> double(2.0)
    4.0
    """
    return cast(Function, CompiledFunction(cast(FunctionType, function)))


def enable_disk_cache(folder: Path, functions: Iterable[Callable[..., object]]) -> Path:
    """Cache the machine code of functions in a folder, so that the next process need not compile.

    If the environment names a folder in NUMBA_CACHE_DIR, that folder is used instead. Return the
    folder.
    """
    chosen = Path(os.environ.get("NUMBA_CACHE_DIR", folder))
    chosen.mkdir(parents=True, exist_ok=True)
    for function in functions:
        cast(CompiledFunction, function).cache_in(chosen)
    return chosen


def hash_sources(*modules: ModuleType) -> str:
    """Return a hash of the modules' source: if it changes, cached machine code is out of date.

    >>> import json
    >>> len(hash_sources(json))
    16
    """
    sources = (Path(str(module.__file__)).read_bytes() for module in modules)
    return sha256(b"".join(sources)).hexdigest()[:16]


def _names_in(code: CodeType) -> Iterator[str]:
    """Yield the global names in a function, also in its comprehensions."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
