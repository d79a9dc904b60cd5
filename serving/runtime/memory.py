"""Keeps the memory of the process small: what is freed goes back to the system."""

import ctypes

# The numbers of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Tensors of a batch are smaller. With the 128 kB that glibc starts with, each of them would be
# taken from the system and given back: a fifth of the processor time of a batch.
_KEPT_BYTES = 8 * 1024 * 1024
_ARENAS = 2
_C = ctypes.CDLL(None)


def share_arenas() -> None:
    """Let all threads allocate from two arenas of the C library.

    Otherwise each of thirty threads may get an arena, with freed memory of its own.
    """
    _mallopt(_ARENA_MAX, _ARENAS)


def return_freed_memory() -> None:
    """Give freed memory back to the system; from now on, blocks of up to 8 MB wait for this.

    glibc would adapt to what is freed, and keep blocks of up to 32 MB. While models are loaded,
    that saves a fifth of the processor time, so this is called afterwards.
    """
    _mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    _mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
    if hasattr(_C, "malloc_trim"):
        _C.malloc_trim(0)


def _mallopt(number: int, value: int) -> None:
    if hasattr(_C, "mallopt"):  # which only glibc has
        _C.mallopt(number, value)
