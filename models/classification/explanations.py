"""Measures how much the most relevant words and facts of a report add to its confidence."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import logit
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import Pipeline

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import (
    TOKEN_COLUMNS,
    EncodedReports,
    encode_edited,
    title_counter,
    word_counter,
)
from features.encoding.transformers import TfidfWeights
from features.text.cleaning import clean_text, incident_text
from models.base.predictions import Evidence, FieldWeight, TokenWeight
from models.classification.cross_validation import Rows
from models.classification.evidence_words import is_content_word, locate_token
from models.classification.experts import VECTORS_ALONE, expert_scores

_TOKENS = 6
_FIELDS = 5
_REPORTS_AT_ONCE = 512
_CERTAIN = 1e-9

Floats = NDArray[np.float64]
Scores = Mapping[str, Floats]
Weight = TypeVar("Weight", TokenWeight, FieldWeight)


class ScoredPool(Protocol):
    """Experts that score reports."""

    classes: int
    experts_: dict[str, Pipeline]

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
        for start in range(0, len(self.reports), _REPORTS_AT_ONCE):
            rows = np.arange(start, min(start + _REPORTS_AT_ONCE, len(self.reports)))
            yield ScoredReports(
                self.reports[start : start + _REPORTS_AT_ONCE],
                self.encoded.take(rows),
                {name: scores[:, rows] for name, scores in self.scores.items()},
                self.predicted[rows],
            )


@dataclass(frozen=True, slots=True)
class Ablation:
    """A word or a fact that is removed from the report at row `row`."""

    row: int
    word: str | None = None
    fact: str | None = None


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
        texts = [incident_text(report) for report in batch.reports]
        titles = [clean_text(report.title) for report in batch.reports]
        removals = self._likely_words(batch, texts, titles) + self._learned_facts(batch)
        if not removals:
            return [Evidence()] * len(texts)
        edited = _encode_removals(batch, removals, texts, titles)
        tokens: list[list[TokenWeight]] = [[] for _ in texts]
        fields: list[list[FieldWeight]] = [[] for _ in texts]
        weights = self._effects(batch, [removal.row for removal in removals], edited)
        for removal, weight in zip(removals, weights, strict=True):
            if removal.word is not None:
                token = TokenWeight(removal.word, weight)
                located = locate_token(token, batch.reports[removal.row])
                tokens[removal.row] += [] if located is None else [located]
            if removal.fact is not None:
                value = batch.encoded.facts[removal.row][removal.fact]
                fields[removal.row].append(FieldWeight(removal.fact, value, weight))
        return [
            Evidence(tokens=_strongest(words, _TOKENS), fields=_strongest(facts, _FIELDS))
            for words, facts in zip(tokens, fields, strict=True)
        ]

    def _effects(
        self, batch: ScoredReports, rows: Sequence[int], edited: EncodedReports
    ) -> list[float]:
        """Return for each edited report the decrease in its label's confidence, in log-odds.

        `rows` are the rows of the unedited reports in the batch.
        """
        scores = {
            name: _score_again(pool, edited, batch.scores[name][:, rows])
            for name, pool in self.pools.items()
        }
        predicted = batch.predicted[rows]
        before = self.combine(batch.scores)[rows, predicted]
        after = self.combine(scores)[np.arange(len(rows)), predicted]
        odds = logit(np.clip([before, after], _CERTAIN, 1 - _CERTAIN))
        return [round(float(weight), 4) for weight in odds[0] - odds[1]]

    def _likely_words(
        self, batch: ScoredReports, texts: Sequence[str], titles: Sequence[str]
    ) -> list[Ablation]:
        """Return removals of the words with the largest absolute margins in linear experts."""
        parts = {
            "words": _tokens_of(word_counter(), texts),
            "titles": _tokens_of(title_counter(), titles),
        }
        sums: list[dict[str, float]] = [defaultdict(float) for _ in texts]
        for pool in self._linear_pools():
            for row, margins in enumerate(_margins_of_words(pool, batch, parts)):
                for word, margin in margins.items():
                    sums[row][word] += abs(margin)
        return [
            Ablation(row, word=word) for row, words in enumerate(sums) for word in _largest(words)
        ]

    def _linear_pools(self) -> list[ScoredPool]:
        """Return the pools with a linear expert; with very few labels there are none."""
        return [pool for pool in self.pools.values() if "linear" in pool.experts_]

    def _learned_facts(self, batch: ScoredReports) -> list[Ablation]:
        learned = {
            name for pool in self._linear_pools() for name in _views(pool)["facts"].values_.names_
        }
        return [
            Ablation(row, fact=name)
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


def _encode_removals(
    batch: ScoredReports,
    removals: Sequence[Ablation],
    texts: Sequence[str],
    titles: Sequence[str],
) -> EncodedReports:
    facts = batch.encoded.facts
    return encode_edited(
        batch.encoded.take(np.array([removal.row for removal in removals])),
        [_remove_word(texts[removal.row], removal.word) for removal in removals],
        [_remove_word(titles[removal.row], removal.word) for removal in removals],
        tuple(_remove_fact(facts[removal.row], removal.fact) for removal in removals),
    )


def _remove_word(text: str, word: str | None) -> str:
    if word is None:
        return text
    return re.sub(rf"(?<!\w){word}(?!\w)", " ", text, flags=re.IGNORECASE)


def _remove_fact(facts: dict[str, str], fact: str | None) -> dict[str, str]:
    return {name: value for name, value in facts.items() if name != fact}


def _score_again(pool: ScoredPool, edited: EncodedReports, before: Floats) -> Floats:
    """Return the scores of edited reports; experts on vectors alone keep those of `before`."""
    scores = before.copy()
    for place, (name, expert) in enumerate(pool.experts_.items()):
        if name not in VECTORS_ALONE:
            scores[place] = expert_scores({name: expert}, edited, pool.classes)[0]
    return scores


def _views(pool: ScoredPool) -> dict[str, Any]:
    return dict(pool.experts_["linear"]["views"].transformer_list)


def _tokens_of(counter: HashingVectorizer, texts: Sequence[str]) -> list[list[str]]:
    analyse = counter.build_analyzer()
    return [list(dict.fromkeys(analyse(text))) for text in texts]


def _margins_of_words(
    pool: ScoredPool, batch: ScoredReports, parts: Mapping[str, list[list[str]]]
) -> list[dict[str, float]]:
    """Return one total per word for each report: the margins of the word and its word pairs."""
    sums: list[dict[str, float]] = [defaultdict(float) for _ in batch.reports]
    start = 0
    for part, tokens in parts.items():
        view = _views(pool)[part]
        margins = _margins(pool, view.transform(batch.encoded), start, batch.predicted)
        start += len(view.columns_)
        columns = _columns_of({token for row in tokens for token in row}, view)
        for row, names in enumerate(tokens):
            cells = slice(margins.indptr[row], margins.indptr[row + 1])
            margin_by_column = dict(
                zip(margins.indices[cells].tolist(), margins.data[cells].tolist(), strict=True)
            )
            for name in names:
                if columns[name] in margin_by_column:
                    for word in name.split(" "):
                        sums[row][word] += margin_by_column[columns[name]]
    return sums


def _margins(pool: ScoredPool, features: csr_array, start: int, predicted: Rows) -> csr_array:
    """Return the features times the slopes of each row's predicted class.

    The slopes of these features begin at column `start` of the classifier's coefficients.
    """
    classifier = pool.experts_["linear"]["classify"]
    slopes = classifier.coef_[:, start : start + features.shape[1]]
    # For two classes, as in a severity's pools, there is one row of slopes, for the higher class.
    # The slopes of the lower class differ only in sign, and words are ranked by absolute sums.
    place = {number: row for row, number in enumerate(classifier.classes_)}
    of_class = [0 if len(slopes) == 1 else place.get(number, -1) for number in predicted]
    rows = np.repeat(of_class, np.diff(features.indptr))
    data = np.where(rows >= 0, features.data * slopes[rows, features.indices], 0.0)
    return csr_array((data, features.indices, features.indptr), features.shape)


def _columns_of(tokens: Collection[str], view: TfidfWeights) -> dict[str, int]:
    """Return the view's column of each token, -1 for a token that the model has not learned."""
    if not tokens or not len(view.columns_):
        return dict.fromkeys(tokens, -1)
    hasher = FeatureHasher(TOKEN_COLUMNS, input_type="string", alternate_sign=False)
    hashed = hasher.transform([token] for token in tokens).indices
    places = np.minimum(np.searchsorted(view.columns_, hashed), len(view.columns_) - 1)
    columns = np.where(view.columns_[places] == hashed, places, -1)
    return dict(zip(tokens, columns.tolist(), strict=True))
