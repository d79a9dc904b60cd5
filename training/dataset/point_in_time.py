"""Reads a history from the store, with the labels that were known at a cutoff."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType

from features.domain.history import DatasetMetadata, History
from features.domain.label_renames import Renames, current_label, merge_renames, rename_labels
from features.domain.label_sources import final_labels_of, labels_of
from features.domain.labels import FINAL_STATE, LabelRecord
from features.domain.report import Outcome, ResolvedIncident, Status
from features.formatting import counted
from features.store.store import Store
from models.base.target_labels import FIELD_PREFIX
from training.dataset.label_filter import find_rejected_labels
from training.dataset.label_resolution import LabelResolver, ResolvedLabels

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_MIN_GROUPED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class PointInTimeHistory:
    """A history with the labels known at a cutoff, and what a file adds to the store.

    `metadata` comes from column mappings. `self_confirmed` counts labels that were removed because
    they only repeat Precedent's own answers; `warnings` name the labels that
    `find_rejected_labels` removed. `incidents_to_store` and `labels_to_store` are in the file but
    not in the store.
    """

    history: History
    metadata: DatasetMetadata
    self_confirmed: int = 0
    incidents_to_store: tuple[ResolvedIncident, ...] = ()
    labels_to_store: tuple[LabelRecord, ...] = ()
    warnings: tuple[str, ...] = ()


def read_point_in_time(
    store: Store,
    cutoff: datetime,
    *,
    file: History | None = None,
    with_store: bool = True,
    renamed: Renames = MappingProxyType({}),
) -> PointInTimeHistory:
    """Return the incidents opened before the cutoff, each with the labels known at the cutoff.

    Incidents without an opening time are included. If the ledger has labels of an incident's
    target, the strongest one counts. Otherwise the final state counts, which was known once the
    incident was resolved; an incident that is open has none. Labels that only repeat Precedent's
    own answers are left out, and so are the labels that `find_rejected_labels` returns. Incidents
    of a `file` are added to the stored incidents; without `with_store`, only the file's incidents
    are returned. If an incident is in both, its report comes from the store, and its final state in
    the file is one more label. That label, too, is left out if it only repeats an answer of
    Precedent. A stored report that was edited is returned as it was at opening. Labels that were
    renamed, by the store, the file's mapping or `renamed`, are replaced by the new ones.
    """
    metadata = _merge_metadata(store.dataset_metadata.get(), file)
    metadata = _with_renames(metadata, merge_renames(metadata.renamed, renamed))
    stored_incidents = _incidents_before(store.incidents.all(), cutoff)
    file_incidents = _incidents_before(() if file is None else file.incidents, cutoff)
    opening_reports = store.tracked.opening_reports()
    answers = store.predictions.latest_summaries(file_incidents)
    resolver = LabelResolver(store.labels.select(), answers, cutoff, metadata.renamed)
    ids = dict.fromkeys((*(stored_incidents if with_store else ()), *file_incidents))
    resolved_labels = {
        id_: resolver.resolve(stored_incidents.get(id_), file_incidents.get(id_)) for id_ in ids
    }
    trainable, warnings = _trainable_labels(
        resolved_labels, (*stored_incidents.values(), *file_incidents.values()), metadata
    )
    merged = {
        id_: _merge_incident(stored_incidents.get(id_), file_incidents.get(id_))
        for id_ in trainable
    }
    incidents = sorted(
        (
            replace(
                _replace_labels(merged[id_], labels, cutoff),
                report=opening_reports.get(id_, merged[id_].report),
            )
            for id_, labels in trainable.items()
        ),
        key=lambda incident: (incident.report.opened_at or _EARLIEST, incident.report.id),
    )
    return PointInTimeHistory(
        history=_build_history(incidents, metadata, file),
        metadata=metadata,
        self_confirmed=sum(labels.self_confirmed for labels in resolved_labels.values()),
        incidents_to_store=tuple(_incidents_missing_in_store(stored_incidents, file_incidents)),
        labels_to_store=tuple(
            record for labels in resolved_labels.values() for record in labels.labels_to_store
        ),
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class SelfConfirmedExcluded:
    """A file's history without self-confirmed labels.

    `self_confirmed` counts the labels that were removed because they only repeat Precedent's own
    answers; `warnings` name the labels that `find_rejected_labels` removed. `labels_to_store` are
    labels of the file that are missing in the ledger.
    """

    history: History
    self_confirmed: int = 0
    labels_to_store: tuple[LabelRecord, ...] = ()
    warnings: tuple[str, ...] = ()


def exclude_self_confirmed(store: Store, file: History) -> SelfConfirmedExcluded:
    """Return a file's history without the labels that only repeat Precedent's own answers.

    If an answer was applied automatically, an export contains it as if a person had given the
    label. Incidents without any answer or label in the store stay unchanged, except that those that
    are stated to be open lose their labels, which are not final. The labels of all other incidents
    are resolved with the ledger's labels, and those that `find_rejected_labels` returns are
    removed. Labels that were renamed, by the store or the file's mapping, are replaced by the new
    ones.
    """
    stored_metadata = store.dataset_metadata.get() or DatasetMetadata()
    renamed = merge_renames(stored_metadata.renamed, file.renamed)
    file = replace(
        file, renamed=renamed, incidents=tuple(_rename(one, renamed) for one in file.incidents)
    )
    ids = [incident.report.id for incident in file.incidents]
    answers = store.predictions.latest_summaries(ids)
    ledger = store.labels.select(incident_ids=ids)
    ids_in_store = {id_ for id_, _ in answers} | {record.incident_id for record in ledger}
    stored_incidents = store.incidents.find(list(ids_in_store))
    resolver = LabelResolver(ledger, answers, _LATEST, renamed)
    resolved_labels = {
        incident.report.id: resolver.resolve(stored_incidents.get(incident.report.id), incident)
        for incident in file.incidents
        if incident.report.id in ids_in_store
    }
    all_incidents = (*stored_incidents.values(), *file.incidents)
    trainable, warnings = _trainable_labels(
        resolved_labels, all_incidents, DatasetMetadata.of(file)
    )
    incidents = tuple(
        _replace_labels(incident, trainable[incident.report.id], _LATEST)
        if incident.report.id in trainable
        else _without_open_labels(incident)
        for incident in file.incidents
    )
    return SelfConfirmedExcluded(
        history=replace(file, incidents=incidents),
        self_confirmed=sum(labels.self_confirmed for labels in resolved_labels.values()),
        labels_to_store=tuple(
            record for labels in resolved_labels.values() for record in labels.labels_to_store
        ),
        warnings=warnings,
    )


def describe_self_confirmed(count: int) -> tuple[str, ...]:
    """Return a line with the number of self-confirmed labels, or no line if it is 0.

    >>> describe_self_confirmed(1)
    ("1 label left out for only repeating Precedent's own answers",)
    """
    line = f"{counted(count, 'label')} left out for only repeating Precedent's own answers"
    return (line,) if count else ()


def _incidents_before(
    incidents: Iterable[ResolvedIncident], cutoff: datetime
) -> dict[str, ResolvedIncident]:
    return {
        incident.report.id: incident
        for incident in incidents
        if incident.report.opened_at is None or incident.report.opened_at < cutoff
    }


def _trainable_labels(
    resolved_labels: Mapping[str, ResolvedLabels],
    incidents: Iterable[ResolvedIncident],
    metadata: DatasetMetadata,
) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Return the labels to train on by incident and target, and a line per rejected label."""
    renamed = metadata.renamed
    trainable = {
        id_: rename_labels(renamed, labels.trainable) for id_, labels in resolved_labels.items()
    }
    final_labels = {
        (target, current_label(renamed, target, label))
        for target, label in _final_labels(incidents, resolved_labels.values())
    }
    rejected_labels = find_rejected_labels(trainable, final_labels, metadata)
    for label in rejected_labels:
        for id_ in label.incident_ids:
            del trainable[id_][label.target]
    return trainable, tuple(label.describe() for label in rejected_labels)


