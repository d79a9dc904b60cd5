"""Where the files of a Git checkout can be read in a browser, as far as its remote tells."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

_LARGEST_SETTING = 100_000
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
    """A Git checkout whose files have a page each, below `page`."""

    root: Path
    page: str

    @classmethod
    def open(cls, root: Path) -> Self | None:
        """Read the remote and branch; None where the host's pages are not known."""
        origin = _ORIGIN.search(_setting(root / ".git" / "config"))
        remote = _REMOTE.match(origin[1].removesuffix(".git")) if origin else None
        branch = _BRANCH.match(_setting(root / ".git" / "HEAD").strip())
        if remote is None:
            return None
        if re.match(r"github\.", remote["host"]):
            blob = "blob"
        elif re.match(r"gitlab\.", remote["host"]):
            blob = "-/blob"
        else:
            return None
        shown = quote(branch[1]) if branch else "HEAD"
        return cls(root, f"https://{remote['host']}/{remote['project']}/{blob}/{shown}")

    def link_to(self, path: Path) -> str:
        """Return the page of a file inside the checkout."""
        return f"{self.page}/{quote(path.relative_to(self.root).as_posix())}"


def find_checkout(folder: Path) -> GitCheckout | None:
    """Return the checkout that a folder is or lies in, None where its pages are not known."""
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            return GitCheckout.open(place)
    return None


def _setting(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST_SETTING)
    except OSError:
        return ""
