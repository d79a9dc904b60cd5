"""Splits texts into terms for lexical matching."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from Stemmer import Stemmer

from features.text.cleaning import (
    drop_quoted_mail,
    drop_signature,
    drop_stack_frames,
    name_template_variables,
)
from features.text.error_signatures import error_codes
from features.text.markup import drop_markup
from features.text.memo import cached
from features.text.variable_masking import mask_variables

TERM_BUCKETS = 2**20

# Names such as `KubePodCrashLooping` stay whole here: `terms_of` adds their parts.
TERM_STEPS: tuple[Callable[[str], str], ...] = (
    drop_markup,
    name_template_variables,
    drop_stack_frames,
    drop_quoted_mail,
    drop_signature,
    mask_variables,
)
_WORD = re.compile(r"<\w{1,20}>|\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\WA-Z_]+")
# Scripts without spaces, such as Chinese, Japanese and Thai, are matched by pairs of characters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
# What has only small Latin letters holds no error code, and is no compound.
_PLAIN_WORD = re.compile(r"[a-z]{2,30}")
_NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")
_LONGEST_TERM = 64
_LONGEST_WORD = 400
_ENGLISH = """
about above after again all also am an and any are as at be because been before being below between
both but by can cannot could couldn did didn do does doesn doing don during each few for from
further had has hasn have haven having he hello her here hers hi him his how if in into is isn it
its itself just ll me more most my no nor not nt of on once only or other our ours out over own
please pm re same she should so some such than thank thanks that the their theirs them then there
these they this those through to too under until up ve very was wasn we were what when where which
while who whom why will with won would wouldn you your yours dear regards
"""
_GERMAN = """
aber auch auf aus bei bitte das dem den der des ein eine einem einen einer es fur hallo ich im ist
kann keine mein mit nach nicht noch sich sie sind und uns vom von wenn wie wir wird zu zum zur
"""
_LONGEST_CACHED = 10_000
_MASKED = "identifier"
_STOP_WORDS = frozenset(f"{_ENGLISH} {_GERMAN} {_MASKED}".split())


def terms_of(text: str) -> list[str]:
    """Return the terms of a raw text in order, with repeats, followed by its error codes.

    Terms are stemmed for English (Snowball), which leaves most words of other languages unchanged.

    >>> terms_of("KubePodCrashLooping on srv-db-012, exit code 137")
    ['kubepodcrashloop', 'kube', 'pod', 'crash', 'loop', 'srv', 'db', 'exit', 'code', 'exitcode137']
    """
    return list(_terms_of_text(text) if len(text) <= _LONGEST_CACHED else _read_terms(text))


def terms_of_vocabulary(words: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the terms of each word, as `terms_of` does, faster for many words.

    >>> terms_of_vocabulary(["printers", "KubePod", "the"])
    [('printer',), ('kubepod', 'kube', 'pod'), ()]
    """
    plain = [word for word in words if _PLAIN_WORD.fullmatch(word)]
    stems = dict(zip(plain, Stemmer("english", 0).stemWords(plain), strict=True))
    stems |= dict.fromkeys(_STOP_WORDS, "")
    return [
        tuple(terms_of(word)) if word not in stems else tuple(filter(None, (stems[word],)))
        for word in words
    ]


def plain_name(name: str) -> str:
    """Return the letters and digits of a name in lower case, so that spellings become equal.

    >>> plain_name("Component/s"), plain_name("Kube Pod-CrashLooping")
    ('components', 'kubepodcrashlooping')
    """
    return _NO_LETTER_OR_DIGIT.sub("", name).lower()


def term_ids(terms: Sequence[str]) -> NDArray[np.uint32]:
    """Return the bucket of each term, below `TERM_BUCKETS`, in order.

    >>> term_ids(["vpn", "tunnel"])[0] == term_ids(["vpn"])[0]
    np.True_
    """
    buckets = (crc32(term.encode()) % TERM_BUCKETS for term in terms)
    return np.fromiter(buckets, dtype=np.uint32, count=len(terms))


# Several models read the same text, and answers often name the same past incidents.
@cached(2048)
def _terms_of_text(text: str) -> tuple[str, ...]:
    return tuple(_read_terms(text))


def _read_terms(text: str) -> list[str]:
    codes = [plain_name(code) for code in sorted(error_codes(text))]
    for step in TERM_STEPS:
        text = step(text)
    terms = [term for word in _WORD.findall(text) for term in _terms_of_word(word)]
    return terms + [code for code in codes if code not in terms]


@cached(2**15)
def _terms_of_word(word: str) -> tuple[str, ...]:
    """Return the terms of one word: the word itself and, if it is a compound, its parts."""
    if word.startswith("<"):
        return ()
    parts = [_fold(part[:_LONGEST_TERM]) for part in _PART.findall(word[:_LONGEST_WORD])]
    if len(parts) > 1:
        parts.insert(0, "".join(parts)[:_LONGEST_TERM])
    if _UNSPACED.search(word):
        parts = [pair for part in parts for pair in _character_pairs(part)]
    stemmer = Stemmer("english", 0)
    return tuple(stemmer.stemWord(part) for part in parts if _is_meaningful(part))


def _is_meaningful(part: str) -> bool:
    return part not in _STOP_WORDS and not (len(part) == 1 and part.isascii())


def _fold(word: str) -> str:
    """Return the word in lower case without accents, as most people type it."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def _character_pairs(part: str) -> list[str]:
    return [part[start : start + 2] for start in range(max(1, len(part) - 1))]
