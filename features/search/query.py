"""The parts of a report that the search for similar incidents compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import numpy as np

from features.domain.report import IncidentReport
from features.encoding.encoder import Encoder, Vectors
from features.search.lexical_index import Terms
from features.search.ragged_array import Hashes
from features.text.cleaning import clean_text, incident_text
from features.text.error_signatures import error_signatures
from features.text.tokens import term_ids, terms_of
from features.text.word_spans import raw_text

_MOST_TERMS = 400
_LONGEST_READ = 20_000
NO_SERVICE = -1


@dataclass(frozen=True, slots=True)
class SearchView:
    """The words, vectors, facts and error signatures of a report.

    `title_terms`, `text_terms`, `facts` and `signatures` are sorted hash buckets without repeats.
    Values that contain a URL are no facts. `service` and `source` are buckets, -1 for none.
    `opened` is in seconds since 1970, None if unknown. The vector of an empty title is zero. Two
    reports have the same `fingerprint` if they have the same service and, once variable parts are
    masked, the same words in title and text; without words, the same facts.
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
    source: int
    fingerprint: int


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
    title = terms_of(report.title)[:_MOST_TERMS]
    text = [*title, *terms_of(report.description[:_LONGEST_READ])][:_MOST_TERMS]
    title_terms, text_terms = _buckets(title), _buckets(text)
    facts = _buckets([fact_name(*fact) for fact in report.attributes.items() if is_fact(fact[1])])
    service = bucket_of(report.service)
    return SearchView(
        id=report.id,
        opened=seconds_of(report.opened_at),
        words=Terms(title, text),
        title_terms=title_terms,
        text_terms=text_terms,
        title_vector=title_vector,
        text_vector=text_vector,
        facts=facts,
        signatures=_buckets(sorted(error_signatures(raw_text(report)))),
        service=service,
        source=bucket_of(report.source),
        fingerprint=_fingerprint(service, title_terms, text_terms if len(text_terms) else facts),
    )


def is_fact(value: str) -> bool:
    """Tell whether an attribute's value describes an incident; a URL only leads to its sender.

    >>> is_fact("graz"), is_fact("http://alertmanager.example:9093")
    (True, False)
    """
    return "://" not in value


def fact_name(name: str, value: str) -> str:
    """Return an attribute with its value, as the search compares it."""
    return f"{name}={value.lower()}"


def bucket_of(value: str | None) -> int:
    """Return the bucket of a service or source, -1 for none."""
    return int(term_ids([value.lower()])[0]) if value else NO_SERVICE


def _buckets(values: Sequence[str]) -> Hashes:
    return np.unique(term_ids(values))


def _fingerprint(service: int, *term_sets: Hashes) -> int:
    digest = blake2b(str(service).encode(), digest_size=8)
    for terms in term_sets:
        digest.update(b"|" + terms.tobytes())
    return int.from_bytes(digest.digest())
