"""Finding past incidents about the same trouble: ours beside BM25, MiniLM and their rank fusion.

`python tests/benchmarks/similar_retrieval.py` measures without writing anything.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from time import perf_counter

import numpy as np
from comparison import OURS, Comparison
from figures import Floats
from linked_reports import LinkedReports, load_openoffice, load_seamonkey, without_links
from numpy.typing import NDArray
from results import comparison_section, describe_run, render
from retrieval_peers import PEERS, bm25_scores, encode_for_retrieval, retrieval_text, with_fusion
from rich.console import Console

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder_weights import MINILM, open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.home import Home, open_home
from features.search.incident_index import IncidentIndex
from features.text.cleaning import clean_text, incident_text
from models.classification.scorers.scorer import Rows
from models.similarity.duplicate_groups import UNLINKED
from models.similarity.result_entries import ListedRecords
from models.similarity.similar_model import SimilarModel
from training.evaluation.metrics import compare, measure
from training.evaluation.search_metrics import (
    JudgedSearches,
    recall_at,
    shown_precision,
    shown_share_of_answerable,
)

UNTAUGHT = f"{OURS}, no links"

_FOLDS = 5
_DEEPEST = 10
_NOT_FOUND = 1_000_000

Flags = NDArray[np.bool_]
Figures = Mapping[str, Callable[[JudgedSearches, Floats], float]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a contender found, and the wall seconds of its searches."""

    judged: JudgedSearches
    seconds: float


Found = dict[str, Answers]


@dataclass(frozen=True, slots=True)
class Searches:
    """Rows of the queries and of what they search among, and whether only the past is seen."""

    queries: Rows
    indexed: Rows
    is_timed: bool


@dataclass(frozen=True, slots=True)
class Fold:
    """The rows of one fold: the first report of each group, its others, and the other folds'."""

    first: Rows
    later: Rows
    others: Rows


class Contest:
    """Everyone searches the same linked reports."""

    def __init__(self, linked: LinkedReports, home: Home) -> None:
        self.linked = linked
        self.reports = [incident.report for incident in linked.incidents]
        self._home = home
        self._opened = np.array([report.opened_at.timestamp() for report in self.reports])
        self._records = ListedRecords(linked.incidents)
        self._rows = {report.id: row for row, report in enumerate(self.reports)}
        encode_for_search(self.reports, home)

    def ours(
        self,
        name: str,
        model: SimilarModel,
        index: IncidentIndex,
        searches: Searches,
        cutoff: float | None,
    ) -> Found:
        """Search with a model in an index that holds what is searched."""
        reports = [self.reports[row] for row in searches.queries]
        if not searches.is_timed:
            reports = [replace(report, opened_at=None) for report in reports]
        started = perf_counter()
        answers = model.search(reports, index, self._records, limit=_DEEPEST, cutoff=cutoff)
        seconds = perf_counter() - started
        columns = np.full(len(self.reports), -1)
        columns[searches.indexed] = np.arange(len(searches.indexed))
        ranks = []
        for answer, relatives in zip(answers, self._relatives(searches), strict=True):
            are_relatives = [relatives[columns[self._rows[match.id]]] for match in answer.similar]
            ranks.append(are_relatives.index(True) if True in are_relatives else _NOT_FOUND)
        is_shown = np.array([bool(answer.similar) for answer in answers])
        sure = np.array([answer.confidence for answer in answers])
        return {name: Answers(self._judged(searches, np.array(ranks), is_shown, sure), seconds)}

    def peers(self, searches: Searches) -> Found:
        """Search with each peer; they always show their best."""
        texts = [retrieval_text(report) for report in self.reports]
        vectors = encode_for_retrieval(texts, self._home)
        started = perf_counter()
        rows = searches.queries, searches.indexed
        words = bm25_scores(*([texts[row] for row in some] for some in rows))
        meaning = vectors[searches.queries] @ vectors[searches.indexed].T
        is_hidden = ~self._visible(searches)
        words[is_hidden] = meaning[is_hidden] = -np.inf
        is_relative = self._relatives(searches)
        seconds = perf_counter() - started
        sure = np.ones(len(searches.queries))
        return {
            name: Answers(
                self._judged(searches, _ranks(scores, is_relative), sure > 0, sure), seconds
            )
            for name, scores in with_fusion(words, meaning).items()
        }

    def with_relative(self, searches: Searches) -> Searches:
        """Return the searches that have something to find."""
        return replace(searches, queries=searches.queries[self._relatives(searches).any(axis=1)])

    def _visible(self, searches: Searches) -> Flags:
        """Tell what each query may find, of shape (queries, indexed)."""
        is_other = searches.queries[:, None] != searches.indexed[None]
        if not searches.is_timed:
            return is_other
        queries, indexed = self._opened[searches.queries], self._opened[searches.indexed]
        return is_other & (indexed[None] < queries[:, None])

    def _relatives(self, searches: Searches) -> Flags:
        queries, indexed = (
            self.linked.groups[searches.queries],
            self.linked.groups[searches.indexed],
        )
        is_same = (queries[:, None] == indexed[None]) & (queries[:, None] != UNLINKED)
        return is_same & self._visible(searches)

    def _judged(self, searches: Searches, ranks, is_shown: Flags, sure: Floats) -> JudgedSearches:
        groups = self.linked.groups[searches.queries]
        alone = len(self.reports) + searches.queries
        return JudgedSearches(
            ranks=ranks,
            baseline_ranks=ranks,
            has_relevant=self._relatives(searches).any(axis=1),
            is_shown=is_shown,
            is_right=is_shown & (ranks < 1),
            confidence=sure,
            weights=np.ones(len(ranks)),
            blocks=np.where(groups == UNLINKED, alone, groups),
        )