def _final_labels(
    incidents: Iterable[ResolvedIncident], resolved_labels: Iterable[ResolvedLabels]
) -> Iterator[tuple[str, str]]:
    """Yield the target and the label of each current or earlier final state."""
    for incident in incidents:
        yield from final_labels_of(incident.outcome).items()
    for labels in resolved_labels:
        for target, record in labels.labels.items():
            if record.given_by == FINAL_STATE:
                yield target, record.label


def _merge_incident(
    stored_incident: ResolvedIncident | None, file_incident: ResolvedIncident | None
) -> ResolvedIncident:
    """Return the stored incident, with the file's outcome if the stored incident is still open.

    If only one of the two incidents exists, it is returned.
    """
    if stored_incident is None or file_incident is None:
        incident = stored_incident or file_incident
        if incident is None:
            raise ValueError("there is no incident to merge")
        return incident
    is_resolved = not stored_incident.outcome.is_open
    return (
        stored_incident
        if is_resolved
        else ResolvedIncident(stored_incident.report, file_incident.outcome)
    )


def _incidents_missing_in_store(
    stored_incidents: Mapping[str, ResolvedIncident], file_incidents: Mapping[str, ResolvedIncident]
) -> Iterator[ResolvedIncident]:
    """Yield the file's new incidents, and stored open incidents with the file's outcome."""
    for id_, incident in file_incidents.items():
        merged = _merge_incident(stored_incidents.get(id_), incident)
        if merged != stored_incidents.get(id_):
            yield merged


