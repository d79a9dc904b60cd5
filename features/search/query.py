"""The parts of a report that the search for similar incidents compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from features.domain.report import IncidentReport
from features.encoding.encoder import Encoder, Vectors
from features.search.lexical_index import Terms
from features.search.ragged_array import Hashes
from features.text.cleaning import clean_text, incident_text
from features.text.error_signatures import error_signatures
from features.text.tokens import term_ids, terms_of

_MOST_TERMS = 400
_LONGEST_READ = 20_000
NO_SERVICE = -1


@dataclass(frozen=True, slots=True)
class SearchView:
    """The words, vectors, facts and error signatures of a report.

    `title_terms`, `text_terms`, `facts` and `signatures` are sorted hash buckets without repeats.
    `service` is a bucket, -1 for no service. `opened` is in seconds since 1970, None if unknown.
    The vector of an empty title is zero.
    """

    id: str
    opened: int | None
    words: Terms
    title_terms: Hashes
    text_terms: Hashes
    title_vector: Vectors
    text_vector: Vectors
    facts: Hashes
    signatures: Hashes
    service: int


def view_reports(reports: Sequence[IncidentReport], encoder: Encoder) -> list[SearchView]:
    """Return the view of each report, in order.

    >>> from features.encoding.encoder import HashingEncoder
    >>> view_reports([IncidentReport(id="1", title="VPN down")], HashingEncoder())[0].words.title
    ['vpn', 'down']
    """
    texts = encoder.encode([incident_text(report) for report in reports])
    titles = encoder.encode([clean_text(report.title) for report in reports])
    return [
        _view(report, title, text)
        for report, title, text in zip(reports, titles, texts, strict=True)
    ]


def seconds_of(moment: datetime | None) -> int | None:
    """Return a time in whole seconds since 1970, None for an unknown time."""
    return None if moment is None else int(moment.timestamp())


def _view(report: IncidentReport, title_vector: Vectors, text_vector: Vectors) -> SearchView:
    raw_text = f"{report.title}\n{report.description}"[:_LONGEST_READ]
    title = terms_of(report.title)[:_MOST_TERMS]
    text = [*title, *terms_of(report.description[:_LONGEST_READ])][:_MOST_TERMS]
    facts = [f"{name}={value.lower()}" for name, value in report.attributes.items()]
    return SearchView(
        id=report.id,
        opened=seconds_of(report.opened_at),
        words=Terms(title, text),
        title_terms=_buckets(title),
        text_terms=_buckets(text),
        title_vector=title_vector,
        text_vector=text_vector,
        facts=_buckets(facts),
        signatures=_buckets(sorted(error_signatures(raw_text))),
        service=int(term_ids([report.service.lower()])[0]) if report.service else NO_SERVICE,
    )


def _buckets(values: Sequence[str]) -> Hashes:
    return np.unique(term_ids(values))
