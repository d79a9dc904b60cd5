"""The base of choice and severity models: cross-fitting, calibration, limits."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.pipeline import Pipeline

from features.domain.report import ResolvedIncident
from features.encoding.encoded_reports import EncodedReports
from features.errors import NotEnoughHistory
from models.base.report_model import ReportModel
from models.base.target_labels import label_of
from models.classification.calibrated_predictor import (
    RECENT,
    CalibratedPredictor,
    Certification,
)
from models.classification.conformal_sets import LabelSets
from models.classification.drift_doubt import DriftDoubt
from models.classification.learning.cross_fit import CrossFit
from models.classification.learning.cross_validation import Fold, copy_folds, report_copy_groups
from models.classification.learning.fit_recent_past import DatedRows, fit_recent_past
from models.classification.learning.timeline import Timeline
from models.classification.residual_probability import ResidualProbability
from models.classification.scorers.scorer import Rows

_MOST_ROWS_FOR_CHARACTERS = 10_000


class CalibratedModel(CalibratedPredictor, ReportModel):
    """Base class of the models that learn to give each class a calibrated probability.

    It answers with the scorers that were compiled from its fitted pipelines. `pipelines_` has the
    pipelines, by the name of the pool and of the expert.
    """

    is_ordered: ClassVar[bool] = False
    answers_with: ClassVar[type[CalibratedPredictor]]
    pipelines_: dict[str, Mapping[str, Pipeline]]
    cross_fit_: CrossFit

    def fit(
        self,
        examples: Sequence[ResolvedIncident],
        folds: Sequence[Fold] | None = None,
        copies: Rows | None = None,
        *,
        follows_time: bool = False,
    ) -> Self:
        """Learn from the labelled examples.

        `folds` hold row numbers of the examples; the default folds do not split groups of
        near-copies. `copies` gives the near-copy group of each example, if it is known already.
        With `follows_time`, each fold is later than what its model is fitted on, and experts of the
        recent past are added if they answer better lately (see `RecentPast`).
        `cross_fit_` holds the calibrated probabilities of held-out rows, for evaluation.
        """
        labels = [label_of(example.outcome, self.target) for example in examples]
        labelled_rows = np.array(
            [row for row, label in enumerate(labels) if label is not None], dtype=np.int64
        )
        self._learn_classes([label for label in labels if label is not None])
        reports = [examples[int(row)].report for row in labelled_rows]
        self.reads_characters_ = len(reports) <= _MOST_ROWS_FOR_CHARACTERS
        copies = report_copy_groups(reports) if copies is None else copies[labelled_rows]
        if folds is None:
            folds = copy_folds(copies, seed=self.seed)
        else:
            folds = [_renumber(fold, labelled_rows, len(examples)) for fold in folds]
        numbers = {label: number for number, label in enumerate(self.classes_)}
        classes = np.array(
            [numbers[label] for label in labels if label is not None], dtype=np.int64
        )
        self.example_ids_ = np.array([report.id for report in reports])
        self.example_labels_ = classes
        encoded = self._encode(reports)
        self.pipelines_ = {}
        cross_fit = self._fit_probabilities(encoded, classes, folds)
        self.recent_past_ = None
        if follows_time:
            timeline = Timeline.of([examples[int(row)] for row in labelled_rows])
            dated = DatedRows(encoded, classes, timeline, copies)
            cross_fit = self._add_recent_past(dated, cross_fit)
        cross_fit = self._choose_labels(cross_fit, classes[cross_fit.rows], folds)
        self._learn_limits(cross_fit, classes, copies)
        self.cross_fit_ = replace(cross_fit, rows=labelled_rows[cross_fit.rows])
        return self

    def predictor(self) -> CalibratedPredictor:
        """Return the part of the fitted model that serves; its answers are those of the model."""
        self._check_trained()
        predictor = self.answers_with.__new__(self.answers_with)
        left_out = {"pipelines_", "cross_fit_"}
        vars(predictor).update(
            {name: value for name, value in vars(self).items() if name not in left_out}
        )
        return predictor

    @abstractmethod
    def _learn_classes(self, labels: Sequence[str]) -> None:
        """Set `classes_` in the order of the probabilities' columns."""

    @abstractmethod
    def _fit_probabilities(
        self, encoded: EncodedReports, labels: Rows, folds: Sequence[Fold]
    ) -> CrossFit:
        """Fit the model, and return the cross-fitted probabilities of the held-out rows."""

    def _learn_limits(self, cross_fit: CrossFit, classes: Rows, copies: Rows) -> None:
        """Learn from held-out rows when to name several labels, and when `auto` is in question."""
        self.label_sets_ = LabelSets(is_ordered=self.is_ordered).fit(
            cross_fit.probabilities, classes[cross_fit.rows], copies[cross_fit.rows]
        )
        self.certification_ = Certification()
        self.drift_doubt_ = DriftDoubt()
        self.residual_probability_ = (
            None if self.is_ordered else ResidualProbability().fit(cross_fit.probabilities)
        )

    def _choose_labels(
        self,
        cross_fit: CrossFit,
        labels: Rows,  # noqa: ARG002
        folds: Sequence[Fold],  # noqa: ARG002
    ) -> CrossFit:
        """Return the cross-fit with the numbers of the predicted classes."""
        return cross_fit

    def _add_recent_past(self, rows: DatedRows, cross_fit: CrossFit) -> CrossFit:
        fitted = fit_recent_past(rows, cross_fit, classes=len(self.classes_))
        self.recent_past_ = fitted.recent_past
        if fitted.pipelines:
            self.pipelines_[RECENT] = fitted.pipelines
        return fitted.cross_fit

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("cross_fit_", None)
        return state


def require_two_labels(labels: Sequence[str], target: str) -> None:
    """Raise `NotEnoughHistory` unless there are two different labels."""
    if len(set(labels)) < 2:
        raise NotEnoughHistory(
            f"{target} has fewer than two different labels; give a history with at least two"
        )


def _renumber(fold: Fold, labelled_rows: Rows, examples: int) -> Fold:
    """Return the fold with rows numbered among the labelled examples, without unlabelled rows."""
    place = np.full(examples, -1, dtype=np.int64)
    place[labelled_rows] = np.arange(len(labelled_rows))
    fit, judge = place[fold.fit], place[fold.judge]
    scores = None if fold.adapted_scores is None else fold.adapted_scores[labelled_rows]
    return Fold(fit[fit >= 0], judge[judge >= 0], scores)
