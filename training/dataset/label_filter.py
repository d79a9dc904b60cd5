"""Finds labels that are likely mistakes: given only once, or not a level of the scale."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from difflib import get_close_matches

from features.domain.history import DatasetMetadata
from features.formatting import counted
from models.base.target_labels import FIELD_PREFIX

_RETRIEVAL_TARGETS = frozenset({"runbooks", "similar"})
Labels = Mapping[str, Mapping[str, str]]
"""For each incident id, the incident's labels by target."""


@dataclass(frozen=True, slots=True)
class RejectedLabel:
    """A label that is excluded from training, the incidents that have it, and the reason."""

    target: str
    label: str
    incident_ids: tuple[str, ...]
    reason: str

    def describe(self) -> str:
        """Return one line that says what is left out and why.

        >>> RejectedLabel("severity", "P1", ("INC1", "INC2"), "which is not a level").describe()
        "2 incidents have the label 'P1' in severity, which is not a level"
        """
        count = len(self.incident_ids)
        verb = "has" if count == 1 else "have"
        incidents = counted(count, "incident")
        return f"{incidents} {verb} the label {self.label!r} in {self.target}, {self.reason}"


def find_rejected_labels(
    labels: Labels, final_labels: Set[tuple[str, str]], metadata: DatasetMetadata
) -> tuple[RejectedLabel, ...]:
    """Return the labels to exclude from training.

    If a target has levels, every label that is not one of the levels is rejected. For other
    targets, a label is rejected if people gave it to a single incident and no final state has it,
    because such a label may be a typing mistake instead of a new class. `final_labels` holds the
    pairs of target and label that occur in final states. Labels of runbooks and similar incidents
    are never rejected.
    """
    levels = {
        f"{FIELD_PREFIX}{name}": scale for name, scale in metadata.field_levels.items() if scale
    }
    if metadata.severity_levels:
        levels["severity"] = metadata.severity_levels
    return tuple(_reject_labels(_group_ids(labels), levels, final_labels))


def _group_ids(labels: Labels) -> dict[str, dict[str, list[str]]]:
    """Return the ids of the incidents that have each label, by target and label."""
    ids: dict[str, dict[str, list[str]]] = {}
    for id_, labels_of_incident in labels.items():
        for target, label in labels_of_incident.items():
            ids.setdefault(target, {}).setdefault(label, []).append(id_)
    return ids


def _reject_labels(
    ids_by_label: Mapping[str, Mapping[str, list[str]]],
    levels: Mapping[str, tuple[str, ...]],
    final_labels: Set[tuple[str, str]],
) -> Iterator[RejectedLabel]:
    for target in sorted(ids_by_label.keys() - _RETRIEVAL_TARGETS):
        for label, ids in ids_by_label[target].items():
            if target not in levels and len(ids) == 1 and (target, label) not in final_labels:
                final = {name for final_target, name in final_labels if final_target == target}
                other_labels = (final | ids_by_label[target].keys()) - {label}
                reason = _explain_single_use(label, other_labels, ids[0])
                yield RejectedLabel(target, label, tuple(ids), reason)
            elif target in levels and label not in levels[target]:
                reason = _explain_unknown_level(levels[target], ids[0])
                yield RejectedLabel(target, label, tuple(ids), reason)


def _explain_single_use(label: str, other_labels: Iterable[str], incident_id: str) -> str:
    spellings = {other.casefold(): other for other in sorted(other_labels)}
    similar = get_close_matches(label.casefold(), spellings, n=1)
    hint = f" (did you mean {spellings[similar[0]]!r}?)" if similar else ""
    return f"which no other incident has{hint}: {incident_id}; left out until a second one has it"


def _explain_unknown_level(levels: tuple[str, ...], incident_id: str) -> str:
    scale = f"which is not one of its levels ({', '.join(levels)})"
    return f"{scale}: for example {incident_id}; left out until `order` in the mapping lists it"
