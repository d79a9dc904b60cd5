"""Which language a text is written in, by the share of each language's most frequent words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import tantivy

_LISTED = """
Danish Dutch English Finnish French German Hungarian Italian Norwegian Portuguese Russian Spanish
Swedish
"""
# tantivy's English list is a fifth as long as the others, and texts would pass for Danish.
_MORE_ENGLISH = """
about after all am any because been before can cannot could did do does from get had has have
he hello help her his how i its just me more my need no now our out please she should so some
thanks than them up us we were what when which who why would you your
"""
_WORD = re.compile(r"[^\W\d_]{2,}")
_FEWEST_TELLING = 3
_LEAD = 1.5
UNKNOWN = "unknown"


def languages_of(texts: Sequence[str]) -> list[str]:
    """Return the language of each text, `unknown` where fewer than three words tell.

    A text is in the language that most of its words are stop words of (Grefenstette 1995), by the
    lists that tantivy carries for 13 languages. Where another comes near, or the text is in none
    of them, its language is unknown.

    >>> languages_of(["the printer is out of paper", "der Drucker ist nicht da", "disk sda1 97%"])
    ['English', 'German', 'unknown']
    """
    words = [[word.lower() for word in _WORD.findall(text)] for text in texts]
    spoken = _languages_by_word(sorted({word for each in words for word in each}))
    return [_likeliest(each, spoken) for each in words]


def _languages_by_word(words: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return, of the words that are stop words anywhere, the languages that have them."""
    more_english = set(_MORE_ENGLISH.split())
    found = {word: ("English",) for word in words if word in more_english}
    text = " ".join(words)
    for language in _LISTED.split():
        kept = set(_without_stop_words(language).analyze(text))
        for word in words:
            if word not in kept and language not in found.get(word, ()):
                found[word] = (*found.get(word, ()), language)
    return found


def _without_stop_words(language: str) -> tantivy.TextAnalyzer:
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return words.filter(tantivy.Filter.stopword(language.lower())).build()


def _likeliest(words: Sequence[str], spoken: Mapping[str, tuple[str, ...]]) -> str:
    counts = Counter(language for word in words for language in spoken.get(word, ()))
    (best, most), (_, next_most) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return best if most >= max(_FEWEST_TELLING, _LEAD * next_most) else UNKNOWN