def encode_for_search(reports: Sequence[IncidentReport], home: Home) -> None:
    """Encode the texts and titles of reports, or find them in the cache."""
    encoder = open_encoder(MINILM)
    texts = [
        text for report in reports for text in (incident_text(report), clean_text(report.title))
    ]
    cache = EncodingCache(home.encodings, encoder)
    encode_ahead(encoder, [text for text in texts if text], cache, lambda _: None)


def _ranks(scores: Floats, is_relative: Flags) -> Floats:
    """Return the place of the best relative; of equal scores half come first, as in a draw."""
    best = np.where(is_relative, scores, -np.inf).max(axis=1, keepdims=True)
    before = ((scores > best) & ~is_relative).sum(axis=1)
    beside = ((scores == best) & ~is_relative).sum(axis=1)
    return np.where(is_relative.any(axis=1), before + beside / 2, _NOT_FOUND)


RECALLS: Figures = {
    f"recall@{place}": lambda judged, weight, place=place: recall_at(
        place, judged, judged.ranks, weight
    )
    for place in (1, _DEEPEST)
}


def right_share(judged: JudgedSearches, weight: Floats) -> float:
    """Return the share of searches with a relative that show one first."""
    weight = weight * judged.has_relevant
    return float(weight[judged.is_right].sum() / weight.sum())


SHOWN: Figures = {
    "precision of the first shown": shown_precision,
    "share with a relative that show something": shown_share_of_answerable,
    "share with a relative that show it first": right_share,
}


_FOLDED = (
    f"{_FOLDS} folds of groups: the others' reports and the first of each judged group are "
    "searched for the judged group's other reports"
)
_SETTINGS = {
    "similar": _FOLDED,
    "similar, past only": f"{_FOLDED}; only what was opened before",
    "similar, shown": f"{_FOLDED}; only what was opened before, and half of the judged groups lack "
    "their first",
}


def compare_openoffice(home: Home, rows: int | None = None) -> Iterator[tuple[str, Comparison]]:
    """Yield the comparison by recall, with and without a view of time, and by what is shown."""
    contest = Contest(load_openoffice(rows), home)
    answers = search_openoffice(contest, with_peers=True)
    for title, split in _SETTINGS.items():
        yield title, _compared(answers[title], SHOWN if "shown" in title else RECALLS, split)


def search_openoffice(
    contest: Contest, *, with_peers: bool, folds: int = _FOLDS
) -> dict[str, Found]:
    """Return what everyone finds, in each of the settings, on the first of the folds."""
    parts = [_search_fold(contest, fold, with_peers) for fold in _folds(contest.linked)[:folds]]
    return {title: _joined([part[title] for part in parts]) for title in _SETTINGS}


def compare_seamonkey(home: Home, rows: int | None = None) -> Iterator[tuple[str, Comparison]]:
    """Yield the comparisons on a tracker that nothing was learned from, by recall and by shown."""
    contest = Contest(load_seamonkey(rows), home)
    answers = search_seamonkey(contest, with_peers=True)
    split = "each issue is searched for in its past; no link of this tracker was learned from"
    yield "similar", _compared(answers["similar"], RECALLS, split)
    yield (
        "similar, shown",
        _compared(
            answers["similar, shown"],
            SHOWN,
            f"{split}; many repeats are not linked here, and count as wrong",
        ),
    )


