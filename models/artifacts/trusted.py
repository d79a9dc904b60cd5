"""The types that a saved model may hold; whatever else a file names is refused."""

TRUSTED_TYPES: tuple[str, ...] = (
    # features
    "features.encoding.transformers.FactIndicators",
    "features.encoding.transformers.FactValues",
    "features.encoding.transformers.SentenceVectors",
    "features.encoding.transformers.TokenWeights",
    # models
    "models.adapted_head.AdaptedHead",
    "models.artifacts.arrays.StoredArray",
    "models.artifacts.arrays.StoredSparse",
    "models.artifacts.arrays.StoredTable",
    "models.calibrated.Certification",
    "models.choice.ChoiceModel",
    "models.combination.LogLinearPool",
    "models.combination.TopCalibration",
    "models.conformal.LabelSets",
    "models.expert_pool.ExpertPool",
    "models.experts.LatentTopics",
    "models.neighbours.NeighbourVotes",
    "models.base.predictions.Certificate",
    "models.ranker.Ranker",
    "models.ranker.RelatednessCalibration",
    "models.runbook.RunbookModel",
    "models.severity.SeverityModel",
    "models.similar.SimilarModel",
    # scikit-learn and NumPy, beyond the public estimators that skops trusts by itself
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)
"""Import paths, as skops spells them. A new transformer, dataclass or function that a model keeps
is added here by hand, after a look at what loading it does."""
