"""The kind `novelty`: whether a report is like the incidents that the models learned from."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder_weights import MINILM
from features.errors import NotEnoughHistory, NotTrained
from models.base.novelty_levels import DEFAULT_LEVELS
from models.base.predictions import NoveltyPrediction
from models.base.report_model import ReportModel
from models.classification.learning.cross_validation import report_copy_groups
from models.novelty.conformal_p_value import Floats
from models.novelty.explanations import (
    describe_rarity,
    describe_resembled,
    describe_strange,
    describe_unreadable,
)
from models.novelty.incident_order import IncidentOrder, Rows, order_incidents
from models.novelty.known_values import KnownValues
from models.novelty.prequential_calibration import (
    MOST_REFERENCES,
    calibrate_facts,
    calibrate_text,
    fact_scores,
    fit_text,
)
from models.novelty.report_parts import ReportParts, TermIds, read_parts
from models.novelty.unknown_labels import UnknownLabels

MOST_LEARNED = 20_000
FEWEST_INCIDENTS = 10
_FEWEST_KNOWN_TERMS = 2
_COMMON = 0.5

Flags = NDArray[np.bool_]


class NoveltyModel(ReportModel):
    """Gives each report a conformal p-value: how usual it is among the incidents of a history.

    The reference is frozen: one report of each near-copy group. It is calibrated on the newest
    quarter of the incidents, each scored against the reports before it, as a new report will be.
    Without usable times the order is random, and near-copies stay together. A report with text is
    judged by its text, any other by its facts. Labels are not used.

    `auto` needs a p-value above `auto_level`; at or below `novel_level` a report is novel. A report
    is readable if it has a known fact, or at least two known content words.

    >>> from features.domain.report import Outcome
    >>> past = [ResolvedIncident(IncidentReport(id=str(n), title=f"{part} jam {word}"), Outcome())
    ...         for n, (part, word) in enumerate((part, word) for part in ("printer", "scanner")
    ...         for word in ("one", "two", "three", "four", "five", "six"))]
    >>> model = NoveltyModel(encoder="hashing").fit(past)
    >>> model.predict([IncidentReport(id="new", title="asdf qwer")])[0].is_readable
    False
    """

    def __init__(
        self,
        *,
        encoder: str = MINILM,
        auto_level: float = DEFAULT_LEVELS.auto,
        novel_level: float = DEFAULT_LEVELS.novel,
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.auto_level = auto_level
        self.novel_level = novel_level
        self.seed = seed

    def fit(self, examples: Sequence[ResolvedIncident], copies: Rows | None = None) -> Self:
        """Learn from past incidents; `copies` gives each one's near-copy group, if it is known.

        Raises `NotEnoughHistory` with fewer than 10 incidents.
        """
        reports = [example.report for example in examples]
        groups = report_copy_groups(reports) if copies is None else copies
        order = order_incidents(reports, groups, seed=self.seed).newest(MOST_LEARNED)
        return self.learn(read_parts([reports[row] for row in order.rows], self.encoder), order)

    def learn(self, parts: ReportParts, order: IncidentOrder) -> Self:
        """Learn from the parts of incidents, which are in the order of `order`."""
        if len(parts) < FEWEST_INCIDENTS:
            raise NotEnoughHistory(
                f"novelty: fewer than {FEWEST_INCIDENTS} incidents can be compared"
            )
        self.known_terms_ = KnownValues().fit(parts.terms)
        self.known_facts_ = KnownValues(most_share=_COMMON).fit(parts.facts)
        self.text_calibration_ = calibrate_text(parts, order, self.encoder)
        self.facts_calibration_ = calibrate_facts(parts, order)
        references = order.references(np.inf, MOST_REFERENCES)
        with_text = parts.take(references[parts.has_text[references]])
        self.text_ = None if self.text_calibration_ is None else fit_text(with_text, self.encoder)
        terms = [self.known_terms_.known(row) for row in with_text.terms]
        self.reference_terms_ = np.concatenate([*terms, np.empty(0, dtype=np.uint32)])
        self.reference_ends_ = np.cumsum([len(row) for row in terms])
        return self

    def predict(self, reports: Sequence[IncidentReport]) -> list[NoveltyPrediction]:
        """Return one prediction per report, in order; raises `NotTrained` before `fit`."""
        return self.judge(reports)

    def judge(
        self,
        reports: Sequence[IncidentReport],
        unknown_labels: Mapping[str, UnknownLabels] = MappingProxyType({}),
    ) -> list[NoveltyPrediction]:
        """Predict; name the label that a report resembles among each target's unknown labels."""
        self._check_trained()
        if not reports:
            return []
        parts = read_parts(reports, self.encoder)
        is_readable, p_values = self.are_readable(parts), self.p_values(parts)
        resembled = {
            target: labels.resembled(parts.vectors) for target, labels in unknown_labels.items()
        }
        return [
            self._prediction(
                report,
                parts.terms[row],
                float(p_values[row]),
                {target: label for target, labels in resembled.items() if (label := labels[row])},
                is_readable=bool(is_readable[row]),
            )
            for row, report in enumerate(reports)
        ]

    def allow_auto(self, parts: ReportParts) -> Flags:
        """Tell for which reports `auto` is allowed: they are readable and usual enough."""
        return self.are_readable(parts) & (self.p_values(parts) > self.auto_level)

    def are_readable(self, parts: ReportParts) -> Flags:
        """Tell which reports have a known fact, or at least two known content words."""
        self._check_trained()
        has_known_fact = [len(self.known_facts_.known(facts)) > 0 for facts in parts.facts]
        known_terms = [len(self.known_terms_.known(terms)) for terms in parts.terms]
        return np.array(has_known_fact) | (np.array(known_terms) >= _FEWEST_KNOWN_TERMS)

    def p_values(self, parts: ReportParts) -> Floats:
        """Return the p-value of each report, in 0..1; small is strange. It is 0 if it is empty."""
        self._check_trained()
        p_values = np.ones(len(parts))
        is_text = parts.has_text & (self.text_ is not None)
        text, facts = np.flatnonzero(is_text), np.flatnonzero(~is_text)
        if self.text_ is not None and self.text_calibration_ is not None and len(text):
            read = parts.take(text)
            scores = self.text_.score(read.vectors, read.pieces)
            p_values[text] = self.text_calibration_.transform(scores)
        if self.facts_calibration_ is not None and len(facts):
            scores = fact_scores(self.known_facts_, parts.take(facts))
            p_values[facts] = self.facts_calibration_.transform(scores)
        p_values[_are_empty(parts)] = 0.0
        return p_values

    def learn_unknown_labels(
        self, reports: Mapping[str, Sequence[IncidentReport]]
    ) -> UnknownLabels | None:
        """Learn to recognise labels that no model has learned, from their corrected incidents.

        `reports` holds the corrected incidents of each such label. Returns None if no label has
        enough of them, or if the history has no text.
        """
        self._check_trained()
        if self.text_ is None:
            return None
        vectors = {
            label: read_parts(incidents, self.encoder).vectors
            for label, incidents in reports.items()
        }
        return UnknownLabels.learn(self.text_, vectors)

    def _prediction(
        self,
        report: IncidentReport,
        terms: TermIds,
        p_value: float,
        resembled: Mapping[str, str],
        *,
        is_readable: bool,
    ) -> NoveltyPrediction:
        is_novel = p_value <= self.novel_level
        return NoveltyPrediction(
            p_value=p_value,
            is_novel=is_novel,
            is_readable=is_readable,
            allows_auto=is_readable and p_value > self.auto_level,
            resembles=resembled,
            why=tuple(self._reasons(report, terms, p_value, resembled, is_readable=is_readable)),
        )

    def _reasons(
        self,
        report: IncidentReport,
        terms: TermIds,
        p_value: float,
        resembled: Mapping[str, str],
        *,
        is_readable: bool,
    ) -> Iterator[str]:
        known_terms = self.known_terms_.known(terms)
        if not is_readable:
            yield describe_unreadable(report, known_terms)
        for label in resembled.values():
            yield describe_resembled(label)
        if p_value <= self.auto_level and is_readable:
            if self.text_ is None or not len(terms):
                yield "past incidents rarely have its facts"
            else:
                yield describe_strange(report, self._shared_terms(known_terms))
            yield describe_rarity(p_value)

    def _shared_terms(self, known_terms: TermIds) -> TermIds:
        """Return the terms that a report shares with the reference that shares most of them."""
        is_shared = np.isin(self.reference_terms_, known_terms)
        totals = np.concatenate([[0], np.cumsum(is_shared)])[[0, *self.reference_ends_]]
        closest = int(np.diff(totals).argmax())
        start = self.reference_ends_[closest - 1] if closest else 0
        terms = self.reference_terms_[start : self.reference_ends_[closest]]
        return np.intersect1d(known_terms, terms, assume_unique=True)

    def _check_trained(self) -> None:
        if not hasattr(self, "facts_calibration_"):
            raise NotTrained("the model of novelty has not been fitted; call fit first")


def _are_empty(parts: ReportParts) -> Flags:
    return ~parts.has_text & np.array([not len(facts) for facts in parts.facts], dtype=np.bool_)
