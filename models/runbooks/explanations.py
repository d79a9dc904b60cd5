"""Why a runbook is suggested, in its own words and by what was done before."""

import re

import numpy as np

from features.formatting import cut_short
from features.text.tokens import terms_of
from models.runbooks.match_features import FEATURES, Match
from models.runbooks.passages import Passage
from models.runbooks.runbook_index import RunbookIndex

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
_LONGEST_QUOTE = 240
_SHOWN_ALIKE = 0.5
_LONGEST_TITLE = 80


def suggestion_reasons(
    match: Match, index: RunbookIndex, row: int, *, is_linked: bool
) -> tuple[str, ...]:
    """Return why a runbook of the index is suggested, the most telling first."""
    found = ["the report links to it"] if is_linked else []
    if match.features[row, FEATURES.index("same name")] > 0:
        found.append(f"named alike: {index.runbooks[row].title}")
    used = _last_use(match, index, row)
    if used:
        found.append(used)
    quote = _quote(match, index, row)
    if quote:
        found.append(quote)
    return tuple(found)


def _last_use(match: Match, index: RunbookIndex, row: int) -> str:
    past = index.past
    alike = np.where((past.rows == row) & past.helped, match.alike, 0.0)
    if not len(alike) or alike.max() < _SHOWN_ALIKE:
        return ""
    use = past.uses[int(alike.argmax())]
    title = use.report.title[:_LONGEST_TITLE]
    return f"{'helped with' if use.helped else 'used for'} {use.report.id}: {title}".rstrip(": ")


def _quote(match: Match, index: RunbookIndex, row: int) -> str:
    """Return heading and sentence of the section that fits best; titles are no quotes."""
    places = [
        place
        for place in np.flatnonzero(index.owners == row).tolist()
        if index.passages[place].said != index.runbooks[row].title
    ]
    if not places:
        return ""
    asked = set(match.question.words)
    best = max(places, key=lambda place: match.passages[place] + _shared(asked, index, place))
    passage = index.passages[best]
    heading = "" if passage.heading == index.runbooks[row].title else passage.heading
    sentence = _best_sentence(asked, index, passage)
    return cut_short(f"{heading}: {sentence}" if heading else sentence, _LONGEST_QUOTE)


def _shared(asked: set[str], index: RunbookIndex, place: int) -> float:
    return index.body_field.share(asked, terms_of(index.passages[place].said))


def _best_sentence(asked: set[str], index: RunbookIndex, passage: Passage) -> str:
    sentences = [one.strip() for one in _SENTENCE_END.split(passage.said)]
    return max(sentences, key=lambda one: index.body_field.share(asked, terms_of(one)), default="")
