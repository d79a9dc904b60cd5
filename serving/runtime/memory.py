"""Keeps the memory of the process small: what is freed goes back to the system."""

import ctypes

# The numbers of mallopt(3), and what glibc starts with before it adapts to what is freed.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_THRESHOLD_BYTES = 128 * 1024
_ARENAS = 2


def return_freed_memory() -> None:
    """Let all threads share two arenas of the C library, and let it keep little freed memory.

    Otherwise each of thirty threads may get an arena with freed memory of its own, and glibc keeps
    freed blocks of up to 32 MB. Other C libraries than glibc are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_ARENA_MAX, _ARENAS)
    mallopt(_TRIM_THRESHOLD, _THRESHOLD_BYTES)
    mallopt(_MMAP_THRESHOLD, _THRESHOLD_BYTES)
