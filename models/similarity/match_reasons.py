"""Why a past incident matches a report, in the words of the report."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from features.domain.report import IncidentReport
from features.search.query import bucket_of, fact_name, is_fact
from features.text.error_signatures import error_signatures
from features.text.memo import cached
from features.text.tokens import term_ids, terms_of
from features.text.word_spans import WordSpan, first_words, raw_text, words_of
from models.base.predictions import Reason
from models.similarity.pair_statistics import PairStatistics

_LONGEST_READ = 20_000
_LONGEST_REASON = 200
_MOST_REASONS = 3
# The weights of words, facts and services are in 0..1; these reasons say more.
_TITLE_WEIGHT, _ERROR_WEIGHT = 2.0, 1.5
_LEAST_RARITY = 0.35
_ONLY_WORDING = Reason("similar wording")
_SAID = "both say: "


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A report with its terms and error signatures, for comparisons with past reports.

    `words` holds each term, its field, its first word there as it was written, and its rarity.
    `service_weight` and `fact_weights` are what agreement on these says.
    """

    report: IncidentReport
    words: tuple[tuple[str, str, WordSpan, float], ...]
    signatures: frozenset[str]
    service_weight: float
    fact_weights: Mapping[str, float]


def parse_query(report: IncidentReport, statistics: PairStatistics) -> ParsedQuery:
    """Return a report's parts, to compute and weigh them only once for all past reports."""
    words: dict[str, tuple[str, WordSpan]] = {}
    for field, text in _texts_of(report):
        for term, word in first_words(text, set(terms_of(text)) - words.keys()).items():
            words[term] = (field, word)
    rarity = statistics.rarity(term_ids(list(words))).tolist()
    source = bucket_of(report.source)
    return ParsedQuery(
        report,
        tuple((term, *words[term], weight) for term, weight in zip(words, rarity, strict=True)),
        error_signatures(raw_text(report)),
        statistics.service_weight(bucket_of(report.service), source) if report.service else 0.0,
        _weigh_facts(report.attributes, source, statistics),
    )


def match_reasons(query: ParsedQuery, past: IncidentReport) -> tuple[Reason, ...]:
    """Return the two or three reasons that say most for a match, the strongest first.

    Each names words of the report, as they stand there. What most incidents of the report's source
    share is no reason. Without any other reason, the wording is similar.
    """
    weighted = [
        *_same_errors(query, past),
        *_same_title(query.report, past),
        *_same_words(query, past),
        *_same_service(query, past),
        *_same_facts(query, past),
    ]
    weighted.sort(key=lambda pair: -pair[0])
    return tuple(reason for _, reason in weighted[:_MOST_REASONS]) or (_ONLY_WORDING,)


def sentences(reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    """Return reasons as sentences; one sentence names all shared words.

    >>> sentences((Reason("both say: pool"), Reason("same title"), Reason("both say: gateway")))
    ('both say: pool, gateway', 'same title')
    """
    words = [reason.text.removeprefix(_SAID) for reason in reasons if reason.text.startswith(_SAID)]
    said = f"{_SAID}{', '.join(words)}"
    return tuple(
        dict.fromkeys(said if reason.text.startswith(_SAID) else reason.text for reason in reasons)
    )


def _same_errors(query: ParsedQuery, past: IncidentReport) -> Iterator[tuple[float, Reason]]:
    for name in sorted(query.signatures & error_signatures(raw_text(past))):
        parts = (_spelled(part) for part in re.findall(r"\w+", name))
        pattern = re.compile(r"\W+(?:\w+\W+){0,2}?".join(parts), re.IGNORECASE)
        for field, text in _texts_of(query.report):
            match = pattern.search(text)
            if match is not None:
                yield _ERROR_WEIGHT, _reason("same error: ", match[0], field, match.start())
                break


def _spelled(part: str) -> str:
    return f"0*{part.lstrip('0')}" if part.isdigit() else re.escape(part)


def _same_title(report: IncidentReport, past: IncidentReport) -> Iterator[tuple[float, Reason]]:
    if report.title and report.title.casefold() == past.title.casefold():
        yield _TITLE_WEIGHT, Reason("same title", "title", 0, len(report.title))


def _same_words(query: ParsedQuery, past: IncidentReport) -> Iterator[tuple[float, Reason]]:
    past_text = raw_text(past)
    past_terms = set(terms_of(past_text))
    best: dict[tuple[str, WordSpan], float] = {}
    for term, field, word, weight in query.words:
        if term in past_terms:
            best[field, word] = max(weight, best.get((field, word), 0.0))
    past_words = _words_as_written(past_text)
    for (field, word), weight in best.items():
        if weight < _LEAST_RARITY:
            continue
        # The numbers in a word are masked in its term, so they may differ.
        if word.text.casefold() in past_words or not re.search(r"\d", word.text):
            yield weight, _reason(_SAID, word.text, field, word.start)


# Answers often name the same past incidents.
@cached(2048)
def _words_as_written(text: str) -> frozenset[str]:
    return frozenset(word.text.casefold() for word in words_of(text))


def _same_service(query: ParsedQuery, past: IncidentReport) -> Iterator[tuple[float, Reason]]:
    service = query.report.service
    if query.service_weight > 0 and service and service.lower() == (past.service or "").lower():
        yield query.service_weight, _reason("same service: ", service, "service", 0)


def _same_facts(query: ParsedQuery, past: IncidentReport) -> Iterator[tuple[float, Reason]]:
    service = (query.report.service or "").lower()
    for name, weight in query.fact_weights.items():
        value = query.report.attributes[name]
        is_same = value.lower() == past.attributes.get(name, "").lower()
        if weight > 0 and is_same and value.lower() != service:
            yield weight, _reason(f"same {name}: ", value, f"attributes.{name}", 0)


def _weigh_facts(
    attributes: Mapping[str, str], source: int, statistics: PairStatistics
) -> dict[str, float]:
    facts = {name: value for name, value in attributes.items() if value and is_fact(value)}
    ids = term_ids([fact_name(name, value) for name, value in facts.items()])
    return dict(zip(facts, statistics.fact_weights(ids, source).tolist(), strict=True))


def _reason(start_of_text: str, words: str, field: str, start: int) -> Reason:
    return Reason((start_of_text + words)[:_LONGEST_REASON], field, start, start + len(words))


def _texts_of(report: IncidentReport) -> tuple[tuple[str, str], ...]:
    return (("title", report.title), ("description", report.description[:_LONGEST_READ]))
