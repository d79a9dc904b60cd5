"""The queue of labels on the page: what to label next, each with a form that names the label."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.domain.report import IncidentReport
from serving.container import Container
from serving.pages.views.visible_answers import is_offered, known_labels
from serving.services.active_learning import WantedLabel, label_targets

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class QueuedLabel:
    """An incident to label, with the answer that the label judges: what it says is not here."""

    wanted: WantedLabel
    report: IncidentReport
    prediction_id: str
    incident_id: str
    target: str


@dataclass(frozen=True, slots=True)
class LabelsPage:
    """The queue of a target, None without a champion, and the choices by the alphabet."""

    target: str | None
    targets: tuple[str, ...]
    items: tuple[QueuedLabel, ...] = ()
    choices: tuple[str, ...] = ()


def open_labels(services: Container, asked: str) -> LabelsPage:
    """Return the queue of a target, of the first one if none is asked for.

    Raises `InvalidFields` for a target that takes no labels, `StoreUnavailable`, `IndexBehind` and
    `EncoderUnavailable`.
    """
    champions = services.champions.current()
    targets = label_targets(champions)
    if not targets:
        return LabelsPage(None, ())
    target = asked or targets[0]
    queue = services.label_queue.next(target, _SHOWN)
    choices = tuple(filter(is_offered, known_labels(champions.serving[target])))
    return LabelsPage(target, targets, _items(services, target, queue), choices)


def _items(
    services: Container, target: str, queue: Sequence[WantedLabel]
) -> tuple[QueuedLabel, ...]:
    stored = services.store.incidents.find([each.incident_id for each in queue])
    answers = _answers(services, target, queue)
    return tuple(
        QueuedLabel(each, stored[id_].report, answers[id_], id_, target)
        for each in queue
        if (id_ := each.incident_id) in stored and id_ in answers
    )


def _answers(services: Container, target: str, queue: Iterable[WantedLabel]) -> Mapping[str, str]:
    """Return the id of the answer about each incident, of the audit sample's the hidden one."""
    latest = services.store.predictions.latest([each.incident_id for each in queue])
    found = {
        id_: record.prediction_id
        for id_, records in latest.items()
        for record in records
        if record.target == target
    }
    if not any(each.is_audit for each in queue):
        return found
    hidden = services.store.predictions.audited(target)
    return found | {each.incident_id: each.prediction_id for each in hidden if each.truth is None}
