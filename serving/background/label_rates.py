"""Reads the rates of labels that correct answers between trainings, and keeps them up to date."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from features.domain.label_rates import LabelRates
from features.domain.labels import LabelRecord
from features.errors import EncoderUnavailable
from features.store.operations.leases import new_holder
from features.store.store import Store
from models.classification.calibrated_predictor import CalibratedPredictor
from models.lifecycle.label_rates import (
    MOST_LABELS,
    LabelledReport,
    RateEstimator,
    save_label_rates,
)
from serving.background.champions import Champions, LoadedVersion
from serving.background.poller import Poller

LEASE = "label rates"

RatesByVersion = Mapping[tuple[str, str], LabelRates]
"""The label rates in force, by target and version."""

_LEASED_POLLS = 3
# Some of the newest labels are of incidents that the champion has learned from.
_MOST_READ = 3 * MOST_LABELS


class LabelRatePoller(Poller):
    """Keeps `rates` up to date; of all workers that share a store one estimates them anew.

    While the store is unavailable, the rates read last stay in force.
    """

    failure = "the rates of labels cannot be read"

    def __init__(
        self, store: Store, champions: Callable[[], Champions], poll_seconds: float
    ) -> None:
        super().__init__(poll_seconds, "label_rates", patience_seconds=0)
        self._store = store
        self._champions = champions
        self._holder = new_holder()
        self._estimators: dict[str, RateEstimator] = {}
        self._labels: dict[str, tuple[LabelRecord, ...]] = {}
        self._rates: RatesByVersion = MappingProxyType({})

    @property
    def rates(self) -> RatesByVersion:
        """The rates of this moment; each request reads them once."""
        return self._rates

    def of(self, champion: LoadedVersion) -> LabelRates | None:
        """Return the rates of a champion's labels, None if they are not corrected."""
        return self._rates.get((champion.version.target, champion.version.version))

    def _poll(self) -> None:
        seconds = _LEASED_POLLS * max(self._poll_seconds, 1.0)
        if self._store.leases.take(LEASE, self._holder, seconds):
            for champion in self._champions().serving.values():
                if isinstance(champion.model, CalibratedPredictor):
                    self._update(champion, champion.model)
        rates = self._store.label_rates.all()
        self._rates = {(one.target, one.version): one for one in rates}

    def _update(self, champion: LoadedVersion, model: CalibratedPredictor) -> None:
        target, version = champion.version.target, champion.version.version
        labels = self._store.labels.representative(target, _MOST_READ)
        estimator = self._estimators.get(target)
        if estimator is None or estimator.version != version:
            learned_until = champion.card.cutoff or champion.version.trained_at
            estimator = self._estimators[target] = RateEstimator(model, version, learned_until)
        elif labels == self._labels.get(target):
            return
        now = datetime.now(UTC)
        fields = {"target": target, "version": version}
        try:
            rates = estimator.estimate(self._labelled_reports(labels), now)
        except EncoderUnavailable as error:
            # The other targets can still be corrected.
            fields |= {"reason": str(error)}
            self._log.warning("the rates of labels cannot be estimated", extra={"fields": fields})
            return
        if save_label_rates(target, version, rates, self._store, now):
            self._log.warning("the rates of labels changed", extra={"fields": fields})
        self._labels[target] = labels

    def _labelled_reports(self, labels: tuple[LabelRecord, ...]) -> list[LabelledReport]:
        of_incident = {record.incident_id: record for record in labels}
        incidents = self._store.incidents.find(list(of_incident)) if of_incident else {}
        return [
            LabelledReport(
                incident.report, of_incident[id_].label, opened_at, of_incident[id_].given_at
            )
            for id_, incident in incidents.items()
            if (opened_at := incident.report.opened_at)
        ]
