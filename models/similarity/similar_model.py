"""The kind `similar`: past incidents related to a report, and an open incident it duplicates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder_weights import MINILM, open_encoder
from features.errors import NotTrained
from features.search.candidates import UNKNOWN_TIME, Candidates
from features.search.incident_index import IncidentIndex
from features.search.query import SearchView, view_reports
from models.base.predictions import (
    Occurrences,
    SimilarIncident,
    SimilarPrediction,
)
from models.base.report_model import ReportModel
from models.similarity.deduplication import collapse_copies, copies_of
from models.similarity.match_reasons import ParsedQuery, match_reasons, parse_query
from models.similarity.open_match import find_open_match
from models.similarity.pair_features import FEATURES, pair_features
from models.similarity.pair_ranker import PairRanker, RelatednessCalibration
from models.similarity.pair_statistics import PairStatistics, measure_statistics
from models.similarity.related_candidates import RelatedCandidates, order_candidates
from models.similarity.result_entries import (
    ListedRecords,
    PastRecords,
    write_entry,
)
from models.similarity.stranger_cohort import draw_cohort
from models.similarity.training_pairs import LabelledQuery, PairJudgement, labelled_queries

DEFAULT_LIMIT = 10

_CANDIDATES = 100
# Past incidents are read once for this many reports; more would hold more vectors meanwhile.
_ANSWERED_AT_ONCE = 8

Floats = NDArray[np.float64]


class SimilarModel(ReportModel):
    """Finds the past incidents of an index that are related to a report.

    The model learns a ranker of pairs and the calibration of its scores. Both start from shipped
    constants and adapt as links become known. How related a pair is depends on the two incidents
    and on what is frozen when the model learns: the statistics of the history and a cohort of
    strangers. Other incidents of an index never change it.

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
        if index is None:
            index = IncidentIndex(open_encoder(self.encoder))
            index.upsert(examples)
        self.index_, self.records_ = index, ListedRecords(examples)
        return self.learn(self.label(examples, index, judgements))

    def label(
        self,
        examples: Sequence[ResolvedIncident],
        index: IncidentIndex,
        judgements: Sequence[PairJudgement] = (),
    ) -> list[LabelledQuery]:
        """Freeze statistics and cohort of an index of the examples; return labelled queries."""
        self.statistics_ = measure_statistics(index)
        self.cohort_ = draw_cohort(index, self.seed)
        return labelled_queries(
            examples, index, self.statistics_, self.cohort_, judgements, seed=self.seed
        )

    def learn(self, queries: Sequence[LabelledQuery]) -> Self:
        """Fit the ranker and the calibration to the queries that `label` returned."""
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
        left out. The most related come first; of equally related incidents, those with the better
        documented resolution, then the newest. Near-copies share one entry, which shows the best
        documented one. Undocumented incidents with the text and service of the report say only that
        the issue occurred again, so they are counted in the first documented entry. Raises
        `NotTrained`.
        """
        self._check_trained()
        least = self.calibration_.cutoff_ if cutoff is None else cutoff
        views = view_reports(reports, open_encoder(self.encoder))
        answers = []
        for start in range(0, len(reports), _ANSWERED_AT_ONCE):
            block = slice(start, start + _ANSWERED_AT_ONCE)
            found = [
                self._find(report, view, index, max(_CANDIDATES, limit))
                for report, view in zip(reports[block], views[block], strict=True)
            ]
            with records.one_state():
                answers += _answer(found, records, self.statistics_, limit, least)
        return answers

    def _find(
        self, report: IncidentReport, view: SearchView, index: IncidentIndex, count: int
    ) -> RelatedCandidates:
        candidates = index.candidates(view, count)
        relatedness = self._relate(view, candidates)
        return order_candidates(report, view, candidates, relatedness, self.calibration_.cutoff_)

    def _relate(self, view: SearchView, candidates: Candidates) -> Floats:
        features = pair_features(view, candidates, self.statistics_)
        strangers = self.cohort_.pair(view, candidates, self.statistics_)
        odds = self.ranker_.odds(features, strangers)
        return self.calibration_.predict(odds, features[:, FEATURES.index("text_cosine")])

    def _check_trained(self) -> None:
        if not hasattr(self, "calibration_"):
            raise NotTrained("the model of similar incidents has not been fitted; call fit first")

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        for name in ("index_", "records_"):
            state.pop(name, None)
        return state


def _answer(
    found: Sequence[RelatedCandidates],
    records: PastRecords,
    statistics: PairStatistics,
    limit: int,
    least: float,
) -> list[SimilarPrediction]:
    """Return one prediction for each search; what they need is read from the records together."""
    dismissed = records.dismissed([related.report.id for related in found])
    searches = [(related, frozenset(dismissed.get(related.report.id, ()))) for related in found]
    # Some incidents may have been deleted since they were indexed, so more are looked up.
    groups_of = [
        _choose_groups(related, unrelated, least)[: 2 * limit] for related, unrelated in searches
    ]
    shown_ids = (
        related.candidates.ids[row]
        for related, groups in zip(found, groups_of, strict=True)
        for row in chain.from_iterable(groups)
    )
    past = records.find(list(dict.fromkeys(shown_ids)))
    answers = []
    for (related, unrelated), groups in zip(searches, groups_of, strict=True):
        query = parse_query(related.report, statistics)
        similar = _write_entries(related, groups, query, past)
        open_match = find_open_match(related, query, records, unrelated)
        answers.append(SimilarPrediction(tuple(islice(similar, limit)), open_match))
    return answers


def _choose_groups(
    related: RelatedCandidates, dismissed: frozenset[str], least: float
) -> list[list[int]]:
    """Return the groups of near-copies that reach the cutoff, in the order of display."""
    # Dismissing an incident dismisses its near-copies too.
    kept = [
        group
        for group in _group_rows(related)
        if not dismissed or dismissed.isdisjoint(_member_ids(related.candidates, group))
    ]
    return [
        group
        for group in _join_recurrences(related, kept)
        if related.relatedness[group[0]] >= least
    ]


def _write_entries(
    related: RelatedCandidates,
    groups: Sequence[Sequence[int]],
    query: ParsedQuery,
    past: Mapping[str, ResolvedIncident],
) -> Iterator[SimilarIncident]:
    ids = related.candidates.ids
    for group in groups:
        stored = [row for row in group if ids[row] in past]
        if stored:
            shown = past[ids[stored[0]]]
            yield write_entry(
                shown,
                relatedness=float(related.relatedness[stored[0]]),
                copies=_member_ids(related.candidates, stored)[1:],
                occurrences=_count_occurrences(related.candidates, stored),
                reasons=match_reasons(query, shown.report),
            )


def _group_rows(related: RelatedCandidates) -> list[list[int]]:
    """Return the rows in groups of near-copies, in the order of display; the first row is shown."""
    candidates, relatedness = related.candidates, related.relatedness
    by_relatedness = related.rows
    is_below = (relatedness < related.cutoff).tolist()
    documentation = candidates.documentation.tolist()
    # Of near-copies, the best documented one is shown, if it is related closely enough. It comes
    # first, so undocumented incidents never change the groups of documented ones.
    best_first = sorted(
        by_relatedness,
        key=lambda row: (is_below[row], -documentation[row]),
    )
    groups = {group[0]: group for group in collapse_copies(candidates, best_first)}
    return [groups[row] for row in by_relatedness if row in groups]


def _join_recurrences(related: RelatedCandidates, groups: list[list[int]]) -> list[list[int]]:
    """Move undocumented near-copies of the report into the first documented group."""
    candidates = related.candidates
    is_shown = related.relatedness >= related.cutoff
    documented = [
        group for group in groups if candidates.documentation[group[0]] and is_shown[group[0]]
    ]
    if not documented:
        return groups
    may_recur = (candidates.services == related.view.service) & (candidates.documentation == 0)
    is_recurrence = copies_of(related.view, candidates, among=may_recur, fewest_terms=1)
    joined = [group for group in groups if is_recurrence[group[0]]]
    documented[0] += [row for group in joined for row in group]
    return [group for group in groups if group not in joined]


def _member_ids(candidates: Candidates, group: Sequence[int]) -> list[str]:
    """Return the ids of a group's rows, and then of all incidents with the same texts."""
    rows = [candidates.ids[row] for row in group]
    recurrences = (candidates.recurrences[candidates.texts[row]].ids for row in group)
    return list(dict.fromkeys(chain(rows, chain.from_iterable(recurrences))))


def _count_occurrences(candidates: Candidates, group: Sequence[int]) -> Occurrences:
    texts = [candidates.recurrences[text] for text in {candidates.texts[row] for row in group}]
    last = max(of_text.last_opened for of_text in texts)
    return Occurrences(
        count=sum(len(of_text.ids) for of_text in texts),
        last_at=None if last == UNKNOWN_TIME else datetime.fromtimestamp(last, UTC),
        with_fix=sum(of_text.with_fix for of_text in texts),
    )
