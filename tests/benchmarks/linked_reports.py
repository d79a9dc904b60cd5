"""Public reports and which of them are about the same trouble, as their trackers say."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from data_sets import DATA_SETS, data_folder, load_data_set

from features.domain.report import ResolvedIncident
from models.classification.scorers.scorer import Rows
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
        [
            incident
            for incident in load_data_set(data_set).incidents
            if incident.report.id in group_of
        ],
        {id_: [first[of]] for id_, of in group_of.items() if id_ != first[of]},
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
    return [
        replace(incident, outcome=replace(incident.outcome, duplicate_of=None))
        for incident in incidents
    ]


def _linked(incidents: Sequence[ResolvedIncident], links) -> LinkedReports:
    ordered = sorted(incidents, key=lambda incident: incident.report.opened_at)
    linked = tuple(
        replace(
            incident,
            outcome=replace(
                incident.outcome, duplicate_of=" ".join(links.get(incident.report.id, [])) or None
            ),
        )
        for incident in ordered
    )
    return LinkedReports(linked, link_groups(linked))
