"""The page of the label queue: incidents to label next, each with a form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.domain.report import IncidentReport
from serving.container import Container
from serving.pages.views.visible_answers import is_offered, known_labels
from serving.services.active_learning import WantedLabel, label_targets

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class QueuedLabel:
    """An incident to label, and the id of our answer that the label is compared with."""

    wanted: WantedLabel
    report: IncidentReport
    prediction_id: str
    incident_id: str
    target: str


@dataclass(frozen=True, slots=True)
class LabelsPage:
    """The queue of a target, and the target's labels in alphabetical order.

    `target` is None and all else is empty if no champion answers with labels.
    """

    target: str | None
    targets: tuple[str, ...]
    items: tuple[QueuedLabel, ...] = ()
    choices: tuple[str, ...] = ()


def open_labels(services: Container, requested_target: str) -> LabelsPage:
    """Return the queue of a target; the first target is the default.

    Raises `InvalidFields` if the target has no champion or its answers are not labels; also raises
    `StoreUnavailable`, `IndexBehind` and `EncoderUnavailable`.
    """
    champions = services.champions.current()
    targets = label_targets(champions)
    if not targets:
        return LabelsPage(None, ())
    target = requested_target or targets[0]
    queue = services.label_queue.next(target, _SHOWN)
    choices = tuple(filter(is_offered, known_labels(champions.serving[target])))
    return LabelsPage(target, targets, _items(services, target, queue), choices)


def _items(
    services: Container, target: str, queue: Sequence[WantedLabel]
) -> tuple[QueuedLabel, ...]:
    stored = services.store.incidents.find([entry.incident_id for entry in queue])
    prediction_ids = _prediction_ids(services, target, queue)
    return tuple(
        QueuedLabel(entry, stored[id_].report, prediction_ids[id_], id_, target)
        for entry in queue
        if (id_ := entry.incident_id) in stored and id_ in prediction_ids
    )


def _prediction_ids(
    services: Container, target: str, queue: Iterable[WantedLabel]
) -> Mapping[str, str]:
    """Return the prediction id of one answer about each incident, by incident.

    It is the answer that the audit sample hides, or the newest answer if no answer is hidden.
    """
    latest = services.store.predictions.latest([entry.incident_id for entry in queue])
    newest = {
        id_: record.prediction_id
        for id_, records in latest.items()
        for record in records
        if record.target == target
    }
    if not any(entry.is_audit for entry in queue):
        return newest
    hidden = {
        answer.incident_id: answer.prediction_id
        for answer in services.store.predictions.audited(target)
        if answer.truth is None
    }
    return newest | hidden
