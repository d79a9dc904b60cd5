"""The kind `similar`: past incidents related to a report, and an open incident it duplicates."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder_weights import MINILM, open_encoder
from features.errors import NotTrained
from features.search.candidates import UNKNOWN_TIME, Candidates, IndexStatistics
from features.search.incident_index import IncidentIndex
from features.search.query import SearchView, view_reports
from models.base.predictions import OpenMatch, SimilarIncident, SimilarPrediction
from models.base.report_model import ReportModel
from models.similarity.deduplication import alike_groups, collapse_copies
from models.similarity.pair_features import pair_features
from models.similarity.pair_ranker import PairRanker, RelatednessCalibration
from models.similarity.result_entries import (
    ListedRecords,
    ParsedQuery,
    PastRecords,
    match_reasons,
    parse_query,
    write_entry,
    write_open_match,
)
from models.similarity.training_pairs import LabelledQuery, PairJudgement, labelled_queries

DEFAULT_LIMIT = 10

_CANDIDATES = 100
_READ_AHEAD = 8
_TIE = 0.01
_OPEN_SECONDS = 14 * 24 * 3600

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _RelatedCandidates:
    """The candidates that a search found for one report, and the relatedness of each."""

    report: IncidentReport
    view: SearchView
    candidates: Candidates
    relatedness: Floats


class SimilarModel(ReportModel):
    """Finds the past incidents of an index that are related to a report.

    The model learns a ranker of pairs and the calibration of its scores. Both start from shipped
    constants and adapt as links become known.

    >>> past = ResolvedIncident(
    ...     IncidentReport(id="A", title="card payments fail", description="timeout at gateway"),
    ...     Outcome(resolution="Raised the pool to 40."),
    ... )
    >>> model = SimilarModel(encoder="hashing").fit([past])
    >>> report = IncidentReport(id="B", title="card payments fail", description="gateway timeout")
    >>> model.predict([report])[0].similar[0].resolution
    'Raised the pool to 40.'
    """

    def __init__(self, *, encoder: str = MINILM, seed: int = 0) -> None:
        self.encoder = encoder
        self.seed = seed

    def fit(
        self,
        examples: Sequence[ResolvedIncident],
        index: IncidentIndex | None = None,
        judgements: Sequence[PairJudgement] = (),
    ) -> Self:
        """Learn from links among the examples and from people's judgements of pairs.

        Two incidents also count as linked if they have the same runbook or are near-copies. Without
        links and judgements, the shipped weights stay. `index`, if given, must contain the
        examples; otherwise an index of the examples is built.
        """
        self.index_ = index
        if index is None and examples:
            self.index_ = IncidentIndex(open_encoder(self.encoder))
            self.index_.upsert(examples)
        self.records_ = ListedRecords(examples)
        queries = (
            labelled_queries(examples, self.index_, judgements, seed=self.seed)
            if self.index_
            else []
        )
        return self.learn(queries)

    def learn(self, queries: Sequence[LabelledQuery]) -> Self:
        """Fit the ranker and the calibration to queries whose relatives are known."""
        self.ranker_ = PairRanker().fit(queries)
        self.calibration_ = RelatednessCalibration().fit(self.ranker_, queries)
        return self

    def predict(self, reports: Sequence[IncidentReport]) -> list[SimilarPrediction]:
        """Search the examples; a loaded model finds nothing, because they are not saved with it."""
        self._check_trained()
        index = getattr(self, "index_", None)
        if index is None:
            return [SimilarPrediction() for _ in reports]
        return self.search(reports, index, self.records_)

    def rehearse(self, reports: Sequence[IncidentReport]) -> list[SimilarPrediction]:
        """Search for each report among copies of all reports; the copies have no title and time."""
        past = [
            ResolvedIncident(
                replace(report, id=f"past {report.id}", opened_at=None, title=""), Outcome()
            )
            for report in reports
        ]
        index = IncidentIndex(open_encoder(self.encoder))
        index.upsert(past)
        return self.search(reports, index, ListedRecords(past), cutoff=0)

    def search(
        self,
        reports: Sequence[IncidentReport],
        index: IncidentIndex,
        records: PastRecords,
        *,
        limit: int = DEFAULT_LIMIT,
        cutoff: float | None = None,
    ) -> list[SimilarPrediction]:
        """Return for each report, in order, at most `limit` related incidents of an index.

        Incidents with a relatedness below `cutoff`, by default the calibration's `cutoff_`, are
        left out. Near-copies share one entry. Of about equally related incidents, those with the
        better documented resolution come first, then the newest. Raises `NotTrained`.
        """
        self._check_trained()
        least = self.calibration_.cutoff_ if cutoff is None else cutoff
        common = index.statistics()
        views = view_reports(reports, open_encoder(self.encoder))
        answers = []
        for report, view in zip(reports, views, strict=True):
            candidates = index.candidates(view, max(_CANDIDATES, limit))
            related = _RelatedCandidates(
                report, view, candidates, self._relate(view, candidates, common)
            )
            answers.append(
                _answer(related, records, common, limit, least, self.calibration_.cutoff_)
            )
        return answers

    def _relate(self, view: SearchView, candidates: Candidates, common: IndexStatistics) -> Floats:
        if not len(candidates):
            return np.empty(0)
        features = pair_features(view, candidates, common)
        return self.calibration_.predict(self.ranker_.score(features), alike_groups(candidates))

    def _check_trained(self) -> None:
        if not hasattr(self, "calibration_"):
            raise NotTrained("the model of similar incidents has not been fitted; call fit first")

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        for name in ("index_", "records_"):
            state.pop(name, None)
        return state


def _answer(
    related: _RelatedCandidates,
    records: PastRecords,
    common: IndexStatistics,
    limit: int,
    least: float,
    open_cutoff: float,
) -> SimilarPrediction:
    dismissed = records.dismissed(related.report.id)
    ids = related.candidates.ids
    rows = _order_rows(related, least)[: _READ_AHEAD * limit]
    groups = collapse_copies(related.candidates, rows)
    # Dismissing an incident dismisses its near-copies too.
    groups = [group for group in groups if not any(ids[row] in dismissed for row in group)]
    past = records.find([ids[row] for group in groups[: 2 * limit] for row in group])
    stored_groups = ([row for row in group if ids[row] in past] for group in groups)
    shown_groups = islice(filter(None, stored_groups), limit)
    query = parse_query(related.report)
    similar = tuple(_entry(related, group, past, query, common) for group in shown_groups)
    return SimilarPrediction(similar, _open_match(related, records, common, open_cutoff, dismissed))


def _order_rows(related: _RelatedCandidates, least: float) -> list[int]:
    """Return the rows with a relatedness of at least `least`, in the order of display."""
    candidates, relatedness = related.candidates, related.relatedness
    rows = np.flatnonzero(relatedness >= least).tolist()
    rows.sort(key=lambda row: -relatedness[row])
    ordered_rows: list[int] = []
    for tied_rows in _split_ties(rows, relatedness):
        ordered_rows += sorted(
            tied_rows,
            key=lambda row: (
                -candidates.documentation[row],
                -candidates.opened[row],
                candidates.ids[row],
            ),
        )
    return ordered_rows


def _split_ties(rows: Sequence[int], relatedness: Floats) -> Iterator[list[int]]:
    tied_rows: list[int] = []
    for row in rows:
        if tied_rows and relatedness[row] < (1 - _TIE) * relatedness[tied_rows[0]]:
            yield tied_rows
            tied_rows = []
        tied_rows.append(row)
    if tied_rows:
        yield tied_rows


def _entry(
    related: _RelatedCandidates,
    group: Sequence[int],
    past: Mapping[str, ResolvedIncident],
    query: ParsedQuery,
    common: IndexStatistics,
) -> SimilarIncident:
    first = past[related.candidates.ids[group[0]]]
    return write_entry(
        first,
        relatedness=float(related.relatedness[group].max()),
        copies=[related.candidates.ids[row] for row in group[1:]],
        why=match_reasons(query, first.report, common),
    )


def _open_match(
    related: _RelatedCandidates,
    records: PastRecords,
    common: IndexStatistics,
    least: float,
    dismissed: Collection[str],
) -> OpenMatch | None:
    """Return the most related open incident that was opened before the report; None if none was.

    Only candidates that were opened within the 14 days before the report are considered.
    """
    for row in _order_rows(related, least):
        incident = _open_incident(related, row, records)
        if incident is None or incident.report.id in dismissed:
            continue
        match = write_open_match(
            incident,
            relatedness=float(related.relatedness[row]),
            members=records.members(incident.report.id),
            why=match_reasons(parse_query(related.report), incident.report, common),
        )
        if match is not None:
            return match
    return None


def _open_incident(
    related: _RelatedCandidates, row: int, records: PastRecords
) -> ResolvedIncident | None:
    """Return a candidate's original incident, None if it cannot be an open match.

    The original is the incident that the candidate duplicates, or else the candidate itself. Both
    must be open, the candidate must be recent, and the original must be earlier than the report.
    """
    candidates, report_opened = related.candidates, related.view.opened
    if not candidates.is_open[row] or candidates.opened[row] == UNKNOWN_TIME:
        return None
    if report_opened is None:
        report_opened = int(datetime.now(UTC).timestamp())
    if report_opened - candidates.opened[row] > _OPEN_SECONDS:
        return None
    original = _find_original(candidates.ids[row], records)
    if original is None or not original.outcome.is_open:
        return None
    return original if _is_earlier(original.report, related.report) else None


def _is_earlier(past: IncidentReport, report: IncidentReport) -> bool:
    """Tell whether a past incident was opened before a report, or may have been (unknown time)."""
    if past.id == report.id:
        return False
    if past.opened_at is None or report.opened_at is None:
        return True
    return past.opened_at < report.opened_at


def _find_original(id: str, records: PastRecords) -> ResolvedIncident | None:  # noqa: A002
    """Follow `duplicate_of` links from an incident; return the last one, None for an unknown id.

    Without a link to a known incident, the result is the incident itself. If the links form a
    circle, the last incident is the one before the first repetition.
    """
    visited, incident = {id}, records.find([id]).get(id)
    while incident is not None:
        link = incident.outcome.duplicate_of
        original = None if link is None or link in visited else records.find([link]).get(link)
        if original is None:
            break
        visited.add(original.report.id)
        incident = original
    return incident
