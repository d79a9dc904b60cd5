"""How many threads multiply matrices."""

import os


def multiply_on_one_thread() -> None:
    """Let the library that multiplies matrices for NumPy use one thread, unless the user chose.

    Its other threads wait for work in a loop, which takes a whole processor while reports are
    answered, and the many small products become no faster. The library reads the setting when
    NumPy is imported, so this must be called before; processes that are started later inherit it.

    >>> multiply_on_one_thread()
    >>> any(name in os.environ for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"))
    True
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
