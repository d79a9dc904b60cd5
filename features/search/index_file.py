"""Arrays in one file, which is read into memory and checked before any of them is used."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from features.errors import UnreadableFile

Arrays = Mapping[str, NDArray[np.generic]]


def write_arrays(file: Path, arrays: Arrays) -> None:
    """Write arrays to a file, in place of the former one at once; raises `OSError`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part_file = file.with_name(f"{uuid4().hex}.part")
    try:
        with part_file.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **arrays)
        part_file.rename(file)
    finally:
        part_file.unlink(missing_ok=True)


def read_arrays(file: Path) -> dict[str, NDArray[np.generic]]:
    """Read all arrays of a file into memory; raises `UnreadableFile`.

    The format stores a CRC-32 of each array, and reading compares it. Nothing is mapped into
    memory, so a file that is changed later changes no answer.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UnreadableFile(f"{file} cannot be read ({error}); it can be deleted") from error


def named(prefix: str, arrays: Arrays) -> dict[str, NDArray[np.generic]]:
    """Return arrays under longer names.

    >>> list(named("titles", {"scales": np.zeros(1)}))
    ['titles.scales']
    """
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def part_of(arrays: Arrays, prefix: str) -> dict[str, NDArray[np.generic]]:
    """Return the arrays that `named` gave this prefix, under their own names."""
    start = f"{prefix}."
    return {
        name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)
    }


def text_array(texts: list[str]) -> NDArray[np.generic]:
    """Return texts as an array of bytes, from which `texts_of` reads them."""
    return np.frombuffer("\n".join(texts).encode("utf-8", "surrogatepass"), dtype=np.uint8)


def texts_of(array: NDArray[np.generic]) -> list[str]:
    """Return the texts of a `text_array`; none may contain a line break."""
    content = array.tobytes().decode("utf-8", "surrogatepass")
    return content.split("\n") if content else []
