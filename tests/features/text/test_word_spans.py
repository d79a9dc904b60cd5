import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.text.word_spans import first_words, words_of


@given(text=st.text())
def test_each_span_names_the_characters_of_its_word(text: str) -> None:
    assert all(text[word.start : word.end] == word.text for word in words_of(text))


@pytest.mark.parametrize(
    ("text", "term", "word"),
    [
        ("p99 of 850ms: Latencies grew", "latenc", "Latencies"),
        ("KubePodCrashLooping on catalog", "crash", "KubePodCrashLooping"),
        ("disk 96% full on mail-03.", "mail", "mail-03"),
    ],
)
def test_a_term_leads_to_the_whole_word_as_written(text: str, term: str, word: str) -> None:
    spans = first_words(text, {term, "absent"})
    assert {key: span.text for key, span in spans.items()} == {term: word}