def _rename(incident: ResolvedIncident, renamed: Renames) -> ResolvedIncident:
    labels = labels_of(incident.outcome)
    new_labels = rename_labels(renamed, labels)
    return incident if new_labels == labels else _replace_labels(incident, new_labels, _LATEST)


def _without_open_labels(incident: ResolvedIncident) -> ResolvedIncident:
    labels = final_labels_of(incident.outcome)
    is_final = labels == labels_of(incident.outcome)
    return incident if is_final else _replace_labels(incident, labels, _LATEST)


def _replace_labels(
    incident: ResolvedIncident, labels: Mapping[str, str], cutoff: datetime
) -> ResolvedIncident:
    """Return the incident with only these labels.

    A resolution after the cutoff, or of an incident that is stated to be open, is removed.
    """
    outcome = incident.outcome
    is_after = outcome.resolved_at is not None and outcome.resolved_at > cutoff
    status = Status.OPEN if is_after and outcome.status else outcome.status
    is_resolved = not is_after and status in (None, Status.RESOLVED)
    known_outcome = Outcome(
        category=labels.get("category"),
        assignment=labels.get("assignment"),
        severity=labels.get("severity"),
        resolution=outcome.resolution if is_resolved else None,
        runbook_id=labels.get("runbooks"),
        resolved_at=outcome.resolved_at if is_resolved else None,
        duplicate_of=labels.get("similar"),
        fields={
            target.removeprefix(FIELD_PREFIX): label
            for target, label in labels.items()
            if target.startswith(FIELD_PREFIX)
        },
        status=status,
        sla_met=outcome.sla_met if is_resolved else None,
        reassigned=outcome.reassigned if is_resolved else None,
    )
    return replace(incident, outcome=known_outcome)


def _merge_metadata(
    stored_metadata: DatasetMetadata | None, file: History | None
) -> DatasetMetadata:
    """Return the stored metadata, updated with the metadata that the file has."""
    before = stored_metadata or DatasetMetadata()
    if file is None:
        return before
    file_metadata = DatasetMetadata.of(file)
    return DatasetMetadata(
        severity_levels=file_metadata.severity_levels or before.severity_levels,
        field_levels={**before.field_levels, **file_metadata.field_levels},
        priority_matrix=file_metadata.priority_matrix or before.priority_matrix,
        groups={**before.groups, **file_metadata.groups},
        provenance={**before.provenance, **file_metadata.provenance},
        sha256=file_metadata.sha256,
        renamed=merge_renames(before.renamed, file_metadata.renamed),
    )


def _with_renames(metadata: DatasetMetadata, renamed: Renames) -> DatasetMetadata:
    """Return the metadata with these renames, also of its levels."""

    def rename_levels(target: str, levels: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(current_label(renamed, target, level) for level in levels))

    return replace(
        metadata,
        renamed=renamed,
        severity_levels=rename_levels("severity", metadata.severity_levels),
        field_levels={
            name: rename_levels(f"{FIELD_PREFIX}{name}", levels)
            for name, levels in metadata.field_levels.items()
        },
    )


def _build_history(
    incidents: Iterable[ResolvedIncident], metadata: DatasetMetadata, file: History | None
) -> History:
    incidents = tuple(incidents)
    groups = tuple(metadata.groups.get(incident.report.id, "") for incident in incidents)
    # Incidents that do not come from an export have no group. If at least half of the incidents
    # have no group, groups are not used, so the history is not split by them.
    is_grouped = sum(map(bool, groups)) > _MIN_GROUPED_SHARE * len(groups)
    return History(
        incidents=incidents,
        severity_levels=metadata.severity_levels,
        field_levels=metadata.field_levels,
        priority_matrix=metadata.priority_matrix,
        groups=groups if is_grouped else (),
        provenance=metadata.provenance,
        rejected=() if file is None else file.rejected,
        warnings=() if file is None else file.warnings,
        sha256=data_hash(incidents),
        renamed=metadata.renamed,
    )


def data_hash(incidents: Iterable[ResolvedIncident]) -> str:
    """Return the SHA-256 of the incidents' ids and labels; the order of incidents is irrelevant."""
    lines = sorted(
        f"{incident.report.id!r} {target!r} {label!r}\n"
        for incident in incidents
        for target, label in (*labels_of(incident.outcome).items(), ("", ""))
    )
    return sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
