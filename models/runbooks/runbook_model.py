"""The kind `runbook`: which of an organisation's runbooks apply to a report, if any."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.domain.report import IncidentReport, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole
from features.encoding.encoder_weights import MINILM, open_encoder
from features.errors import NotTrained
from models.base.predictions import RunbookPrediction, SuggestedRunbook
from models.base.report_model import ReportModel
from models.runbooks.explanations import suggestion_reasons
from models.runbooks.link_matching import linked_runbook
from models.runbooks.match_features import FEATURES, Match, match_reports
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.usage import past_uses
from models.statistics.conditional_logit import Ranking, fit_conditional_logit, fit_logit

DEFAULT_LIMIT = 5

# `tests/benchmarks/runbook_retrieval.py --fit` finds these weights, here rounded, on public alerts.
# Only the last two weights are set by hand: they prefer the runbook that was used for a similar
# report, and runbooks that helped often.
WEIGHTS = dict(zip(FEATURES, (4.0, 2.0, 5.0, 2.0, 2.5, 3.5, 3.5, 4.5, 10.0, 0.2), strict=True))
# The coefficients of the log-odds that a runbook applies: of its score, of its lead over the best
# other runbook, and the intercept.
CALIBRATION = (0.2, 0.35, -4.5)
CUTOFF = 0.5
_LINKED = 0.99
_WEIGHT_SPREAD = 1.0
_CALIBRATION_SPREAD = (0.05, 0.1, 1.0)
_MOST_EXAMPLES = 2_000

Floats = NDArray[np.float64]


class RunbookModel(ReportModel):
    """Ranks the runbooks of an index for a report, with a calibrated probability of each.

    The model learns the weights of the features and the calibration. Both start from shipped
    constants, so a new index works without training.

    >>> from features.encoding.encoder import HashingEncoder
    >>> from features.domain.runbook import Runbook
    >>> runbooks = [Runbook("disk-full", "Disk full"), Runbook("vpn", "VPN")]
    >>> index = RunbookIndex(runbooks, HashingEncoder())
    >>> report = IncidentReport(id="1", title="Disk full")
    >>> RunbookModel(encoder="hashing").fit([]).suggest([report], index)[0].label
    'disk-full'
    """

    def __init__(self, *, encoder: str = MINILM) -> None:
        self.encoder = encoder

    def fit(self, examples: Sequence[ResolvedIncident], index: RunbookIndex | None = None) -> Self:
        """Learn from which runbook was used for which incident.

        The shipped constants remain if there is no index, or if the index contains no runbook of
        the examples. Each example is matched as when it was opened: only earlier uses count.
        """
        self.weights_ = np.array([WEIGHTS[name] for name in FEATURES])
        self.calibration_ = np.array(CALIBRATION)
        self.cutoff_ = CUTOFF
        self.index_ = index
        rankings = [] if index is None else _rankings(examples, index)
        self.examples_ = len(rankings)
        self.weights_ = fit_conditional_logit(
            rankings, self.weights_, np.full(len(FEATURES), _WEIGHT_SPREAD)
        )
        self.calibration_ = _calibrate(rankings, self.weights_, self.calibration_)
        return self

    def predict(self, reports: Sequence[IncidentReport]) -> list[RunbookPrediction]:
        """Search the index that the model was fitted with.

        A loaded model has no index, so it finds no runbooks.
        """
        self._check_trained()
        index = getattr(self, "index_", None)
        if index is None:
            return [RunbookPrediction() for _ in reports]
        return self.suggest(reports, index)

    def rehearse(self, reports: Sequence[IncidentReport]) -> list[RunbookPrediction]:
        """Search an index of untitled runbooks, whose texts are the reports' descriptions."""
        runbooks = [
            Runbook(report.id, "", (Section("Meaning", report.description, SectionRole.MEANING),))
            for report in reports
        ]
        return self.suggest(reports, RunbookIndex(runbooks, open_encoder(self.encoder)), cutoff=0)

    def suggest(
        self,
        reports: Sequence[IncidentReport],
        index: RunbookIndex,
        *,
        limit: int = DEFAULT_LIMIT,
        cutoff: float | None = None,
    ) -> list[RunbookPrediction]:
        """Return for each report, in order, at most `limit` runbooks of an index.

        Runbooks with a relevance below `cutoff`, by default the model's `cutoff_`, are left out.
        Raises `NotTrained`.
        """
        self._check_trained()
        least = self.cutoff_ if cutoff is None else cutoff
        if not reports or not len(index):
            return [RunbookPrediction() for _ in reports]
        matches = match_reports(reports, index)
        return [
            self._suggest(report, match, index, limit, least)
            for report, match in zip(reports, matches, strict=True)
        ]

    def relevance(self, match: Match) -> Floats:
        """Return the calibrated probability that each runbook of the index applies."""
        scores = match.features @ self.weights_
        return np.asarray(expit(_evidence(scores) @ self.calibration_), dtype=np.float64)

    def _suggest(
        self, report: IncidentReport, match: Match, index: RunbookIndex, limit: int, least: float
    ) -> RunbookPrediction:
        relevance = self.relevance(match)
        linked = linked_runbook(report, index)
        if linked is not None:
            relevance = np.minimum(relevance, 1 - _LINKED)
            relevance[linked] = _LINKED
        ids = [runbook.id for runbook in index.runbooks]
        order = sorted(range(len(index)), key=lambda row: (-relevance[row], ids[row]))[:limit]
        return RunbookPrediction(
            tuple(
                SuggestedRunbook(
                    id=ids[row],
                    title=index.runbooks[row].title,
                    relevance=float(relevance[row]),
                    why=suggestion_reasons(match, index, row, is_linked=row == linked),
                    steps=index.runbooks[row].steps,
                    url=index.runbooks[row].url,
                )
                for row in order
                if relevance[row] >= least
            )
        )

    def _check_trained(self) -> None:
        if not hasattr(self, "calibration_"):
            raise NotTrained("the model of runbooks has not been fitted; train it first")

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("index_", None)
        return state


