"""Recognises the language of a text by its stop words: the most frequent words of a language."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import tantivy

_LANGUAGES = """
Danish Dutch English Finnish French German Hungarian Italian Norwegian Portuguese Russian Spanish
Swedish
"""
# Without these words English texts would count as Danish: tantivy's English list is a fifth as
# long as its other lists.
_EXTRA_ENGLISH_WORDS = """
about after all am any because been before can cannot could did do does from get had has have
he hello help her his how i its just me more my need no now our out please she should so some
thanks than them up us we were what when which who why would you your
"""
_WORD = re.compile(r"[^\W\d_]{2,}")
_MIN_STOP_WORDS = 3
_MIN_LEAD = 1.5
UNKNOWN = "unknown"


def languages_of(texts: Sequence[str]) -> list[str]:
    """Return the language of each text, or `unknown`.

    Of 13 languages, the language of a text is the one whose stop words, listed by tantivy, occur
    most often in it (Grefenstette 1995). The language is unknown if its stop words occur fewer than
    three times, or if those of another language occur more than two thirds as often.

    >>> languages_of(["the printer is out of paper", "der Drucker ist nicht da", "disk sda1 97%"])
    ['English', 'German', 'unknown']
    """
    words_by_text = [[word.lower() for word in _WORD.findall(text)] for text in texts]
    languages_by_word = _languages_by_word(
        sorted({word for text_words in words_by_text for word in text_words})
    )
    return [_most_likely_language(text_words, languages_by_word) for text_words in words_by_text]


def _languages_by_word(words: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return each stop word among the words, with the languages in which it is a stop word."""
    extra_english = set(_EXTRA_ENGLISH_WORDS.split())
    languages_by_word = {word: ("English",) for word in words if word in extra_english}
    text = " ".join(words)
    for language in _LANGUAGES.split():
        other_words = set(_stop_word_filter(language).analyze(text))
        for word in words:
            if word not in other_words and language not in languages_by_word.get(word, ()):
                languages_by_word[word] = (*languages_by_word.get(word, ()), language)
    return languages_by_word


def _stop_word_filter(language: str) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stopword(language.lower())).build()


def _most_likely_language(
    words: Sequence[str], languages_by_word: Mapping[str, tuple[str, ...]]
) -> str:
    counts = Counter(language for word in words for language in languages_by_word.get(word, ()))
    (language, count), (_, next_count) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return language if count >= max(_MIN_STOP_WORDS, _MIN_LEAD * next_count) else UNKNOWN
