"""Similar incidents: the past ones about the same trouble, or none; and the open one it joins."""

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
    """What a search found for one report: candidates, and how related each is."""

    report: IncidentReport
    view: SearchView
    candidates: Candidates
    relatedness: Floats


class SimilarModel(ReportModel):
    """Judges how related past incidents are to a report; the past itself is in an index.

    What is learned is a ranker of pairs and the calibration of its best; both start from shipped
    constants and move as links come.

    >>> past = ResolvedIncident(
    ...     IncidentReport(id="A", title="card payments fail", description="timeout at gateway"),
    ...     Outcome(resolution="Raised the pool to 40."),
    ... )
    >>> model = SimilarModel(encoder="hashing").fit([past])
    >>> asked = IncidentReport(id="B", title="card payments fail", description="timeout at gateway")
    >>> model.predict([asked])[0].similar[0].resolution
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
        """Learn from the links among the examples and from what people said of pairs.

        Without any, and even without examples, the shipped constants stand. `index` is one that
        holds the examples already, to save building it.
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
        """Fit ranker and calibration to searches whose relatives are known."""
        self.ranker_ = PairRanker().fit(queries)
        self.calibration_ = RelatednessCalibration().fit(self.ranker_, queries)
        return self

    def predict(self, reports: Sequence[IncidentReport]) -> list[SimilarPrediction]:
        """Search among the examples; a loaded model has none, for the past is the store's."""
        self._check_trained()
        index = getattr(self, "index_", None)
        if index is None:
            return [SimilarPrediction() for _ in reports]
        return self.search(reports, index, self.records_)

    def rehearse(self, reports: Sequence[IncidentReport]) -> list[SimilarPrediction]:
        """Search for each among the same reports without titles: alike, but not too much so."""
        past = [
            ResolvedIncident(replace(one, id=f"past {one.id}", opened_at=None, title=""), Outcome())
            for one in reports
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

        None is less related than `cutoff`, by default the calibrated one. Near-copies are one
        entry. Where it makes no difference, incidents come in the order of how well their
        resolution is documented, then the newest first. Raises `NotTrained`.
        """
        self._check_trained()
        least = self.calibration_.cutoff_ if cutoff is None else cutoff
        common = index.statistics()
        views = view_reports(reports, open_encoder(self.encoder))
        answers = []
        for report, view in zip(reports, views, strict=True):
            candidates = index.candidates(view, max(_CANDIDATES, limit))
            found = _RelatedCandidates(
                report, view, candidates, self._relate(view, candidates, common)
            )
            answers.append(_answer(found, records, common, limit, least, self.calibration_.cutoff_))
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
    found: _RelatedCandidates,
    records: PastRecords,
    common: IndexStatistics,
    limit: int,
    least: float,
    open_cutoff: float,
) -> SimilarPrediction:
    dismissed = records.dismissed(found.report.id)
    ids = found.candidates.ids
    rows = _ordered(found, least)[: _READ_AHEAD * limit]
    groups = collapse_copies(found.candidates, rows)
    # Who dismisses an incident does not want to see its copies either.
    groups = [group for group in groups if not any(ids[row] in dismissed for row in group)]
    past = records.find([ids[row] for group in groups[: 2 * limit] for row in group])
    alive = ([row for row in group if ids[row] in past] for group in groups)
    asked = parse_query(found.report)
    similar = tuple(
        _entry(found, group, past, asked, common) for group in islice(filter(None, alive), limit)
    )
    return SimilarPrediction(similar, _open_match(found, records, common, open_cutoff, dismissed))


def _ordered(found: _RelatedCandidates, least: float) -> list[int]:
    """Return the rows that are related enough, in the order in which they are shown."""
    kept = np.flatnonzero(found.relatedness >= least)
    rows = sorted(kept.tolist(), key=lambda row: -found.relatedness[row])
    ordered: list[int] = []
    for tied in _ties(rows, found.relatedness):
        ordered += sorted(
            tied,
            key=lambda row: (
                -found.candidates.documentation[row],
                -found.candidates.opened[row],
                found.candidates.ids[row],
            ),
        )
    return ordered


def _ties(rows: Sequence[int], relatedness: Floats) -> Iterator[list[int]]:
    tied: list[int] = []
    for row in rows:
        if tied and relatedness[row] < (1 - _TIE) * relatedness[tied[0]]:
            yield tied
            tied = []
        tied.append(row)
    if tied:
        yield tied


def _entry(
    found: _RelatedCandidates,
    group: Sequence[int],
    past: Mapping[str, ResolvedIncident],
    asked: ParsedQuery,
    common: IndexStatistics,
) -> SimilarIncident:
    first = past[found.candidates.ids[group[0]]]
    return write_entry(
        first,
        relatedness=float(found.relatedness[group].max()),
        copies=[found.candidates.ids[row] for row in group[1:]],
        why=match_reasons(asked, first.report, common),
    )


def _open_match(
    found: _RelatedCandidates,
    records: PastRecords,
    common: IndexStatistics,
    least: float,
    dismissed: Collection[str],
) -> OpenMatch | None:
    """Return the most related of the incidents that are open and recent; a repeat leads to it."""
    for row in _ordered(found, least):
        first = _open_one(found, row, records)
        if first is None or first.report.id in dismissed:
            continue
        match = write_open_match(
            first,
            relatedness=float(found.relatedness[row]),
            members=records.members(first.report.id),
            why=match_reasons(parse_query(found.report), first.report, common),
        )
        if match is not None:
            return match
    return None


def _open_one(found: _RelatedCandidates, row: int, records: PastRecords) -> ResolvedIncident | None:
    """Return the incident that a recent candidate is or repeats, if it is open."""
    opened, asked_at = found.candidates.opened[row], found.view.opened
    if not found.candidates.is_open[row] or opened == UNKNOWN_TIME:
        return None
    if asked_at is None:
        asked_at = int(datetime.now(UTC).timestamp())
    if asked_at - opened > _OPEN_SECONDS:
        return None
    first = _first_of(found.candidates.ids[row], records)
    if first is None or not first.outcome.is_open or not _is_earlier(first.report, found.report):
        return None
    return first


def _is_earlier(past: IncidentReport, report: IncidentReport) -> bool:
    """Tell whether an incident, which a repeat of it names, was there before a report."""
    if past.id == report.id:
        return False
    if past.opened_at is None or report.opened_at is None:
        return True
    return past.opened_at < report.opened_at


def _first_of(id: str, records: PastRecords) -> ResolvedIncident | None:  # noqa: A002
    """Return the incident that this one repeats, or this one itself; links may form a circle."""
    seen, found = {id}, records.find([id]).get(id)
    while found is not None:
        named = found.outcome.duplicate_of
        first = None if named is None or named in seen else records.find([named]).get(named)
        if first is None:
            break
        seen.add(first.report.id)
        found = first
    return found
