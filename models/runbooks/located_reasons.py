"""The two or three strongest reasons for a runbook, with their places in the report."""

from collections.abc import Iterator

from features.domain.report import IncidentReport
from features.text.tokens import terms_of
from features.text.word_spans import first_words
from models.base.predictions import Reason
from models.runbooks.explanations import best_passage, last_use_of
from models.runbooks.link_matching import Link
from models.runbooks.match_features import Match
from models.runbooks.passages import name_terms, stated_name
from models.runbooks.runbook_index import RunbookIndex

_MOST_REASONS = 3
# A word in the title tells more about a runbook's subject than a word in its text.
_TITLE_FACTOR = 2.0


def located_reasons(
    report: IncidentReport, match: Match, index: RunbookIndex, row: int, link: Link | None
) -> tuple[Reason, ...]:
    """Return at most three reasons for a runbook of the index, the strongest first.

    The strongest are a link, the alert's name as title, and a past use. Then follow the rarest
    words that the report shares with the runbook's title or with the passage that fits best.
    """
    reasons = []
    if link is not None:
        reasons.append(Reason("the report links to it", link.field, link.start, link.end))
    name = stated_name(report, index.own_names[row]) if match.is_titled[row] else None
    if name is not None:
        reasons.append(Reason("its title is the alert's name", *name))
    elif match.is_titled[row]:
        name = stated_name(report, index.alert_names[row])
        if name is not None:
            reasons.append(Reason("its heading or row is the alert's name", *name))
    last_use = last_use_of(match, index, row)
    if last_use:
        reasons.append(Reason(last_use))
    if name is None:
        reasons += _shared_words(report, match, index, row)
    return tuple(reasons[:_MOST_REASONS])


def _shared_words(
    report: IncidentReport, match: Match, index: RunbookIndex, row: int
) -> list[Reason]:
    """Return a reason for each shared word, the rarest first; words of the title count double."""
    title_terms = set(name_terms(index.runbooks[row]))
    passage = best_passage(match, index, row)
    passage_terms = set(terms_of(passage.original)) if passage is not None else set()
    rarity = {
        term: index.body_field.total_rarity([term]) * (_TITLE_FACTOR if term in title_terms else 1)
        for term in match.query.said & (title_terms | passage_terms)
    }
    reasons: dict[tuple[str, int], Reason] = {}
    words = _first_places(report, rarity)
    for term in sorted(words, key=lambda term: (-rarity[term], term)):
        reason = words[term]
        source = "title" if term in title_terms else "text"
        text = f"in common with its {source}: {reason.text}"
        place = (reason.field or "", reason.start or 0)
        reasons.setdefault(place, Reason(text, reason.field, reason.start, reason.end))
    return list(reasons.values())


def _first_places(report: IncidentReport, terms: dict[str, float]) -> dict[str, Reason]:
    """Return for each term the first word of the report that contains it, as text of a reason."""
    found: dict[str, Reason] = {}
    for field, text in _fields(report):
        for term, word in first_words(text, terms.keys() - found.keys()).items():
            found[term] = Reason(word.text, field, word.start, word.end)
    return found


def _fields(report: IncidentReport) -> Iterator[tuple[str, str]]:
    yield "title", report.title
    yield "description", report.description
    yield "service", report.service or ""
    for name, value in report.attributes.items():
        yield f"attributes.{name}", value
