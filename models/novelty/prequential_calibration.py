"""Calibrates novelty on the newest incidents, each scored against the incidents before it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from features.encoding.word_pieces import open_word_pieces
from models.novelty.conformal_p_value import ConformalPValue, Floats
from models.novelty.incident_order import IncidentOrder
from models.novelty.known_values import KnownValues
from models.novelty.report_parts import ReportParts, Rows
from models.novelty.text_familiarity import TextCalibration, TextFamiliarity

Flags = NDArray[np.bool_]

MOST_REFERENCES = 6_000

_SHARE = 0.25
_FEWEST = 150
_MOST = 4_000
_BLOCKS = 5
_FEWEST_SCORES = 5


def calibrate_text(
    parts: ReportParts, order: IncidentOrder, encoder: str
) -> TextCalibration | None:
    """Return the calibration of the texts' scores, None if too few incidents have text.

    The parts are in the order of `order`. For each fifth of the newest incidents, a score is
    learned from the incidents before it (prequential, Dawid 1984).
    """
    scores = [
        fit_text(parts.take(past), encoder).score(block.vectors, block.pieces)
        for past, block in _blocks(parts, order, parts.has_text)
    ]
    count = sum(map(len, scores))
    return TextCalibration().fit(np.concatenate(scores)) if count >= _FEWEST_SCORES else None


def calibrate_facts(parts: ReportParts, order: IncidentOrder) -> ConformalPValue | None:
    """Return the calibration of the facts' scores, None if too few incidents have facts."""
    has_facts = np.array([len(facts) > 0 for facts in parts.facts], dtype=np.bool_)
    scores = [
        fact_scores(KnownValues().fit(parts.take(past).facts), block)
        for past, block in _blocks(parts, order, has_facts)
    ]
    count = sum(map(len, scores))
    return ConformalPValue().fit(np.concatenate(scores)) if count >= _FEWEST_SCORES else None


def fit_text(references: ReportParts, encoder: str) -> TextFamiliarity:
    """Return the score of texts against references."""
    background = open_word_pieces(encoder).background
    return TextFamiliarity().fit(references.vectors, references.pieces, background)


def fact_scores(known_facts: KnownValues, parts: ReportParts) -> Floats:
    """Return the score of each report's facts; higher is more familiar."""
    return np.array([known_facts.familiarity(facts) for facts in parts.facts])


def _blocks(
    parts: ReportParts, order: IncidentOrder, is_chosen: Flags
) -> Iterator[tuple[Rows, ReportParts]]:
    """Yield blocks of the newest chosen incidents, each with the places of its references."""
    places = np.flatnonzero(is_chosen)
    count = min(_MOST, max(int(_SHARE * len(places)), min(_FEWEST, len(places) // 2)))
    for block in np.array_split(places[len(places) - count :], _BLOCKS):
        if len(block):
            references = order.references(order.moments[block[0]], MOST_REFERENCES)
            references = references[is_chosen[references]]
            if len(references) > 1:
                yield references, parts.take(block)
