"""Measures how much the most relevant words and facts of a report add to a label's confidence."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Protocol, TypeVar

import numpy as np
from scipy.special import logit

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports
from features.encoding.token_counts import token_columns, with_pairs
from models.base.predictions import Evidence, FieldWeight, TokenWeight
from models.classification.evidence.evidence_words import is_content_word, locate_token
from models.classification.evidence.removals import (
    ReadReport,
    Removal,
    encode_without,
    read_report,
)
from models.classification.scorers.linear import LinearScorer
from models.classification.scorers.scorer import Floats, Rows, Scorer, spread_scores

_TOKENS = 6
_FIELDS = 5
_REPORTS_AT_ONCE = 64
_CERTAIN = 1e-9

Scores = Mapping[str, Floats]
Weight = TypeVar("Weight", TokenWeight, FieldWeight)


class ScoredPool(Protocol):
    """Experts that score reports."""

    @property
    def classes(self) -> int:
        """The number of classes."""

    @property
    def experts(self) -> Mapping[str, Scorer]:
        """The experts by name."""

    def score(self, encoded: EncodedReports) -> Floats:
        """Return scores of shape (experts, reports, classes)."""
        ...


@dataclass(frozen=True, slots=True)
class ScoredReports:
    """Encoded reports with what a model says about them.

    `scores` are those of each pool, `probabilities` of shape (reports, classes) what the model
    makes of them, and `predicted` the numbers of the predicted classes.
    """

    reports: Sequence[IncidentReport]
    encoded: EncodedReports
    scores: Scores
    probabilities: Floats
    predicted: Rows

    def block(self, start: int, stop: int) -> "ScoredReports":
        """Return the reports from `start` up to, not including, `stop`."""
        if start == 0 and stop >= len(self.reports):
            return self
        rows = np.arange(start, min(stop, len(self.reports)))
        return ScoredReports(
            self.reports[start:stop],
            self.encoded.once(("block", start), partial(self.encoded.take, rows)),
            {name: scores[:, rows] for name, scores in self.scores.items()},
            self.probabilities[rows],
            self.predicted[rows],
        )


@dataclass(frozen=True, slots=True)
class Explainer:
    """Weighs words and facts by how a model's confidence changes without them.

    A weight is the decrease in the log-odds of the label's confidence if a word is removed from
    title and description, or if a fact is removed; a negative weight is evidence against the label.
    Sentence vectors are not computed again, because that would take longer than all other steps. So
    the full effect of a word is often larger than its weight; the median difference on the data
    sets of `tests/benchmarks` was a third. `combine` turns the pools' scores into the model's
    probabilities.
    """

    pools: Mapping[str, ScoredPool]
    combine: Callable[[Scores], Floats]

    def removals(self, batch: ScoredReports, read: Sequence[ReadReport]) -> list[Removal]:
        """Return what to remove: the likely words and the learned facts of each report."""
        return [*self._likely_words(batch, read), *self._learned_facts(batch)]

    def weigh(
        self, batch: ScoredReports, removals: Sequence[Removal], edited: EncodedReports
    ) -> Floats:
        """Return for each removal the decrease in its label's confidence, in log-odds.

        `edited` has the reports without what is removed, one row for each removal.
        """
        rows = [removal.row for removal in removals]
        scores = {
            name: _score_again(pool, edited, batch.scores[name][:, rows])
            for name, pool in self.pools.items()
        }
        predicted = batch.predicted[rows]
        before = batch.probabilities[rows, predicted]
        after = self.combine(scores)[np.arange(len(rows)), predicted]
        odds = logit(np.clip([before, after], _CERTAIN, 1 - _CERTAIN))
        return np.asarray(odds[0] - odds[1])

    def _likely_words(self, batch: ScoredReports, read: Sequence[ReadReport]) -> list[Removal]:
        """Return removals of the words with the largest absolute margins in linear experts."""
        sums: list[dict[str, float]] = [defaultdict(float) for _ in read]
        for scorer in self._linear_scorers():
            for row, margins in enumerate(_margins_of_words(scorer, batch, read)):
                for word, margin in margins.items():
                    sums[row][word] += abs(margin)
        return [
            Removal(row, word=word) for row, words in enumerate(sums) for word in _largest(words)
        ]

    def _linear_scorers(self) -> list[LinearScorer]:
        """Return the linear experts; with very few labels there are none."""
        experts = (pool.experts.get("linear") for pool in self.pools.values())
        return [expert for expert in experts if isinstance(expert, LinearScorer)]

    def _learned_facts(self, batch: ScoredReports) -> list[Removal]:
        learned = {name for scorer in self._linear_scorers() for name in scorer.fact_names()}
        return [
            Removal(row, fact=name)
            for row, facts in enumerate(batch.encoded.facts)
            for name in facts
            if name in learned
        ]


def explain_together(
    explainers: Sequence[Explainer], batches: Sequence[ScoredReports]
) -> list[list[Evidence]]:
    """Return the evidence of several models about the same reports, one list for each model.

    Each report's tokens and fields have the largest absolute weights, the largest first. What any
    of the models removes is encoded once for all of them.
    """
    evidence: list[list[Evidence]] = [[] for _ in explainers]
    for places in _with_same_encoding(batches):
        for start in range(0, len(batches[places[0]].reports), _REPORTS_AT_ONCE):
            blocks = [batches[place].block(start, start + _REPORTS_AT_ONCE) for place in places]
            explained = _explain_block([explainers[place] for place in places], blocks)
            for place, of_model in zip(places, explained, strict=True):
                evidence[place] += of_model
    return evidence


def _with_same_encoding(batches: Sequence[ScoredReports]) -> list[list[int]]:
    """Return the places of batches in groups that share their encoded reports."""
    groups: dict[int, list[int]] = defaultdict(list)
    for place, batch in enumerate(batches):
        groups[id(batch.encoded)].append(place)
    return list(groups.values())


def _explain_block(
    explainers: Sequence[Explainer], batches: Sequence[ScoredReports]
) -> list[list[Evidence]]:
    encoded, reports = batches[0].encoded, batches[0].reports
    read = [read_report(report) for report in reports]
    wanted = [
        explainer.removals(batch, read)
        for explainer, batch in zip(explainers, batches, strict=True)
    ]
    removals = list(dict.fromkeys(chain.from_iterable(wanted)))
    if not removals:
        return [[Evidence()] * len(reports) for _ in explainers]
    edited = encode_without(encoded, read, removals)
    place_of = {removal: place for place, removal in enumerate(removals)}
    evidence = []
    for explainer, batch, own in zip(explainers, batches, wanted, strict=True):
        weights = explainer.weigh(batch, removals, edited)[[place_of[removal] for removal in own]]
        weighed = [
            (removal, round(float(weight), 4)) for removal, weight in zip(own, weights, strict=True)
        ]
        evidence.append(_evidence(reports, encoded.facts, weighed))
    return evidence


def _evidence(
    reports: Sequence[IncidentReport],
    facts: Sequence[Mapping[str, str]],
    weighed: Sequence[tuple[Removal, float]],
) -> list[Evidence]:
    """Return each report's evidence, of what was removed from it and its weight."""
    tokens: list[list[TokenWeight]] = [[] for _ in reports]
    fields: list[list[FieldWeight]] = [[] for _ in reports]
    for removal, weight in weighed:
        row = removal.row
        if removal.fact is not None:
            fields[row].append(FieldWeight(removal.fact, facts[row][removal.fact], weight))
        elif removal.word is not None:
            located = locate_token(TokenWeight(removal.word, weight), reports[row])
            tokens[row] += [] if located is None else [located]
    return [
        Evidence(tokens=_strongest(words, _TOKENS), fields=_strongest(values, _FIELDS))
        for words, values in zip(tokens, fields, strict=True)
    ]


