"""Measures how much the most relevant words and facts of a report add to its confidence."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
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
    encode_without_facts,
    encode_without_words,
    read_report,
)
from models.classification.scorers.linear import LinearScorer
from models.classification.scorers.scorer import Floats, Part, Rows, Scorer, spread_scores

_TOKENS = 6
_FIELDS = 5
_REPORTS_AT_ONCE = 512
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
    """Encoded reports with the scores of each pool, and the numbers of the predicted classes."""

    reports: Sequence[IncidentReport]
    encoded: EncodedReports
    scores: Scores
    predicted: Rows

    def blocks(self) -> Iterator["ScoredReports"]:
        """Yield the reports in blocks of limited size."""
        if len(self.reports) <= _REPORTS_AT_ONCE:
            yield self
            return
        for start in range(0, len(self.reports), _REPORTS_AT_ONCE):
            rows = np.arange(start, min(start + _REPORTS_AT_ONCE, len(self.reports)))
            yield ScoredReports(
                self.reports[start : start + _REPORTS_AT_ONCE],
                self.encoded.once(("block", start), partial(self.encoded.take, rows)),
                {name: scores[:, rows] for name, scores in self.scores.items()},
                self.predicted[rows],
            )


@dataclass(frozen=True, slots=True)
class Explainer:
    """Weighs words and facts by how the model's confidence changes without them.

    A weight is the decrease in the log-odds of the label's confidence if a word is removed from
    title and description, or if a fact is removed; a negative weight is evidence against the label.
    Sentence vectors are not computed again, because that would take longer than all other steps. So
    the full effect of a word is often larger than its weight; the median difference on the data
    sets of `tests/benchmarks` was a third. `combine` turns the pools' scores into the model's
    probabilities.
    """

    pools: Mapping[str, ScoredPool]
    combine: Callable[[Scores], Floats]

    def explain(self, batch: ScoredReports) -> list[Evidence]:
        """Return each report's tokens and fields of largest absolute weight, the largest first."""
        return [evidence for block in batch.blocks() for evidence in self._explain_block(block)]

    def _explain_block(self, batch: ScoredReports) -> list[Evidence]:
        read = [
            batch.encoded.once(("read", row), partial(read_report, report))
            for row, report in enumerate(batch.reports)
        ]
        tokens: list[list[TokenWeight]] = [[] for _ in read]
        for removal, weight in self._word_weights(batch, read):
            located = locate_token(
                TokenWeight(removal.word or "", weight), batch.reports[removal.row]
            )
            tokens[removal.row] += [] if located is None else [located]
        fields: list[list[FieldWeight]] = [[] for _ in read]
        for removal, weight in self._fact_weights(batch):
            name = removal.fact or ""
            value = batch.encoded.facts[removal.row][name]
            fields[removal.row].append(FieldWeight(name, value, weight))
        return [
            Evidence(tokens=_strongest(words, _TOKENS), fields=_strongest(facts, _FIELDS))
            for words, facts in zip(tokens, fields, strict=True)
        ]

    def _word_weights(
        self, batch: ScoredReports, read: Sequence[ReadReport]
    ) -> list[tuple[Removal, float]]:
        removals = self._likely_words(batch, read)
        if not removals:
            return []
        edited = encode_without_words(batch.encoded, read, removals)
        return self._effects(batch, removals, edited, "text")

    def _fact_weights(self, batch: ScoredReports) -> list[tuple[Removal, float]]:
        removals = self._learned_facts(batch)
        if not removals:
            return []
        edited = encode_without_facts(batch.encoded, removals)
        return self._effects(batch, removals, edited, "facts")

    def _effects(
        self,
        batch: ScoredReports,
        removals: Sequence[Removal],
        edited: EncodedReports,
        changed: Part,
    ) -> list[tuple[Removal, float]]:
        """Return for each removal the decrease in its label's confidence, in log-odds.

        `edited` are the reports without what is removed, `changed` the part that was edited.
        """
        rows = [removal.row for removal in removals]
        scores = {
            name: _score_again(pool, edited, batch.scores[name][:, rows], changed)
            for name, pool in self.pools.items()
        }
        predicted = batch.predicted[rows]
        before = self.combine(batch.scores)[rows, predicted]
        after = self.combine(scores)[np.arange(len(rows)), predicted]
        odds = logit(np.clip([before, after], _CERTAIN, 1 - _CERTAIN))
        weights = [round(float(weight), 4) for weight in odds[0] - odds[1]]
        return list(zip(removals, weights, strict=True))

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


def _largest(margins: Mapping[str, float]) -> list[str]:
    """Return the content words of largest margin."""
    words = sorted(margins, key=lambda word: (-margins[word], word))
    return list(islice(filter(is_content_word, words), _TOKENS))


def _strongest(weights: Sequence[Weight], count: int) -> tuple[Weight, ...]:
    nonzero = [weight for weight in weights if weight.weight]
    return tuple(sorted(nonzero, key=lambda weight: -abs(weight.weight))[:count])


def _score_again(pool: ScoredPool, edited: EncodedReports, before: Floats, changed: Part) -> Floats:
    """Return the scores of edited reports; experts that do not read the edited part keep theirs."""
    scores = before.copy()
    for place, expert in enumerate(pool.experts.values()):
        if changed in expert.reads:
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
