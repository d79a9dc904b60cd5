"""Public reports and which of them are about the same trouble, as their trackers say."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from data_sets import DATA_SETS, data_folder, load_data_set

from features.domain.report import ResolvedIncident
from models.classification.cross_validation import Rows
from models.similarity.duplicate_groups import link_groups


@dataclass(frozen=True, slots=True)
class LinkedReports:
    """Incidents, the oldest first, with links as outcomes; -1 in `groups` is one without."""

    incidents: tuple[ResolvedIncident, ...]
    groups: Rows


def load_openoffice(most: int | None = None) -> LinkedReports:
    """Read the duplicate groups, or some with about `most` reports.

    Each later report names the first of its group.
    """
    data_set = DATA_SETS["openoffice"]
    with gzip.open(data_set.path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    first: dict[int, str] = {}
    for row in rows:
        first.setdefault(row["group"], str(row["id"]))
    stride = 1 if most is None else -(-len(rows) // most)
    group_of = {str(row["id"]): row["group"] for row in rows if row["group"] % stride == 0}
    return _linked(
        [one for one in load_data_set(data_set).incidents if one.report.id in group_of],
        {each: [first[of]] for each, of in group_of.items() if each != first[of]},
    )


def load_seamonkey(most: int | None = None) -> LinkedReports:
    """Read the tracker's first issues with its pairs; some name several, or issues without text."""
    pairs = data_folder() / "duplicates" / "seamonkey-pairs.csv"
    links = defaultdict(list)
    with pairs.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            links[row["Issue id"]].append(row["Duplicate id"])
    return _linked(load_data_set(DATA_SETS["seamonkey-issues"]).incidents[:most], links)


def without_links(incidents: Sequence[ResolvedIncident]) -> list[ResolvedIncident]:
    """Return the incidents as a tracker has them where nobody links duplicates."""
    return [replace(one, outcome=replace(one.outcome, duplicate_of=None)) for one in incidents]


def _linked(incidents: Sequence[ResolvedIncident], links) -> LinkedReports:
    ordered = sorted(incidents, key=lambda one: one.report.opened_at)
    linked = tuple(
        replace(
            one,
            outcome=replace(
                one.outcome, duplicate_of=" ".join(links.get(one.report.id, [])) or None
            ),
        )
        for one in ordered
    )
    return LinkedReports(linked, link_groups(linked))
