"""Evidence: what each word and fact of a report adds to the confidence in the answer."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import logit
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer

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
from models.classification.expert_pool import ExpertPool
from models.classification.experts import VECTORS_ALONE, expert_scores

_TOKENS = 6
_FIELDS = 5
_REPORTS_AT_ONCE = 512
_CERTAIN = 1e-9

Floats = NDArray[np.float64]
Scores = Mapping[str, Floats]
Weight = TypeVar("Weight", TokenWeight, FieldWeight)


@dataclass(frozen=True, slots=True)
class ScoredReports:
    """Reports as a model read them: the scores of each of its pools, and the class it answered."""

    reports: Sequence[IncidentReport]
    encoded: EncodedReports
    scores: Scores
    chosen: Rows

    def blocks(self) -> Iterator["ScoredReports"]:
        """Yield a few reports at a time."""
        for start in range(0, len(self.reports), _REPORTS_AT_ONCE):
            rows = np.arange(start, min(start + _REPORTS_AT_ONCE, len(self.reports)))
            yield ScoredReports(
                self.reports[start : start + _REPORTS_AT_ONCE],
                self.encoded.take(rows),
                {name: scores[:, rows] for name, scores in self.scores.items()},
                self.chosen[rows],
            )


@dataclass(frozen=True, slots=True)
class Ablation:
    """A word or a fact that is taken out of the report in a row."""

    row: int
    word: str | None = None
    fact: str | None = None


@dataclass(frozen=True, slots=True)
class Explainer:
    """Asks a model's pools again about reports without one of their words or facts.

    A weight says by how much the log-odds of the label's confidence fell when the word was taken
    out of title and description, or the fact was unknown; below zero, it argues against the label.
    Only sentence vectors stay as they were, since encoding takes longer than all else; so the whole
    effect of a word is often greater, on visible data by a third in the median. `combine` turns the
    pools' scores into the model's probabilities.
    """

    pools: Mapping[str, ExpertPool]
    combine: Callable[[Scores], Floats]

    def explain(self, reading: ScoredReports) -> list[Evidence]:
        """Return the tokens and fields that mattered most to each report, strongest first."""
        return [found for block in reading.blocks() for found in self._explain_block(block)]

    def _explain_block(self, reading: ScoredReports) -> list[Evidence]:
        texts = [incident_text(report) for report in reading.reports]
        titles = [clean_text(report.title) for report in reading.reports]
        removals = self._likely_words(reading, texts, titles) + self._known_facts(reading)
        if not removals:
            return [Evidence()] * len(texts)
        without = _encode_without(reading, removals, texts, titles)
        tokens: list[list[TokenWeight]] = [[] for _ in texts]
        fields: list[list[FieldWeight]] = [[] for _ in texts]
        weights = self._effects(reading, [removal.row for removal in removals], without)
        for removal, weight in zip(removals, weights, strict=True):
            if removal.word is not None:
                tokens[removal.row].append(TokenWeight(removal.word, weight))
            if removal.fact is not None:
                value = reading.encoded.facts[removal.row][removal.fact]
                fields[removal.row].append(FieldWeight(removal.fact, value, weight))
        return [
            Evidence(tokens=_strongest(words, _TOKENS), fields=_strongest(facts, _FIELDS))
            for words, facts in zip(tokens, fields, strict=True)
        ]

    def _effects(
        self, reading: ScoredReports, rows: Sequence[int], without: EncodedReports
    ) -> list[float]:
        """Return what the confidence in the answer of each row loses, in log-odds."""
        scores = {
            name: _score_again(pool, without, reading.scores[name][:, rows])
            for name, pool in self.pools.items()
        }
        chosen = reading.chosen[rows]
        before = self.combine(reading.scores)[rows, chosen]
        after = self.combine(scores)[np.arange(len(rows)), chosen]
        odds = logit(np.clip([before, after], _CERTAIN, 1 - _CERTAIN))
        return [round(float(weight), 4) for weight in odds[0] - odds[1]]

    def _likely_words(
        self, reading: ScoredReports, texts: Sequence[str], titles: Sequence[str]
    ) -> list[Ablation]:
        """Return the words of each report that weigh most in the linear experts' margins."""
        parts = {
            "words": _tokens_of(word_counter(), texts),
            "titles": _tokens_of(title_counter(), titles),
        }
        sums: list[dict[str, float]] = [defaultdict(float) for _ in texts]
        for pool in self._linear_pools():
            for row, margins in enumerate(_margins_of_words(pool, reading, parts)):
                for word, margin in margins.items():
                    sums[row][word] += abs(margin)
        return [
            Ablation(row, word=word)
            for row, words in enumerate(sums)
            for word in sorted(words, key=lambda word: (-words[word], word))[:_TOKENS]
        ]

    def _linear_pools(self) -> list[ExpertPool]:
        """Return the pools that read words and facts; the fewest labels allow neighbours alone."""
        return [pool for pool in self.pools.values() if "linear" in pool.experts_]

    def _known_facts(self, reading: ScoredReports) -> list[Ablation]:
        known = {
            name for pool in self._linear_pools() for name in _views(pool)["facts"].values_.names_
        }
        return [
            Ablation(row, fact=name)
            for row, facts in enumerate(reading.encoded.facts)
            for name in facts
            if name in known
        ]


