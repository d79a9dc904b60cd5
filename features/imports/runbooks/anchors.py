"""The anchors of headings, as GitHub, GitLab, Hugo and MkDocs derive them."""

import re
import unicodedata
from collections import Counter

# An anchor in a text between two characters that no page contains.
ANCHOR_START, ANCHOR_END = "\ue000", "\ue001"
_MARK = re.compile(f"{ANCHOR_START}([^{ANCHOR_START}{ANCHOR_END}]*){ANCHOR_END}")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")


def take_anchors(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without its marked anchors, and the anchors."""
    anchors = tuple(dict.fromkeys(anchor for anchor in _MARK.findall(text) if anchor))
    return _MARK.sub("", text).strip(), anchors


def github_slug(heading: str) -> str:
    """Return the anchor that GitHub, and by default Hugo, derive from a heading.

    >>> github_slug("Disk full (node_exporter)!")
    'disk-full-node_exporter'
    """
    return _NOT_IN_SLUG.sub("", heading.strip().lower()).replace(" ", "-")


def mkdocs_slug(heading: str) -> str:
    """Return the anchor that MkDocs derives from a heading: ASCII, with single hyphens.

    >>> mkdocs_slug("Überlauf & Stau")
    'uberlauf-stau'
    """
    ascii_text = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_text).strip().lower())


class HeadingAnchors:
    """Derives the anchors of a page's headings in order; a repeated anchor gets a number.

    >>> anchors = HeadingAnchors()
    >>> anchors.of("Fix"), anchors.of("Fix")
    (('fix',), ('fix-1', 'fix_1'))
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def of(self, heading: str) -> tuple[str, ...]:
        """Return the anchors of the next heading, GitHub's first."""
        slugs = (
            self._numbered(github_slug(heading), "-"),
            self._numbered(mkdocs_slug(heading), "_"),
        )
        return tuple(dict.fromkeys(slug for slug in slugs if slug))

    def _numbered(self, slug: str, joint: str) -> str:
        count = self._counts[joint, slug]
        self._counts[joint, slug] += 1
        return f"{slug}{joint}{count}" if slug and count else slug
