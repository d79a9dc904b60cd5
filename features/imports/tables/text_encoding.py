"""Finds the encoding of a file: UTF-8, UTF-16, or the older encoding that is detected."""

from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from charset_normalizer import from_bytes

from features.errors import UnreadableFile
from features.formatting import counted
from features.imports.tables.text_source import TextSource

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_OTHER_FILES = (
    (b"\x1f\x8b", "is a gzip file; let its name end in .gz"),
    (
        b"PK\x03\x04",
        "is binary; if it is an Excel workbook, let its name end in .xlsx",
    ),
    (b"\xd0\xcf\x11\xe0", "is binary, an old Excel workbook; save it as .xlsx"),
    (b"PAR1", "is a parquet file; let its name end in .parquet"),
)
_HTML = ("<!doctype html", "<html")
# With fewer candidates, a few words are enough to tell one encoding from another.
_LEGACY = (
    *("cp1252", "cp1250", "mac_roman", "cp1251", "cp850", "cp1253", "cp1254", "koi8_r"),
    *("iso8859_2", "cp932", "gb18030", "big5", "cp949", "euc_jp"),
)
# Encodings that differ in few characters, likeliest first, with the letters of their languages.
_CENTRAL_EUROPEAN = "ąćęłńóśźżáčďéěíňřšťúůýžäöüßőűôĺľŕăâîşţđ"
_ALIKE = {
    "cp1252": "äöüßàâæçèéêëîïôœùûñáíóúãõåøìò",
    "cp1254": "äöüßçğışâîû",
    "cp1250": _CENTRAL_EUROPEAN,
    "iso8859_2": _CENTRAL_EUROPEAN,
}
_PUNCTUATION = "\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2026\u2022\u20ac\xa0«»°§¿¡"
_NAMES = {"cp1250": "windows-1250", "cp1251": "windows-1251", "cp1252": "windows-1252"}
_NAMES |= {"cp1253": "windows-1253", "cp1254": "windows-1254", "iso8859_2": "iso-8859-2"}
_DETECTION_BYTES = 32_768
_PROBE_BYTES = 4_096
_BLOCK_BYTES = 1_048_576
_CHECKED_CHARACTERS = 1_048_576


def open_text(opened: Callable[[], BinaryIO], path: Path) -> TextSource:
    """Open the text of a file, with a warning if it is neither UTF-8 nor UTF-16.

    `opened` opens the file at its beginning. A first pass, in blocks, finds the encoding. A few
    broken bytes in UTF-8 become U+FFFD, with a warning. Raises `UnreadableFile` if the file is
    empty or binary.
    """
    with opened() as stream:
        beginning = stream.read(_PROBE_BYTES)
    for start, problem in _OTHER_FILES:
        if beginning.startswith(start):
            raise UnreadableFile(f"{path}: the file {problem}")
    encoding = _marked(beginning) or _utf_16_without_mark(beginning) or "utf-8"
    if _is_encoded(opened, encoding):
        source = _source(opened, encoding)
    else:
        with opened() as stream:
            source = _broken_source(stream.read(), encoding, opened)
    if not any(line.strip() for line in source.lines()):
        raise UnreadableFile(f"{path}: the file is empty")
    _check_beginning(source.start(_CHECKED_CHARACTERS), path)
    return source


def _check_beginning(beginning: str, path: Path) -> None:
    if beginning.lstrip()[:15].lower().startswith(_HTML):
        raise UnreadableFile(
            f"{path}: the file is an HTML page, perhaps a login page; export again"
        )
    if "\x00" in beginning.split("\n", 1)[0]:
        raise UnreadableFile(f"{path}: the file is binary; export it again as csv or jsonl")


def _source(
    opened: Callable[[], BinaryIO], encoding: str, name: str = "", warnings: tuple[str, ...] = ()
) -> TextSource:
    def opened_text() -> TextIOWrapper:
        return TextIOWrapper(opened(), encoding, errors="replace", newline="")

    return TextSource(opened_text, name or encoding.removesuffix("-sig"), warnings)


def _is_encoded(opened: Callable[[], BinaryIO], encoding: str) -> bool:
    """Return whether the whole file is in an encoding."""
    decoder = getincrementaldecoder(encoding)()
    try:
        with opened() as stream:
            while block := stream.read(_BLOCK_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _broken_source(content: bytes, encoding: str, opened: Callable[[], BinaryIO]) -> TextSource:
    """Return the text of a file that is not in the encoding that it seems to be in."""
    name = encoding.removesuffix("-sig")
    broken = content.decode(encoding, "replace").count("\ufffd")
    if encoding == "utf-8" and 2 * broken >= _bytes_beyond_ascii(content):
        return _legacy_source(content, opened)
    line, verb = _first_broken_line(content, encoding), "is" if broken == 1 else "are"
    count = counted(broken, "broken character")
    warning = f"{count} in {name} {verb} read as '\ufffd', first in line {line}"
    return _source(opened, encoding, name, (warning,))


def _first_broken_line(content: bytes, encoding: str) -> int:
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return 1


def _marked(content: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)


def _utf_16_without_mark(content: bytes) -> str | None:
    probe = content[:_PROBE_BYTES]
    half = len(probe) // 2
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if half and probe[offset::2].count(0) > 0.7 * half > probe[1 - offset :: 2].count(0):
            return encoding
    return None


def _bytes_beyond_ascii(content: bytes) -> int:
    return len(content) - len(content.decode("ascii", "ignore"))


def _legacy_source(content: bytes, opened: Callable[[], BinaryIO]) -> TextSource:
    encoding = _legacy_encoding(content)
    name = _NAMES.get(encoding, encoding)
    warning = f"the file is not UTF-8; read as {name}, which was detected from its characters"
    return _source(opened, encoding, name, (warning,))


def _legacy_encoding(content: bytes) -> str:
    lines, size = [], 0
    for line in content.splitlines():
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > _DETECTION_BYTES:
                break
    sample = b"\n".join(lines)[: 2 * _DETECTION_BYTES]
    best = from_bytes(sample, cp_isolation=list(_LEGACY)).best()
    if best is not None and best.encoding not in _ALIKE:
        return best.encoding
    alike = max(_ALIKE, key=lambda encoding: _share_of_letters(sample, encoding))
    # The two differ in few places: where one has the euro, the other has a sign that nobody writes.
    is_with_euro = alike == "cp1252" and "¤" in sample.decode(alike, "replace")
    return "iso8859_15" if is_with_euro else alike


def _share_of_letters(sample: bytes, encoding: str) -> float:
    """Return the share of the characters beyond ASCII that the encoding's languages write."""
    letters = Counter(char for char in sample.decode(encoding, "replace").lower() if char > "\x7f")
    expected = sum(letters[char] for char in _ALIKE[encoding] + _PUNCTUATION)
    return expected / max(letters.total(), 1)
