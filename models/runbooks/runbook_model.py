"""The kind `runbook`: which of an organisation's runbooks apply to a report, if any."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from features.domain.report import IncidentReport, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole
from features.encoding.cached_encoder import encoding_once
from features.encoding.encoder_weights import MINILM, open_encoder
from features.errors import NotTrained
from models.base.predictions import RunbookPrediction, SuggestedRunbook
from models.base.report_model import ReportModel
from models.runbooks.explanations import suggestion_reasons
from models.runbooks.link_matching import Link, linked_runbook, part_url
from models.runbooks.located_reasons import located_reasons
from models.runbooks.match_features import FEATURES, Match, match_reports
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.section_choice import choose_part
from models.runbooks.usage import past_uses
from models.statistics.conditional_logit import Ranking, fit_conditional_logit, fit_logit

DEFAULT_LIMIT = 5

# `tests/benchmarks/runbook_retrieval.py --fit` finds these weights, here rounded, on public alerts.
# Those of `missing name` and `other components` come from the grid in EXPERIMENTS.md. The last two
# are set by hand: they prefer the runbook that was used for a similar report, and runbooks that
# helped often.
WEIGHTS = dict(
    zip(FEATURES, (4.0, 2.0, 5.0, 2.0, 2.5, 3.5, 3.5, 4.5, -2.0, -8.0, 13.0, 0.2), strict=True)
)
# A runbook's lead is its score less the score of the best other runbook, or less this constant if
# no other runbook scores higher. So a report that no runbook fits gives none of them a lead.
NO_RUNBOOK = 9.0
# A larger lead does not make the runbook surer: the right runbook may be missing in the index.
LARGEST_LEAD = 4.0
# The largest lead falls with the share of the report that names components of other runbooks only,
# as far as past uses do not speak for the runbook, and is 0 from this share on (set by hand): the
# disk of a mail server is not the disk of a database.
OTHER_COMPONENTS = 0.2
# The coefficients of the log-odds that a runbook applies: of its lead, and the intercept.
CALIBRATION = (0.7, -1.4)
CUTOFF = 0.5
_SETTLED = 0.99
# A name decides nothing if past uses speak against its runbook, or for another, by more than this.
_OUTVOTED = 0.2
_WEIGHT_SPREAD = 1.0
_CALIBRATION_SPREAD = (0.2, 1.0)
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
        with encoding_once(self.encoder) as encoder:
            index = RunbookIndex(runbooks, open_encoder(self.encoder), caching_encoder=encoder)
        return self.suggest(reports, index, cutoff=0)

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

    def relevance(self, match: Match, linked: int | None = None) -> Floats:
        """Return the calibrated probability that each runbook of the index applies.

        A link to the runbook in row `linked` decides, or else a runbook's title that is the
        alert's name, unless past uses contradict it. Several runbooks with this title share the
        relevance by their scores.
        """
        scores = match.features @ self.weights_
        relevance = np.asarray(
            expit(_evidence(match.features, self.weights_) @ self.calibration_), dtype=np.float64
        )
        settled = _titled(match) if linked is None else np.arange(len(scores)) == linked
        if settled.any():
            relevance *= 1 - _SETTLED
            relevance[settled] = np.minimum(softmax(scores[settled]), _SETTLED)
        return relevance

    def _suggest(
        self, report: IncidentReport, match: Match, index: RunbookIndex, limit: int, least: float
    ) -> RunbookPrediction:
        link = linked_runbook(report, index)
        linked = None if link is None else link.row
        relevance = self.relevance(match, linked)
        ids = [runbook.id for runbook in index.runbooks]
        order = sorted(range(len(index)), key=lambda row: (-relevance[row], ids[row]))[:limit]
        return RunbookPrediction(
            tuple(
                _suggestion(
                    report, match, index, row, relevance[row], link if row == linked else None
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


def _suggestion(
    report: IncidentReport,
    match: Match,
    index: RunbookIndex,
    row: int,
    relevance: float,
    link: Link | None,
) -> SuggestedRunbook:
    """Return a runbook with the steps of the part that the report is about, and a link to it."""
    runbook = index.runbooks[row]
    part = choose_part(report, match.query, runbook, index.topics(row), link.anchor if link else "")
    return SuggestedRunbook(
        id=runbook.id,
        title=runbook.title,
        relevance=float(relevance),
        why=suggestion_reasons(match, index, row, part, is_linked=link is not None),
        steps=runbook.steps if part is None else part.steps,
        url=part_url(runbook, part, link),
        reasons=located_reasons(report, match, index, row, link),
    )


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
    """Return the calibration, fitted to each query's best candidate with and without the right one.

    The best candidate without the right runbook shows how a report looks that no runbook fits.
    """
    if not rankings:
        return prior
    evidence, right = calibration_examples(rankings, weights)
    return fit_logit(evidence, right, prior, np.array(_CALIBRATION_SPREAD))


def calibration_examples(
    rankings: Sequence[Ranking], weights: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the evidence for each query's best candidate, and whether it is right.

    Each query counts twice: with all candidates, and without the right ones.
    """
    examples: list[tuple[Floats, bool]] = []
    for ranking in rankings:
        best = int((ranking.features @ weights).argmax())
        evidence_of_best = _top_evidence(ranking.features, weights)
        examples.append((evidence_of_best, bool(ranking.is_right[best])))
        others = ranking.features[~ranking.is_right]
        if len(others):
            examples.append((_top_evidence(others, weights), False))
    evidence, right = (np.array(column) for column in zip(*examples, strict=True))
    return evidence, right


def _top_evidence(features: Floats, weights: Floats) -> Floats:
    best = int((features @ weights).argmax())
    return np.asarray(_evidence(features, weights)[best], dtype=np.float64)


def _evidence(features: Floats, weights: Floats) -> Floats:
    """Return each candidate's lead, at most the largest that counts, and the constant 1."""
    scores = features @ weights
    votes = np.clip(features[:, FEATURES.index("past uses")], 0.0, 1.0)
    others = features[:, FEATURES.index("other components")] * (1 - votes)
    largest = LARGEST_LEAD * np.maximum(0.0, 1 - others / OTHER_COMPONENTS)
    lead = np.minimum(scores - _best_rival(scores), largest)
    return np.column_stack([lead, np.ones(len(scores))])


def _best_rival(scores: Floats) -> Floats:
    """Return for each score the highest other score, at least `NO_RUNBOOK`."""
    if len(scores) < 2:
        return np.full(len(scores), NO_RUNBOOK)
    second, first = np.partition(scores, -2)[-2:]
    rivals = np.where(scores < first, first, second)
    return np.asarray(np.maximum(rivals, NO_RUNBOOK), dtype=np.float64)


def _titled(match: Match) -> NDArray[np.bool_]:
    """Return which runbooks have the alert's name as title; none if past uses contradict it."""
    votes = match.features[:, FEATURES.index("past uses")]
    votes_for_name = votes[match.is_titled].max(initial=-np.inf)
    is_outvoted = votes_for_name < max(0.0, votes.max()) - _OUTVOTED
    return match.is_titled & np.bool_(not is_outvoted)
