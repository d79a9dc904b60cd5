"""Labels that would teach a mistake: given once by one person, or no level of the scale."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from difflib import get_close_matches

from features.domain.history import DatasetMetadata
from features.formatting import counted
from models.base.target_labels import FIELD_PREFIX

_NAME_OTHERS = frozenset({"runbooks", "similar"})
Labels = Mapping[str, Mapping[str, str]]
"""Labels by target, by the id of the incident."""


@dataclass(frozen=True, slots=True)
class RejectedLabel:
    """A label of a target that is not learned, the incidents that carry it, and why not."""

    target: str
    label: str
    incident_ids: tuple[str, ...]
    why: str

    def describe(self) -> str:
        """Return what is left out, in a line.

        >>> RejectedLabel("severity", "P1", ("INC1", "INC2"), "which is no level").describe()
        "2 incidents say 'P1' in severity, which is no level"
        """
        count = len(self.incident_ids)
        verb = "says" if count == 1 else "say"
        return f"{counted(count, 'incident')} {verb} {self.label!r} in {self.target}, {self.why}"


def find_rejected_labels(
    known: Labels, final: Set[tuple[str, str]], facts: DatasetMetadata
) -> tuple[RejectedLabel, ...]:
    """Return the labels not to learn from.

    Of targets with levels these are the labels outside of them. Of others they are the labels that
    people named for a single incident, and that no final state has, as `final` tells by target and
    label: as likely a slip of the pen as a new class.
    """
    levels = {f"{FIELD_PREFIX}{name}": scale for name, scale in facts.field_levels.items() if scale}
    if facts.severity_levels:
        levels["severity"] = facts.severity_levels
    return tuple(_rejected(_by_label(known), levels, final))


def _by_label(known: Labels) -> dict[str, dict[str, list[str]]]:
    carriers: dict[str, dict[str, list[str]]] = {}
    for id_, labels in known.items():
        for target, label in labels.items():
            carriers.setdefault(target, {}).setdefault(label, []).append(id_)
    return carriers


def _rejected(
    carriers: Mapping[str, Mapping[str, list[str]]],
    levels: Mapping[str, tuple[str, ...]],
    final: Set[tuple[str, str]],
) -> Iterator[RejectedLabel]:
    for target in sorted(carriers.keys() - _NAME_OTHERS):
        for label, ids in carriers[target].items():
            if target not in levels and len(ids) == 1 and (target, label) not in final:
                others = {name for of, name in final if of == target} | carriers[target].keys()
                why = _given_once(label, others - {label}, ids[0])
                yield RejectedLabel(target, label, tuple(ids), why)
            elif target in levels and label not in levels[target]:
                yield RejectedLabel(target, label, tuple(ids), _not_a_level(levels[target], ids[0]))


def _given_once(label: str, others: Iterable[str], incident_id: str) -> str:
    by_letters = {other.casefold(): other for other in sorted(others)}
    alike = get_close_matches(label.casefold(), by_letters, n=1)
    like = f" (like {by_letters[alike[0]]!r}?)" if alike else ""
    return f"and no other does{like}: {incident_id}; left out until another says so"


def _not_a_level(levels: tuple[str, ...], incident_id: str) -> str:
    scale = f"which is none of its levels ({', '.join(levels)})"
    return f"{scale}, such as {incident_id}; left out until the mapping's `order` has it"
