"""The types that a saved model may hold; any other type is refused."""

TRUSTED_TYPES: tuple[str, ...] = (
    # features
    "features.encoding.transformers.FactIndicators",
    "features.encoding.transformers.FactValues",
    "features.encoding.transformers.SentenceVectors",
    "features.encoding.transformers.TfidfWeights",
    "features.encoding.word_shares.WordShares",
    "features.search.candidates.Candidates",
    "features.search.ragged_array.Ragged",
    # models
    "models.classification.fine_tuned_head.FineTunedHead",
    "models.artifacts.array_storage.StoredArray",
    "models.artifacts.array_storage.StoredSparse",
    "models.artifacts.array_storage.StoredTable",
    "models.classification.calibrated_model.Certification",
    "models.classification.choice.ChoiceModel",
    "models.classification.drift_doubt.DriftDoubt",
    "models.classification.log_linear_pool.LogLinearPool",
    "models.classification.log_linear_pool.TopCalibration",
    "models.classification.conformal_sets.LabelSets",
    "models.classification.expert_pool.ExpertPool",
    "models.classification.experts.LatentTopics",
    "models.classification.nearest_neighbours.NeighbourVotes",
    "models.classification.recent_past.RecentPast",
    "models.base.predictions.Certificate",
    "models.similarity.pair_ranker.PairRanker",
    "models.similarity.pair_ranker.RelatednessCalibration",
    "models.novelty.conformal_p_value.ConformalPValue",
    "models.novelty.known_values.KnownValues",
    "models.novelty.novelty_model.NoveltyModel",
    "models.novelty.text_familiarity.TextCalibration",
    "models.novelty.text_familiarity.TextFamiliarity",
    "models.similarity.pair_statistics.PairStatistics",
    "models.statistics.smoothed_regression.SmoothedRegression",
    "models.statistics.value_counts.ValueCounts",
    "models.similarity.stranger_cohort.StrangerCohort",
    "models.runbooks.runbook_model.RunbookModel",
    "models.classification.severity.SeverityModel",
    "models.classification.residual_probability.ResidualProbability",
    "models.similarity.similar_model.SimilarModel",
    # scikit-learn and NumPy, beyond the public estimators that skops trusts by default
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)
"""Import paths as skops writes them.

If models save a new transformer, dataclass or function, check what loading it does and then add its
path here by hand.
"""
