"""Secrets and personal data in tickets, alerts and log lines, and what only looks like them.

A line of a table is a kind and a text, separated by a tab. In `masked_secrets.tsv` the part between
⟦ and ⟧ must be gone. A ¦ is removed, so that scanners of the repository find no token, and a ⏎ is a
line break.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.text.masking import Masking, Secret, mask_text

FOLDER = Path(__file__).parent
ALL = Masking()
PLACEHOLDER = re.compile("<(?:{})>".format("|".join(Secret)))
SHORTEST_PART = 4


def read_table(name: str) -> Iterator[tuple[str, str]]:
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        kind, text = line.split("\t")
        yield kind, text.replace("¦", "").replace("⏎", "\n")


def split_secret(text: str) -> tuple[str, str]:
    before, rest = text.split("⟦")
    secret, after = rest.split("⟧")
    return before + secret + after, secret


def is_left(secret: str, masked: str) -> bool:
    """Return whether half of a secret is still readable."""
    words = PLACEHOLDER.sub(" ", masked)
    length = min(len(secret), max(SHORTEST_PART, (len(secret) + 1) // 2))
    starts = range(len(secret) - length + 1)
    return any(secret[start : start + length] in words for start in starts)


SECRETS = [split_secret(text) for _, text in read_table("masked_secrets.tsv")]
LOOK_ALIKES = [text for _, text in read_table("masking_look_alikes.tsv")]


def test_the_tables_are_as_long_as_stated() -> None:
    assert len(SECRETS) >= 150
    assert len(LOOK_ALIKES) >= 150


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_masked(text: str, secret: str) -> None:
    masked = mask_text(text, ALL)
    assert not is_left(secret, masked)
    assert mask_text(masked, ALL) == masked


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert mask_text(text, ALL) == text
