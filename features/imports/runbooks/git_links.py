"""Links to the files of a Git checkout on GitHub or GitLab, derived from its remote."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

_MAX_CHARACTERS = 100_000
_ORIGIN = re.compile(
    r"^\[remote \"origin\"\]\n(?:[ \t]+.*\n)*?[ \t]+url[ \t]*=[ \t]*(\S+)", re.MULTILINE
)
_REMOTE = re.compile(
    r"^(?:https?://|ssh://|git://)?(?:[^@/\s]+@)?(?P<host>[\w.-]+)(?::\d+)?[:/]"
    r"(?P<project>[\w.-]+(?:/[\w.-]+)+)/?$"
)
_BRANCH = re.compile(r"^ref: refs/heads/(\S+)$")


@dataclass(frozen=True, slots=True)
class GitCheckout:
    """A Git checkout whose files have web pages below the address `page`."""

    root: Path
    page: str

    @classmethod
    def open(cls, root: Path) -> Self | None:
        """Return the checkout at `root`, None unless its `origin` is on GitHub or GitLab."""
        origin = _ORIGIN.search(_read_start(root / ".git" / "config"))
        remote = _REMOTE.match(origin[1].removesuffix(".git")) if origin else None
        branch = _BRANCH.match(_read_start(root / ".git" / "HEAD").strip())
        if remote is None:
            return None
        if re.match(r"github\.", remote["host"]):
            blob = "blob"
        elif re.match(r"gitlab\.", remote["host"]):
            blob = "-/blob"
        else:
            return None
        revision = quote(branch[1]) if branch else "HEAD"
        return cls(root, f"https://{remote['host']}/{remote['project']}/{blob}/{revision}")

    def link_to(self, path: Path) -> str:
        """Return the web address of a file inside the checkout."""
        return f"{self.page}/{quote(path.relative_to(self.root).as_posix())}"


def find_checkout(folder: Path) -> GitCheckout | None:
    """Return the checkout that holds a folder, None without a checkout or known web pages."""
    for root in (folder, *folder.parents):
        if (root / ".git").exists():
            return GitCheckout.open(root)
    return None


def _read_start(path: Path) -> str:
    """Return the start of a text file, empty if it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_CHARACTERS)
    except OSError:
        return ""
