"""Turns fitted scikit-learn pipelines into scorers, which hold the same model as plain arrays."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import FeatureUnion, Pipeline

from features.encoding.encoded_reports import EncodedReports
from features.encoding.views import TokenView, View, content_key
from features.errors import PrecedentError
from models.classification.learning.experts import pipeline_scores
from models.classification.scorers.linear import LinearScorer
from models.classification.scorers.neighbours import NeighbourScorer
from models.classification.scorers.network import NetworkScorer
from models.classification.scorers.regression import RegressionScorer
from models.classification.scorers.scorer import Floats, Scorer
from models.classification.scorers.trees import TreeScorer
from models.statistics.tree_table import TreeTable

TOLERANCE = 1e-6
"""How far the class probabilities by a scorer may differ from those by its pipeline."""

SCORE_TOLERANCE = 1e-4
"""How far a scorer's score may differ: the logarithm of a small probability differs by more."""

_CHECKED_ROWS = 64


class ScorerDiffers(PrecedentError):
    """A scorer does not give the scores of the pipeline that it was compiled from."""


def compile_expert(pipeline: Pipeline) -> Scorer:
    """Return the scorer that gives a fitted pipeline's scores.

    The pipeline is one of `learning.experts`; its last step decides which scorer.
    """
    compile_steps = _COMPILERS[type(pipeline["classify"]).__name__]
    return compile_steps(pipeline)


def check_scorer(scorer: Scorer, pipeline: Pipeline, encoded: EncodedReports) -> None:
    """Compare a scorer with its pipeline on the first reports; raises `ScorerDiffers`."""
    some = encoded.take(np.arange(min(_CHECKED_ROWS, len(encoded))))
    ours, theirs = scorer.score(some), pipeline_scores(pipeline, some)
    difference = _largest(softmax(ours, axis=1) - softmax(theirs, axis=1))
    if not (difference <= TOLERANCE and _largest(ours - theirs) <= SCORE_TOLERANCE):
        raise ScorerDiffers(
            f"{type(scorer).__name__} differs from its pipeline by {difference:.2g}; this is a "
            "defect of Precedent with the installed scikit-learn: report it with both versions"
        )


def _largest(differences: Floats) -> float:
    return float(np.abs(differences).max(initial=0.0))


def _compile_linear(pipeline: Pipeline) -> LinearScorer:
    classifier = pipeline["classify"]
    return _linear(pipeline["views"], classifier)


def _linear(union: FeatureUnion, classifier: Any) -> LinearScorer:  # noqa: ANN401
    views = _views(union)
    ends = np.cumsum([view.width for view in views])[:-1]
    slopes = np.split(np.asarray(classifier.coef_, dtype=np.float64).T, ends)
    return LinearScorer(
        views,
        tuple(np.ascontiguousarray(part) for part in slopes),
        np.asarray(classifier.intercept_, dtype=np.float64),
        np.asarray(classifier.classes_, dtype=np.int64),
    )


def _views(union: FeatureUnion) -> tuple[View, ...]:
    return tuple(transformer.view_ for _, transformer in union.transformer_list)


def _compile_neighbours(pipeline: Pipeline) -> NeighbourScorer:
    scorer: NeighbourScorer = pipeline["classify"].scorer_
    return scorer


def _compile_regression(pipeline: Pipeline) -> RegressionScorer:
    model = pipeline["classify"]
    regression = model.regression_
    linear = None if regression is None else _linear(pipeline["views"], regression)
    classes = np.asarray(model.classes_, dtype=np.int64)
    return RegressionScorer(linear, model.shares_, float(model.trust_), classes)


def _compile_network(pipeline: Pipeline) -> NetworkScorer:
    topics = dict(pipeline["views"].transformer_list)["topics"]
    scaler, network = pipeline["scale"], pipeline["classify"]
    components = np.ascontiguousarray(topics["reduce"].components_.T)
    words: TokenView = topics["words"].view_
    return NetworkScorer(
        words=words,
        topics=components,
        means=scaler.mean_,
        scales=scaler.scale_,
        weights=tuple(network.coefs_),
        biases=tuple(network.intercepts_),
        classes=np.asarray(network.classes_, dtype=np.int64),
        key=content_key("topics", words.key, components),
    )


def _compile_trees(pipeline: Pipeline) -> TreeScorer:
    encoder, trees = pipeline["rates"], pipeline["classify"]
    unseen = np.atleast_1d(np.asarray(encoder.target_mean_, dtype=np.float64))
    outputs = len(unseen)
    rates = tuple(
        _rates(categories, encoder.encodings_[column * outputs : (column + 1) * outputs])
        for column, categories in enumerate(encoder.categories_)
    )
    return TreeScorer(
        facts=pipeline["facts"].view_,
        rates=rates,
        unseen=unseen,
        trees=TreeTable.of(trees._predictors),
        baseline=np.asarray(trees._baseline_prediction, dtype=np.float64).reshape(-1),
        classes=np.asarray(trees.classes_, dtype=np.int64),
    )


def _rates(categories: Sequence[str], encodings: Sequence[Floats]) -> Mapping[str, Floats]:
    shares = np.column_stack([np.asarray(encoding, dtype=np.float64) for encoding in encodings])
    return {str(value): row for value, row in zip(categories, shares, strict=True)}


_COMPILERS: Mapping[str, Callable[[Pipeline], Scorer]] = {
    "LinearSVC": _compile_linear,
    "NeighbourVotes": _compile_neighbours,
    "SmoothedRegression": _compile_regression,
    "MLPClassifier": _compile_network,
    "HistGradientBoostingClassifier": _compile_trees,
}
