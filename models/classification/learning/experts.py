"""The experts whose scores a choice or severity model combines, as scikit-learn pipelines."""

from typing import cast

import numpy as np
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler, TargetEncoder
from sklearn.svm import LinearSVC

from features.encoding.encoded_reports import EncodedReports
from features.encoding.transformers import (
    FactIndicators,
    FactValues,
    SentenceVectors,
    TfidfWeights,
)
from models.classification.learning.nearest_neighbours import NeighbourVotes
from models.classification.scorers.scorer import Floats, log_scores, two_sided
from models.statistics.smoothed_regression import SmoothedRegression

_TOPICS = 128
_FEWEST_FOR_LINEAR = 30
_FEWEST_FOR_TOPICS = 500
_ROWS_IN_ALL_EPOCHS = 250_000
_FEWEST_EPOCHS = 8
_MOST_EPOCHS = 25
_MOST_CLASSES_FOR_TREES = 12
_FEWEST_FOR_TREES = 1000


class LatentTopics(TruncatedSVD):  # type: ignore[misc]
    """A truncated SVD that finds a report's topics without copying all components.

    If there are no more tokens than topics, there is nothing to reduce: each token is a topic.
    """

    components_: Floats

    def fit_transform(self, counts: csr_array, labels: object = None) -> Floats:
        """Learn the topics and return each row's weights of the topics."""
        tokens = counts.shape[1]
        if tokens <= self.n_components:
            # One topic without tokens, because the steps that follow need a column.
            self.components_ = np.eye(max(tokens, 1), tokens, dtype=counts.dtype)
            return self.transform(counts)
        topics = cast("Floats", super().fit_transform(counts, labels))
        # SciPy multiplies by the transposed matrix, and copies it unless it is in Fortran order.
        self.components_ = np.asfortranarray(self.components_)
        return topics

    def transform(self, counts: csr_array) -> Floats:
        """Return each row's weights of the topics."""
        return np.asarray(counts @ self.components_.T)


def choose_experts(encoded: EncodedReports, *, classes: int, seed: int) -> dict[str, Pipeline]:
    """Return unfitted experts by name: those that the history's data and number of rows support.

    With text and fewer than 30 rows, there are only nearest neighbours, which then predict as well
    as any other model. From 30 rows on, a linear model is added, and from 500 rows on a network
    over topics and sentence vectors. Without text, there is a linear model; boosted trees are added
    if there are at least 1,000 rows and at most 12 classes.
    """
    rows = len(encoded)
    experts = {"linear": _linear(seed)}
    if encoded.words.nnz:
        experts["neighbours"] = Pipeline(
            [("vectors", SentenceVectors()), ("classify", NeighbourVotes())]
        )
        if rows < _FEWEST_FOR_LINEAR:
            del experts["linear"]
        if rows >= _FEWEST_FOR_TOPICS:
            experts["topics"] = _topics(rows, seed)
    elif classes <= _MOST_CLASSES_FOR_TREES and rows >= _FEWEST_FOR_TREES:
        experts["trees"] = _trees(seed)
    return experts


def recent_expert() -> Pipeline:
    """Return an unfitted expert for few rows: a logistic regression over all views."""
    views = FeatureUnion(
        [
            ("words", TfidfWeights(part="words")),
            ("titles", TfidfWeights(part="titles")),
            ("facts", FactIndicators()),
            ("vectors", SentenceVectors()),
        ]
    )
    return Pipeline([("views", views), ("classify", SmoothedRegression())])


def pipeline_scores(expert: Pipeline, encoded: EncodedReports) -> Floats:
    """Return a fitted pipeline's log-like scores, of shape (reports, classes of the pipeline)."""
    if not hasattr(expert, "decision_function"):
        return log_scores(np.asarray(expert.predict_proba(encoded), dtype=np.float64))
    margins = np.asarray(expert.decision_function(encoded), dtype=np.float64)
    return two_sided(margins.reshape(len(encoded), -1))


def _sparse_views() -> FeatureUnion:
    return FeatureUnion(
        [
            ("words", TfidfWeights(part="words")),
            ("titles", TfidfWeights(part="titles")),
            ("characters", TfidfWeights(part="characters", min_reports=3)),
            ("facts", FactIndicators()),
        ]
    )


def _linear(seed: int) -> Pipeline:
    return Pipeline([("views", _sparse_views()), ("classify", LinearSVC(C=0.5, random_state=seed))])


def _topics(rows: int, seed: int) -> Pipeline:
    """A small neural network over latent topics of the words and the sentence vectors."""
    topics = Pipeline(
        [
            ("words", TfidfWeights(part="words")),
            ("reduce", LatentTopics(_TOPICS, n_iter=2, random_state=seed)),
            ("normalise", Normalizer()),
        ]
    )
    network = MLPClassifier(
        (256,),
        alpha=0.01,
        batch_size=256,
        max_iter=min(max(_ROWS_IN_ALL_EPOCHS // rows, _FEWEST_EPOCHS), _MOST_EPOCHS),
        learning_rate_init=1e-3,
        random_state=seed,
    )
    views = FeatureUnion([("topics", topics), ("vectors", SentenceVectors())])
    return Pipeline([("views", views), ("scale", StandardScaler()), ("classify", network)])


def _trees(seed: int) -> Pipeline:
    """Boosted trees over facts, each value encoded as its smoothed shares of the classes."""
    return Pipeline(
        [
            ("facts", FactValues()),
            ("rates", TargetEncoder(cv=KFold(5, shuffle=True, random_state=seed))),
            (
                "classify",
                HistGradientBoostingClassifier(
                    max_iter=120,
                    learning_rate=0.06,
                    l2_regularization=5.0,
                    early_stopping=False,
                    random_state=seed,
                ),
            ),
        ]
    )