def _strongest(weights: Sequence[Weight], count: int) -> tuple[Weight, ...]:
    effective = [one for one in weights if one.weight]
    return tuple(sorted(effective, key=lambda one: -abs(one.weight))[:count])


def _encode_without(
    reading: ScoredReports,
    removals: Sequence[Ablation],
    texts: Sequence[str],
    titles: Sequence[str],
) -> EncodedReports:
    facts = reading.encoded.facts
    return encode_edited(
        reading.encoded.take(np.array([removal.row for removal in removals])),
        [_without_word(texts[removal.row], removal.word) for removal in removals],
        [_without_word(titles[removal.row], removal.word) for removal in removals],
        tuple(_without_fact(facts[removal.row], removal.fact) for removal in removals),
    )


def _without_word(text: str, word: str | None) -> str:
    if word is None:
        return text
    return re.sub(rf"(?<!\w){word}(?!\w)", " ", text, flags=re.IGNORECASE)


def _without_fact(facts: dict[str, str], fact: str | None) -> dict[str, str]:
    return {name: value for name, value in facts.items() if name != fact}


def _score_again(pool: ExpertPool, without: EncodedReports, before: Floats) -> Floats:
    """Ask every expert again but those who know nothing but the vectors."""
    scores = before.copy()
    for place, (name, expert) in enumerate(pool.experts_.items()):
        if name not in VECTORS_ALONE:
            scores[place] = expert_scores({name: expert}, without, pool.classes)[0]
    return scores


def _views(pool: ExpertPool) -> dict[str, Any]:
    return dict(pool.experts_["linear"]["views"].transformer_list)


def _tokens_of(counter: HashingVectorizer, texts: Sequence[str]) -> list[list[str]]:
    analyse = counter.build_analyzer()
    return [list(dict.fromkeys(analyse(text))) for text in texts]


def _margins_of_words(
    pool: ExpertPool, reading: ScoredReports, parts: Mapping[str, list[list[str]]]
) -> list[dict[str, float]]:
    """Return each word's share of the linear margin, with its share of the pairs it stands in."""
    sums: list[dict[str, float]] = [defaultdict(float) for _ in reading.reports]
    start = 0
    for part, tokens in parts.items():
        view = _views(pool)[part]
        margins = _margins(pool, view.transform(reading.encoded), start, reading.chosen)
        start += len(view.columns_)
        columns = _columns_of({token for row in tokens for token in row}, view)
        for row, names in enumerate(tokens):
            here = slice(margins.indptr[row], margins.indptr[row + 1])
            known = dict(
                zip(margins.indices[here].tolist(), margins.data[here].tolist(), strict=True)
            )
            for name in names:
                if columns[name] in known:
                    for word in name.split(" "):
                        sums[row][word] += known[columns[name]]
    return sums


def _margins(pool: ExpertPool, features: csr_array, start: int, chosen: Rows) -> csr_array:
    """Return the features, whose columns begin at `start`, times the slopes of each row's class."""
    classifier = pool.experts_["linear"]["classify"]
    slopes = classifier.coef_[:, start : start + features.shape[1]]
    # Of two classes one has what the other lacks, and a severity's pools have two each.
    place = {number: row for row, number in enumerate(classifier.classes_)}
    of_class = [0 if len(slopes) == 1 else place.get(number, -1) for number in chosen]
    rows = np.repeat(of_class, np.diff(features.indptr))
    data = np.where(rows >= 0, features.data * slopes[rows, features.indices], 0.0)
    return csr_array((data, features.indices, features.indptr), features.shape)


def _columns_of(tokens: Collection[str], view: TfidfWeights) -> dict[str, int]:
    """Return the view's column of each token, -1 for one that the model has not learned."""
    if not tokens or not len(view.columns_):
        return dict.fromkeys(tokens, -1)
    hasher = FeatureHasher(TOKEN_COLUMNS, input_type="string", alternate_sign=False)
    hashed = hasher.transform([token] for token in tokens).indices
    places = np.minimum(np.searchsorted(view.columns_, hashed), len(view.columns_) - 1)
    columns = np.where(view.columns_[places] == hashed, places, -1)
    return dict(zip(tokens, columns.tolist(), strict=True))
