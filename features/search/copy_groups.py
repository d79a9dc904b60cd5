"""Groups of indexed incidents with equal text, so that recurrences take one place in a search."""

from collections.abc import Iterable

import numpy as np

from features.search.index_file import Arrays
from features.search.ragged_array import Slots


class CopyGroups:
    """Numbers the distinct texts of an index, and lists the slots of each.

    Texts are equal if their fingerprints are. The number of a text that is gone is used again.

    >>> groups = CopyGroups()
    >>> groups.put(0, fingerprint=17), groups.put(1, fingerprint=5), groups.put(2, fingerprint=17)
    (0, 1, 0)
    >>> groups.members(0)
    [0, 2]
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._fingerprints: list[int] = []
        self._members: list[dict[int, None]] = []
        self._free: list[int] = []
        self._group_of: dict[int, int] = {}

    def put(self, slot: int, fingerprint: int) -> int:
        """Add a slot to the group of its text; return the group's number."""
        group = self._numbers.get(fingerprint)
        if group is None:
            group = self._take_number(fingerprint)
        self._members[group][slot] = None
        self._group_of[slot] = group
        return group

    def remove(self, slot: int) -> int:
        """Remove a slot from its group; return the group's number."""
        group = self._group_of.pop(slot)
        del self._members[group][slot]
        if not self._members[group]:
            del self._numbers[self._fingerprints[group]]
            self._free.append(group)
        return group

    def members(self, group: int) -> list[int]:
        """Return the slots of a group in the order of their addition; none if it is gone."""
        return list(self._members[group])

    def first(self, group: int) -> int:
        """Return the slot of a group that was added before the others."""
        return next(iter(self._members[group]))

    def groups_of(self, slots: Iterable[int]) -> Slots:
        """Return the number of each slot's group."""
        return np.array([self._group_of[slot] for slot in slots], dtype=np.int64)

    def state(self, slots: Slots) -> Arrays:
        """Return the arrays from which `restore` makes these groups of slots 0, 1, and so on.

        `slots` are all slots of the groups. The numbers of the groups stay the same.
        """
        place = {slot: row for row, slot in enumerate(slots.tolist())}
        members = [(place[slot], group) for group, of in enumerate(self._members) for slot in of]
        pairs = np.array(members, dtype=np.int64).reshape(-1, 2)
        fingerprints = np.array(self._fingerprints, dtype=np.uint64)
        empty = np.array([not of for of in self._members], dtype=np.bool_)
        # The fingerprint of a text that is gone must not stay.
        fingerprints[empty] = 0
        return {"slots": pairs[:, 0], "groups": pairs[:, 1], "fingerprints": fingerprints}

    def restore(self, arrays: Arrays) -> None:
        """Take over the groups whose `state` is given."""
        self._fingerprints = arrays["fingerprints"].tolist()
        self._members = [{} for _ in self._fingerprints]
        for slot, group in zip(arrays["slots"].tolist(), arrays["groups"].tolist(), strict=True):
            self._members[group][slot] = None
            self._group_of[slot] = group
        self._free = [group for group, of in enumerate(self._members) if not of]
        self._numbers = {
            self._fingerprints[group]: group for group, of in enumerate(self._members) if of
        }

    def _take_number(self, fingerprint: int) -> int:
        group = self._free.pop() if self._free else len(self._members)
        if group == len(self._members):
            self._members.append({})
            self._fingerprints.append(fingerprint)
        self._fingerprints[group] = fingerprint
        self._numbers[fingerprint] = group
        return group