def _largest(margins: Mapping[str, float]) -> list[str]:
    """Return the content words of largest margin."""
    words = sorted(margins, key=lambda word: (-margins[word], word))
    return list(islice(filter(is_content_word, words), _TOKENS))


def _strongest(weights: Sequence[Weight], count: int) -> tuple[Weight, ...]:
    nonzero = [weight for weight in weights if weight.weight]
    return tuple(sorted(nonzero, key=lambda weight: -abs(weight.weight))[:count])


def _score_again(pool: ScoredPool, edited: EncodedReports, before: Floats) -> Floats:
    """Return the scores of edited reports; experts that read vectors only keep theirs."""
    scores = before.copy()
    for place, expert in enumerate(pool.experts.values()):
        if "text" in expert.reads or "facts" in expert.reads:
            scores[place] = spread_scores(expert.score(edited), expert.classes, pool.classes)
    return scores


def _margins_of_words(
    scorer: LinearScorer, batch: ScoredReports, read: Sequence[ReadReport]
) -> list[dict[str, float]]:
    """Return one total per word for each report: the margins of the word and its word pairs."""
    sums: list[dict[str, float]] = [defaultdict(float) for _ in read]
    for part in ("words", "titles"):
        margins = scorer.contributions(part, batch.encoded, batch.predicted)
        columns = scorer.token_view(part)[0].columns
        for row, report in enumerate(read):
            tokens, hashed = batch.encoded.once(
                ("tokens", part, row), partial(_tokens_of, report, part)
            )
            cells = slice(margins.indptr[row], margins.indptr[row + 1])
            margin_of = dict(
                zip(
                    columns[margins.indices[cells]].tolist(),
                    margins.data[cells].tolist(),
                    strict=True,
                )
            )
            for token, column in zip(tokens, hashed, strict=True):
                margin = margin_of.get(column)
                if margin is not None:
                    for word in token.split(" "):
                        sums[row][word] += margin
    return sums


def _tokens_of(report: ReadReport, part: str) -> tuple[list[str], list[int]]:
    """Return the different tokens of a report's text or title, and their columns."""
    tokens = with_pairs(report.words) if part == "words" else report.title_words
    different = list(dict.fromkeys(tokens))
    return different, token_columns(different).tolist()
