"""Caches of texts: a function is called once per text, and all caches can be cleared."""

import gc
from collections.abc import Iterator

import pytest

from features.text.cleaning import clean_text
from features.text.masking import Masking
from features.text.memo import cached, clear_cached
from features.text.parsing import parse_fact, parse_label
from features.text.tokens import terms_of
from features.text.variable_masking import mask_variables

_MARKER = "Zebrafink7"


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    clear_cached()
    # The caches were frozen with all that was imported, and would not be listed.
    gc.unfreeze()
    yield
    gc.freeze()


def holds_marker() -> bool:
    """Return whether a key or result in a cache contains the marker."""
    caches = (item for item in gc.get_objects() if type(item).__name__ == "_lru_cache_wrapper")
    parts = (part for cache in caches for part in gc.get_referents(cache))
    texts = (text for part in parts if isinstance(part, dict) for text in map(str, part.items()))
    return any(_MARKER.lower() in text.lower() for text in texts)


def test_a_function_is_asked_again_only_when_all_is_forgotten() -> None:
    texts: list[str] = []

    @cached(2)
    def shout(text: str) -> str:
        texts.append(text)
        return text.upper()

    assert [shout("vpn"), shout("vpn")] == ["VPN", "VPN"]
    assert texts == ["vpn"]
    clear_cached()
    shout("vpn")
    assert texts == ["vpn", "vpn"]


def test_no_text_outlives_forgetting() -> None:
    text = f"{_MARKER} fails"
    clean_text(text)
    parse_fact(text, Masking())
    parse_label(text, Masking())
    terms_of(text)
    mask_variables(text)
    assert holds_marker()
    clear_cached()
    assert not holds_marker()
