"""A folder or Git checkout of Markdown runbooks; what cannot be read is named and passed over."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from features.domain.runbook import Runbook
from features.errors import UnreadableFile
from features.imports.runbooks.git_links import find_checkout
from features.imports.runbooks.markdown import BadRunbook, parse_runbook
from features.text.masking import Masking, configured_masking, mask_text

# A hundred pages are no runbook, and of brackets alone more would take the parser many seconds.
_LARGEST_BYTES = 256_000
_LONGEST_ID = 255
_ABOUT_THE_FOLDER = frozenset(
    ("readme", "license", "contributing", "changelog", "code_of_conduct", "security")
)


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is no readable runbook, by its path below the folder, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunbookFolder:
    """The runbooks of a folder, by id, and the files that were passed over."""

    runbooks: tuple[Runbook, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()

    @property
    def unread_ids(self) -> tuple[str, ...]:
        """The ids that passed over files would have, and with a slash those of whole folders."""
        return tuple(
            path[: -len(".md")] if path.lower().endswith(".md") else f"{path}/"
            for path in (one.path for one in self.skipped)
        )


def read_runbooks(folder: Path, *, masking: Masking | None = None) -> RunbookFolder:
    """Read every `.md` file below a folder; hidden folders and links out of it are left alone.

    `masking` is by default what the settings ask for. Raises `UnreadableFile` when the folder is
    missing, no folder, or may not be read.
    """
    root = _readable(folder)
    masking = masking or configured_masking()
    checkout = find_checkout(root)
    runbooks: list[Runbook] = []
    skipped: list[SkippedFile] = []
    for path, reason in _walk(root):
        below = path.relative_to(root).as_posix()
        try:
            if reason:
                raise BadRunbook(reason)
            runbook = parse_runbook(mask_text(_read(path, root), masking), _id_of(below))
        except BadRunbook as failure:
            skipped.append(SkippedFile(_printable(below), str(failure)))
            continue
        if runbook.url is None and checkout is not None:
            runbook = replace(runbook, url=checkout.link_to(path))
        runbooks.append(runbook)
    return RunbookFolder(tuple(sorted(runbooks, key=lambda one: one.id)), tuple(skipped))


def _readable(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
        if root.is_dir():
            os.scandir(root).close()
            return root
    except (OSError, RuntimeError, ValueError) as failure:
        raise UnreadableFile(
            f"{folder}: cannot be read as a folder of runbooks ({_why(failure)})"
        ) from failure
    raise UnreadableFile(f"{folder} is not a folder; give the folder that holds the runbooks")


def _walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield Markdown files in order; with a reason, what must be passed over."""
    closed: list[OSError] = []
    for place, folders, files in os.walk(root, onerror=closed.append):
        here = Path(place)
        linked = {name for name in folders if (here / name).is_symlink()}
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in linked)
        yield from ((here / name, "is a link to a folder") for name in sorted(linked))
        for name in sorted(files):
            if name.lower().endswith(".md") and name[0] != ".":
                about = here == root and Path(name).stem.lower() in _ABOUT_THE_FOLDER
                yield here / name, "tells about the folder" if about else ""
    yield from ((Path(failure.filename), _why(failure)) for failure in closed)


def _id_of(below: str) -> str:
    known = below[: -len(".md")]
    if _printable(known) != known:
        raise BadRunbook("has a name that is not UTF-8")
    if len(known) > _LONGEST_ID:
        raise BadRunbook(f"has a path of more than {_LONGEST_ID} characters")
    return known


def _read(path: Path, root: Path) -> str:
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(root):
            raise BadRunbook("is a link out of the folder")
        if not real.is_file():
            raise BadRunbook("is not a regular file")
        with real.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except (OSError, RuntimeError) as failure:
        raise BadRunbook(f"cannot be read ({_why(failure)})") from failure
    return _decode(content)


def _decode(content: bytes) -> str:
    if len(content) > _LARGEST_BYTES:
        raise BadRunbook(f"is larger than {_LARGEST_BYTES / 1e3:.0f} kB")
    if b"\0" in content:
        raise BadRunbook("is binary, not text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise BadRunbook("is not UTF-8 text") from failure
    if not text.strip():
        raise BadRunbook("is empty")
    return text


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _why(failure: Exception) -> str:
    return (getattr(failure, "strerror", None) or str(failure)).lower()