def _rankings(examples: Sequence[ResolvedIncident], index: RunbookIndex) -> list[Ranking]:
    rows = {runbook.id: row for row, runbook in enumerate(index.runbooks)}
    labelled = [incident for incident in examples if incident.outcome.runbook_id in rows]
    latest = labelled[-_MOST_EXAMPLES:]
    if not latest:
        return []
    index_with_uses = index if index.past.uses else index.with_uses(past_uses(examples))
    matches = match_reports([incident.report for incident in latest], index_with_uses)
    return [
        Ranking(match.features, np.arange(len(index)) == rows[incident.outcome.runbook_id or ""])
        for incident, match in zip(latest, matches, strict=True)
    ]


def _calibrate(rankings: Sequence[Ranking], weights: Floats, prior: Floats) -> Floats:
    """Return the calibration, fitted to each query's best candidate and best wrong candidate."""
    if not rankings:
        return prior
    examples: list[tuple[Floats, bool]] = []
    for ranking in rankings:
        scores = ranking.features @ weights
        examples.append((top_evidence(scores), bool(ranking.is_right[scores.argmax()])))
        others = scores[~ranking.is_right]
        if len(others):
            examples.append((top_evidence(others), False))
    evidence, right = (np.array(column) for column in zip(*examples, strict=True))
    return fit_logit(evidence, right, prior, np.array(_CALIBRATION_SPREAD))


def top_evidence(scores: Floats) -> Floats:
    """Return the calibration's inputs for the best candidate; see `CALIBRATION`."""
    return np.asarray(_evidence(scores)[int(scores.argmax())], dtype=np.float64)


def _evidence(scores: Floats) -> Floats:
    """Return each candidate's score, its lead over the best other candidate, and the constant 1."""
    if len(scores) < 2:
        lead = np.zeros(len(scores))
    else:
        second, first = np.partition(scores, -2)[-2:]
        lead = scores - np.where(scores < first, first, second)
    return np.column_stack([scores, lead, np.ones(len(scores))])
