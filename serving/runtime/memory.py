"""Keeps the memory of the process small: what is freed goes back to the system."""

import ctypes

# The numbers of mallopt(3), and what glibc starts with before it adapts to what is freed.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_THRESHOLD_BYTES = 128 * 1024
_ARENAS = 2
_C = ctypes.CDLL(None)


def share_arenas() -> None:
    """Let all threads allocate from two arenas of the C library.

    Otherwise each of thirty threads may get an arena, with freed memory of its own.
    """
    _mallopt(_ARENA_MAX, _ARENAS)


def return_freed_memory() -> None:
    """Give freed memory back to the system, and keep little of what is freed from now on.

    glibc would keep freed blocks of up to 32 MB. While models are loaded, that saves a fifth of the
    processor time, so this is called afterwards.
    """
    _mallopt(_TRIM_THRESHOLD, _THRESHOLD_BYTES)
    _mallopt(_MMAP_THRESHOLD, _THRESHOLD_BYTES)
    if hasattr(_C, "malloc_trim"):
        _C.malloc_trim(0)


def _mallopt(number: int, value: int) -> None:
    if hasattr(_C, "mallopt"):  # which only glibc has
        _C.mallopt(number, value)
