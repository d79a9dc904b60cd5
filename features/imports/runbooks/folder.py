"""Reads a folder or Git checkout of Markdown runbooks; unreadable files are skipped and listed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from features.domain.runbook import Runbook
from features.errors import UnreadableFile
from features.imports.runbooks.front_matter import BadRunbook
from features.imports.runbooks.git_links import find_checkout
from features.imports.runbooks.markdown import parse_runbook
from features.text.masking import Masking, configured_masking, mask_text

# Larger files are no pages that a person wrote.
_LARGEST_BYTES = 16_000_000
_LONGEST_ID = 255
_ENDINGS = (".md", ".markdown", ".mdx")
_FOLDER_DOCUMENTS = frozenset(
    ("readme", "license", "contributing", "changelog", "code_of_conduct", "security")
)


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file or folder that was not read: its path below the runbook folder, and the reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunbookFolder:
    """The runbooks of a folder, ordered by id, and the skipped files."""

    runbooks: tuple[Runbook, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()

    @property
    def unread_ids(self) -> tuple[str, ...]:
        """The ids that the skipped files would have; a skipped folder's path ends in a slash."""
        return tuple(
            _without_ending(path) if path.lower().endswith(_ENDINGS) else f"{path}/"
            for path in (file.path for file in self.skipped)
        )


def read_runbooks(folder: Path, *, masking: Masking | None = None) -> RunbookFolder:
    """Read every `.md`, `.markdown` and `.mdx` file below a folder, except hidden ones.

    Linked folders, links out of the folder, files that are not readable runbooks, and documents
    about the folder (such as README.md) are listed as skipped. `masking` is read from the settings
    by default. Raises `UnreadableFile` if `folder` is missing, is not a folder or cannot be read.
    """
    root = _open_folder(folder)
    masking = masking or configured_masking()
    checkout = find_checkout(root)
    runbooks: list[Runbook] = []
    skipped: list[SkippedFile] = []
    for path, skip_reason in _markdown_files(root):
        relative_path = path.relative_to(root).as_posix()
        try:
            if skip_reason:
                raise BadRunbook(skip_reason)
            text = mask_text(_read_text(path, root), masking)
            runbook = parse_runbook(text, _runbook_id(relative_path))
        except BadRunbook as error:
            skipped.append(SkippedFile(_printable(relative_path), str(error)))
            continue
        if runbook.url is None and checkout is not None:
            runbook = replace(runbook, url=checkout.link_to(path))
        runbooks.append(runbook)
    runbooks.sort(key=lambda runbook: runbook.id)
    return RunbookFolder(tuple(runbooks), tuple(skipped))


def _open_folder(folder: Path) -> Path:
    """Return the folder's real path; raises `UnreadableFile` if it cannot be listed."""
    try:
        root = folder.resolve(strict=True)
        if root.is_dir():
            os.scandir(root).close()
            return root
    except (OSError, RuntimeError, ValueError) as error:
        raise UnreadableFile(
            f"{folder}: cannot be read as a folder of runbooks ({_reason(error)})"
        ) from error
    raise UnreadableFile(f"{folder} is not a folder; give the folder that holds the runbooks")


def _markdown_files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield each Markdown file with the reason to skip it; the reason is empty for a file to read.

    Linked and unreadable folders are also yielded, each with the reason to skip it.
    """
    errors: list[OSError] = []
    for path, folders, files in os.walk(root, onerror=errors.append):
        folder = Path(path)
        links = {name for name in folders if (folder / name).is_symlink()}
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in links)
        yield from ((folder / name, "is a link to a folder") for name in sorted(links))
        for name in sorted(files):
            if name.lower().endswith(_ENDINGS) and name[0] != ".":
                is_document = folder == root and Path(name).stem.lower() in _FOLDER_DOCUMENTS
                yield folder / name, "describes the folder" if is_document else ""
    yield from ((Path(error.filename), _reason(error)) for error in errors)


def _runbook_id(relative_path: str) -> str:
    runbook_id = _without_ending(relative_path)
    if _printable(runbook_id) != runbook_id:
        raise BadRunbook("has a name that is not UTF-8")
    if len(runbook_id) > _LONGEST_ID:
        raise BadRunbook(f"has a path of more than {_LONGEST_ID} characters")
    return runbook_id


def _without_ending(path: str) -> str:
    return path[: path.rindex(".")]


def _read_text(path: Path, root: Path) -> str:
    try:
        real_path = path.resolve(strict=True)
        if not real_path.is_relative_to(root):
            raise BadRunbook("is a link out of the folder")
        if not real_path.is_file():
            raise BadRunbook("is not a regular file")
        with real_path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except (OSError, RuntimeError) as error:
        raise BadRunbook(f"cannot be read ({_reason(error)})") from error
    return _decode(content)


def _decode(content: bytes) -> str:
    if len(content) > _LARGEST_BYTES:
        raise BadRunbook(f"is larger than {_LARGEST_BYTES / 1e6:.0f} MB")
    if b"\0" in content:
        raise BadRunbook("is binary, not text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRunbook("is not UTF-8 text") from error
    if not text.strip():
        raise BadRunbook("is empty")
    return text


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
