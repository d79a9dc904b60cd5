"""Says in words why a report is novel, or why it cannot be judged."""

from collections.abc import Sequence

from features.domain.report import IncidentReport
from features.text.tokens import term_ids, terms_of
from features.text.word_spans import first_words, raw_text
from models.novelty.report_parts import TermIds

_MOST_WORDS = 3


def describe_unreadable(report: IncidentReport, known_terms: TermIds) -> str:
    """Return why the models cannot judge a report with fewer than two known content words."""
    if not (raw_text(report).strip() or report.attributes or report.service):
        return "the report is empty"
    words = written_words(report, known_terms)
    if not words:
        return "past incidents hold none of its words, and none of its facts"
    return f"of its words, past incidents hold only {_quoted(words)}"


def describe_strange(report: IncidentReport, shared: TermIds) -> str:
    """Return what the past incident that shares most known words with a report shares with it.

    `shared` are the terms of these words.
    """
    words = written_words(report, shared)
    if not words:
        return "no past incident shares a content word with it"
    if len(words) > _MOST_WORDS:
        return f"no past incident shares more than {len(words)} of its content words"
    return f"no past incident shares more than {_quoted(words)}"


def describe_rarity(p_value: float) -> str:
    """Return how unusual a report of this p-value is.

    >>> describe_rarity(0.004)
    'fewer than 1 in 100 incidents of the history are as unusual'
    """
    count = next((count for count in (1_000, 100, 50) if p_value <= 1 / count), 20)
    return f"fewer than 1 in {count:,} incidents of the history are as unusual"


def describe_resembled(label: str) -> str:
    """Return that a report resembles incidents of a label that no model has learned."""
    return f"it resembles incidents that people labelled {label}, which the models have not learned"


def written_words(report: IncidentReport, terms: TermIds) -> list[str]:
    """Return the report's words that contain one of the terms, as written, without repeats."""
    text = raw_text(report)
    wanted = set(terms.tolist())
    names = dict.fromkeys(terms_of(text))
    chosen = [
        name
        for name, number in zip(names, term_ids(list(names)), strict=True)
        if int(number) in wanted
    ]
    spans = sorted(first_words(text, chosen).values(), key=lambda word: word.start)
    return list({word.text.casefold(): word.text for word in spans}.values())


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words[:_MOST_WORDS])
