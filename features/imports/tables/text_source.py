"""The text of a file, decoded in blocks and read from its beginning as often as needed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import StringIO
from typing import Self, TextIO

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class TextSource:
    r"""The text of a file, the name of its encoding, and warnings.

    Each call of `opened` opens the text at its beginning, with the ends of lines as they are. Byte
    order marks are left out, also where files that were appended to one another keep their own.

    >>> list(TextSource.of("number\r\nINC1").lines())
    ['number\r\n', 'INC1']
    """

    opened: Callable[[], AbstractContextManager[TextIO]]
    encoding: str = ""
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a text that is held as a whole."""
        return cls(lambda: StringIO(text, newline=""))

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends; no more than a block of the file is held."""
        with self.opened() as stream:
            for line in stream:
                yield line.replace(_BYTE_ORDER_MARK, "")

    def start(self, length: int) -> str:
        """Return about the first `length` characters."""
        with self.opened() as stream:
            return stream.read(length).replace(_BYTE_ORDER_MARK, "")

    def whole(self) -> str:
        """Return the whole text."""
        with self.opened() as stream:
            return stream.read().replace(_BYTE_ORDER_MARK, "")
