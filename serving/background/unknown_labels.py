"""Learns to recognise labels that people give and that no champion knows."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from features.domain.labels import LabelRecord, strongest
from features.domain.report import IncidentReport
from features.store.store import Store
from models.classification.calibrated_predictor import CalibratedPredictor
from models.novelty.novelty_gate import TARGET as NOVELTY
from models.novelty.novelty_model import NoveltyModel
from models.novelty.unknown_labels import UnknownLabels
from serving.background.champions import Champions
from serving.background.poller import Poller

UnknownLabelsByTarget = Mapping[str, UnknownLabels]

_MOST_LABELS = 2_000


class UnknownLabelPoller(Poller):
    """Keeps, by target, the labels that people gave and that the target's champion has not learned.

    Only labels of stored incidents count: an incident's text is needed. While the store is
    unavailable, the labels read last stay in force.
    """

    failure = "corrected labels cannot be read"

    def __init__(
        self, store: Store, champions: Callable[[], Champions], poll_seconds: float
    ) -> None:
        super().__init__(poll_seconds, "unknown_labels", patience_seconds=0)
        self._store = store
        self._champions = champions
        self._learned_from: object = None
        self._unknown_labels: UnknownLabelsByTarget = MappingProxyType({})

    @property
    def unknown_labels(self) -> UnknownLabelsByTarget:
        """The labels of this moment, by target."""
        return self._unknown_labels

    def _poll(self) -> None:
        serving = self._champions().serving
        novelty = serving.get(NOVELTY)
        if novelty is None or not isinstance(novelty.model, NoveltyModel):
            self._unknown_labels, self._learned_from = MappingProxyType({}), None
            return
        labels = {
            target: self._labels_outside(target, version.model.classes_)
            for target, version in serving.items()
            if isinstance(version.model, CalibratedPredictor)
        }
        state = (novelty.version, labels)
        if state != self._learned_from:
            self._unknown_labels = self._learn(novelty.model, labels)
            self._learned_from = state

    def _labels_outside(self, target: str, classes: Collection[str]) -> tuple[LabelRecord, ...]:
        """Return the strongest label of each incident, if it is not one of the classes."""
        outside = self._store.labels.unlisted(target, classes, _MOST_LABELS)
        ids = {record.incident_id for record in outside}
        given = self._store.labels.select(target=target, incident_ids=ids) if ids else ()
        of_incident: dict[str, list[LabelRecord]] = defaultdict(list)
        for record in given:
            of_incident[record.incident_id].append(record)
        labels = (strongest(records) for records in of_incident.values())
        return tuple(label for label in labels if label and label.label not in classes)

    def _learn(
        self, novelty: NoveltyModel, labels: Mapping[str, tuple[LabelRecord, ...]]
    ) -> UnknownLabelsByTarget:
        learned = {
            target: novelty.learn_unknown_labels(self._reports(records))
            for target, records in labels.items()
            if records
        }
        return {target: labels for target, labels in learned.items() if labels is not None}

    def _reports(self, records: tuple[LabelRecord, ...]) -> dict[str, list[IncidentReport]]:
        label_of = {record.incident_id: record.label for record in records}
        reports: dict[str, list[IncidentReport]] = defaultdict(list)
        for id_, incident in self._store.incidents.find(list(label_of)).items():
            reports[label_of[id_]].append(incident.report)
        return reports
