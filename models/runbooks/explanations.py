"""The reasons why a runbook is suggested: a link, its name, a past use, and a quote from it."""

import re

import numpy as np

from features.formatting import cut_short
from features.text.tokens import terms_of
from models.runbooks.match_features import FEATURES, Match
from models.runbooks.passages import Passage
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.section_choice import ChosenPart

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
_LONGEST_QUOTE = 240
_LEAST_LIKENESS = 0.5
_LONGEST_TITLE = 80


def suggestion_reasons(
    match: Match, index: RunbookIndex, row: int, part: ChosenPart | None, *, is_linked: bool
) -> tuple[str, ...]:
    """Return the reasons why a runbook and a part of it are suggested, the strongest first."""
    reasons = ["the report links to it"] if is_linked else []
    if match.features[row, FEATURES.index("same name")] > 0:
        reasons.append(f"named alike: {index.runbooks[row].title}")
    if part is not None:
        reasons.append(part.why)
    last_use = last_use_of(match, index, row)
    if last_use:
        reasons.append(last_use)
    quote = _quote(match, index, row, part)
    if quote:
        reasons.append(quote)
    return tuple(reasons)


def best_passage(
    match: Match, index: RunbookIndex, row: int, part: ChosenPart | None = None
) -> Passage | None:
    """Return the passage of a runbook, or of a part of it, that fits a report best.

    Title passages are ignored.
    """
    places = [
        place
        for place in np.flatnonzero(index.owners == row).tolist()
        if index.passages[place].original != index.runbooks[row].title
        and (part is None or index.passages[place].section in part.sections)
    ]
    words = set(match.query.words)
    best = max(
        places,
        key=lambda place: match.passage_scores[place] + _word_share(words, index, place),
        default=None,
    )
    return None if best is None else index.passages[best]


def last_use_of(match: Match, index: RunbookIndex, row: int) -> str:
    """Return the most similar past incident that a runbook was used for; empty without one."""
    past = index.past
    likeness = np.where((past.rows == row) & past.helped, match.likeness, 0.0)
    if not len(likeness) or likeness.max() < _LEAST_LIKENESS:
        return ""
    use = past.uses[int(likeness.argmax())]
    title = use.report.title[:_LONGEST_TITLE]
    return f"{'helped with' if use.helped else 'used for'} {use.report.id}: {title}".rstrip(": ")


def _quote(match: Match, index: RunbookIndex, row: int, part: ChosenPart | None) -> str:
    """Return the heading and the best sentence of the best passage."""
    passage = best_passage(match, index, row, part)
    if passage is None:
        return ""
    heading = "" if passage.heading == index.runbooks[row].title else passage.heading
    sentence = _best_sentence(set(match.query.words), index, passage)
    return cut_short(f"{heading}: {sentence}" if heading else sentence, _LONGEST_QUOTE)


def _word_share(words: set[str], index: RunbookIndex, place: int) -> float:
    return index.body_field.share(words, terms_of(index.passages[place].original))


def _best_sentence(words: set[str], index: RunbookIndex, passage: Passage) -> str:
    sentences = [sentence.strip() for sentence in _SENTENCE_END.split(passage.original)]
    return max(
        sentences,
        key=lambda sentence: index.body_field.share(words, terms_of(sentence)),
        default="",
    )