def search_seamonkey(contest: Contest, *, with_peers: bool) -> dict[str, Found]:
    """Return what everyone finds for the issues with a relative, and for all issues."""
    rows = np.arange(len(contest.reports))
    everything = Searches(rows, rows, is_timed=True)
    settings = {
        "similar": (contest.with_relative(everything), 0),
        "similar, shown": (everything, None),
    }
    index, model = _learn(without_links(contest.linked.incidents))
    return {
        title: contest.ours(OURS, model, index, searches, cutoff)
        | (contest.peers(searches) if with_peers else {})
        for title, (searches, cutoff) in settings.items()
    }


def _search_fold(contest: Contest, fold: Fold, with_peers: bool) -> dict[str, Found]:
    others = [contest.linked.incidents[row] for row in fold.others]
    _, untaught = _learn(without_links(others))
    index, taught = _learn(others)
    index.upsert([contest.linked.incidents[row] for row in fold.first])
    indexed, lost = np.concatenate([fold.others, fold.first]), fold.first[::2]
    settings = (
        (Searches(fold.later, indexed, is_timed=False), 0),
        (Searches(fold.later, indexed, is_timed=True), 0),
        (Searches(fold.later, np.setdiff1d(indexed, lost), is_timed=True), None),
    )
    answers_of = {}
    for title, (searches, cutoff) in zip(_SETTINGS, settings, strict=True):
        if len(searches.indexed) < len(indexed):
            index.remove([contest.reports[row].id for row in lost])
        answers_of[title] = contest.ours(OURS, taught, index, searches, cutoff)
        answers_of[title] |= contest.ours(UNTAUGHT, untaught, index, searches, cutoff)
        answers_of[title] |= contest.peers(searches) if with_peers else {}
    return answers_of


def _learn(incidents: Sequence[ResolvedIncident]) -> tuple[IncidentIndex, SimilarModel]:
    """Learn from the links of a history as training does, if it has any."""
    index = IncidentIndex(open_encoder(MINILM))
    index.upsert(incidents)
    model = SimilarModel()
    return index, model.learn(model.label(incidents, index))


def _folds(linked: LinkedReports) -> list[Fold]:
    rows = np.arange(len(linked.groups))
    _, first = np.unique(linked.groups, return_index=True)
    fold_of = np.random.default_rng(0).permutation(len(first)) % _FOLDS
    is_first = np.isin(rows, first)
    folds = []
    for fold in range(_FOLDS):
        is_judged = fold_of[linked.groups] == fold
        folds.append(
            Fold(rows[is_judged & is_first], rows[is_judged & ~is_first], rows[~is_judged])
        )
    return folds


def _joined(parts: Sequence[Found]) -> Found:
    return {
        name: Answers(
            JudgedSearches(
                *(
                    np.concatenate([getattr(part[name].judged, field.name) for part in parts])
                    for field in fields(JudgedSearches)
                )
            ),
            sum(part[name].seconds for part in parts),
        )
        for name in parts[0]
    }


def _compared(found: Found, figures: Figures, split: str) -> Comparison:
    judged = {name: answers.judged for name, answers in found.items()}
    peers = {name: answers for name, answers in judged.items() if name in PEERS}
    best = {
        title: max(peers, key=lambda name: figure(peers[name], np.ones(len(peers[name]))))
        for title, figure in figures.items()
    }
    return Comparison(
        rows=len(judged[OURS]),
        split=split,
        seconds={name: answers.seconds for name, answers in found.items()},
        figures={
            name: {title: measure(figure, answers) for title, figure in figures.items()}
            for name, answers in judged.items()
        },
        differences={
            title: (best[title], compare(figure, judged[OURS], peers[best[title]]))
            for title, figure in figures.items()
        },
    )


def main() -> None:
    """Measure and show."""
    home = open_home()
    run = describe_run(" ".join(["python tests/benchmarks/similar_retrieval.py", *sys.argv[1:]]))
    measured = {"seamonkey-issues": compare_seamonkey, "openoffice": compare_openoffice}
    for name, compared in measured.items():
        for title, comparison in compared(home):
            section = comparison_section(comparison, run)
            Console().print(render(f"{name}: {title}", section), markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
