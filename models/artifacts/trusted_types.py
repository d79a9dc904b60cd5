"""The types that a saved model may hold; any other type is refused."""

SERVED_TYPES: tuple[str, ...] = (
    # features
    "features.encoding.views.FactIndicatorsView",
    "features.encoding.views.FactValuesView",
    "features.encoding.views.TokenView",
    "features.encoding.views.VectorView",
    "features.encoding.word_shares.WordShares",
    "features.search.candidates.Candidates",
    "features.search.ragged_array.Ragged",
    # models
    "models.base.predictions.Certificate",
    "models.classification.calibrated_predictor.Certification",
    "models.classification.choice_predictor.ChoicePredictor",
    "models.classification.conformal_sets.LabelSets",
    "models.classification.drift_doubt.DriftDoubt",
    "models.classification.expert_pool.ExpertPool",
    "models.classification.fine_tuned_head.FineTunedHead",
    "models.classification.log_linear_pool.LogLinearPool",
    "models.classification.log_linear_pool.TopCalibration",
    "models.classification.recent_past.RecentPast",
    "models.classification.residual_probability.ResidualProbability",
    "models.classification.scorers.linear.LinearScorer",
    "models.classification.scorers.neighbours.NeighbourScorer",
    "models.classification.scorers.network.NetworkScorer",
    "models.classification.scorers.regression.RegressionScorer",
    "models.classification.scorers.trees.TreeScorer",
    "models.classification.severity_predictor.SeverityPredictor",
    "models.novelty.conformal_p_value.ConformalPValue",
    "models.novelty.known_values.KnownValues",
    "models.novelty.novelty_model.NoveltyModel",
    "models.novelty.text_familiarity.TextCalibration",
    "models.novelty.text_familiarity.TextFamiliarity",
    "models.resolution.boosted_scores.BoostedScores",
    "models.resolution.boosted_scores.Risk",
    "models.resolution.conformal_levels.ConformalLevels",
    "models.resolution.context_features.ContextFeatures",
    "models.resolution.resolution_predictor.ResolutionPredictor",
    "models.runbooks.runbook_model.RunbookModel",
    "models.similarity.pair_ranker.PairRanker",
    "models.similarity.pair_ranker.RelatednessCalibration",
    "models.similarity.pair_statistics.PairStatistics",
    "models.similarity.similar_model.SimilarModel",
    "models.similarity.stranger_cohort.StrangerCohort",
    "models.statistics.tree_table.TreeTable",
    "models.statistics.value_counts.ValueCounts",
)
"""Import paths of what serves.

If a model holds a new class, check what loading it does and then add its path here by hand.
"""

TRUSTED_TYPES: tuple[str, ...] = (
    *SERVED_TYPES,
    # what learns
    "features.encoding.transformers.FactIndicators",
    "features.encoding.transformers.FactValues",
    "features.encoding.transformers.SentenceVectors",
    "features.encoding.transformers.TfidfWeights",
    "models.artifacts.array_storage.StoredArray",
    "models.artifacts.array_storage.StoredSparse",
    "models.artifacts.array_storage.StoredTable",
    "models.classification.choice.ChoiceModel",
    "models.classification.learning.experts.LatentTopics",
    "models.classification.learning.nearest_neighbours.NeighbourVotes",
    "models.classification.severity.SeverityModel",
    "models.resolution.resolution_model.ResolutionModel",
    "models.statistics.smoothed_regression.SmoothedRegression",
    # scikit-learn and NumPy, beyond the public estimators that skops trusts by default
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)
"""Import paths of fitted models, as skops writes them."""
