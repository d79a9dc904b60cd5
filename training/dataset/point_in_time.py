"""A history from the store, as it was known at a cutoff."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from features.domain.history import DatasetMetadata, History
from features.domain.label_sources import labels_of
from features.domain.labels import FINAL_STATE, LabelRecord
from features.domain.report import Outcome, ResolvedIncident
from features.formatting import counted
from features.store.store import Store
from models.base.target_labels import FIELD_PREFIX
from training.dataset.label_filter import find_rejected_labels
from training.dataset.label_resolution import LabelResolver, ResolvedLabels

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_ENOUGH_GROUPED = 0.5


@dataclass(frozen=True, slots=True)
class PointInTimeHistory:
    """What was known at a cutoff.

    `self_confirmed` counts the labels that only repeat our own answers and were taken out of the
    history.
    `incidents_to_store` and `labels_to_store` are what a file knows and the store does not; `facts`
    is what mappings said of the whole. `warnings` name the labels that were taken out for being
    slips of the pen, or no levels.
    """

    history: History
    facts: DatasetMetadata
    self_confirmed: int = 0
    incidents_to_store: tuple[ResolvedIncident, ...] = ()
    labels_to_store: tuple[LabelRecord, ...] = ()
    warnings: tuple[str, ...] = ()


def read_point_in_time(
    store: Store, cutoff: datetime, *, file: History | None = None, with_store: bool = True
) -> PointInTimeHistory:
    """Return the incidents opened before the cutoff, each with the labels known by then.

    Where the ledger holds labels of a target of an incident, the strongest counts; else the final
    state does, known when the incident was resolved. A label that only repeats our own answer is
    left out, and so are those of `find_rejected_labels`. Incidents of a `file` join those of the
    store, or without `with_store` take their place. Of two with one id the report is the store's,
    and the file's final state one more label, which our own answers may have brought about.
    """
    stored = _opened_before(store.incidents.all(), cutoff)
    filed = _opened_before(() if file is None else file.incidents, cutoff)
    answers = store.predictions.latest_summaries(filed)
    resolver = LabelResolver(store.labels.select(), answers, cutoff)
    ids = dict.fromkeys((*(stored if with_store else ()), *filed))
    resolved = {id_: resolver.resolve(stored.get(id_), filed.get(id_)) for id_ in ids}
    facts = _facts(store.dataset_metadata.get(), file)
    trainable, warnings = _trainable(resolved, (*stored.values(), *filed.values()), facts)
    incidents = sorted(
        (
            _with_labels(_merge(stored.get(id_), filed.get(id_)), labels, cutoff)
            for id_, labels in trainable.items()
        ),
        key=lambda incident: (incident.report.opened_at or _FIRST, incident.report.id),
    )
    return PointInTimeHistory(
        history=_history(incidents, facts, file),
        facts=facts,
        self_confirmed=sum(labels.self_confirmed for labels in resolved.values()),
        incidents_to_store=tuple(_missing_in_store(stored, filed)),
        labels_to_store=tuple(
            record for labels in resolved.values() for record in labels.labels_to_store
        ),
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class SelfConfirmedExcluded:
    """A file's history without self-confirmed labels; the ledger lacks `labels_to_store`.

    `self_confirmed` counts the labels that only repeat our own answers and were taken out of the
    history; `warnings` name the others that were.
    """

    history: History
    self_confirmed: int = 0
    labels_to_store: tuple[LabelRecord, ...] = ()
    warnings: tuple[str, ...] = ()


def exclude_self_confirmed(store: Store, file: History) -> SelfConfirmedExcluded:
    """Weigh a file's labels against what we answered and what people said of its incidents.

    An export of what was answered as `auto` holds our own answers as if they were labels. Incidents
    that nothing was ever answered or said about stay as they are; what was said of others is left
    out where `find_rejected_labels` names it.
    """
    ids = [incident.report.id for incident in file.incidents]
    answers = store.predictions.latest_summaries(ids)
    ledger = store.labels.select(incident_ids=ids)
    known_ids = {id_ for id_, _ in answers} | {record.incident_id for record in ledger}
    stored = store.incidents.find(list(known_ids))
    resolver = LabelResolver(ledger, answers, _LAST)
    resolved = {
        incident.report.id: resolver.resolve(stored.get(incident.report.id), incident)
        for incident in file.incidents
        if incident.report.id in known_ids
    }
    both = (*stored.values(), *file.incidents)
    trainable, warnings = _trainable(resolved, both, DatasetMetadata.of(file))
    incidents = tuple(
        _with_labels(incident, trainable[incident.report.id], _LAST)
        if incident.report.id in trainable
        else incident
        for incident in file.incidents
    )
    return SelfConfirmedExcluded(
        history=replace(file, incidents=incidents),
        self_confirmed=sum(labels.self_confirmed for labels in resolved.values()),
        labels_to_store=tuple(
            record for labels in resolved.values() for record in labels.labels_to_store
        ),
        warnings=warnings,
    )


def describe_self_confirmed(count: int) -> tuple[str, ...]:
    """Say how many labels only repeat our own answers; nothing of none.

    >>> describe_self_confirmed(1)
    ('1 label only repeats our own answers and taught nothing',)
    """
    verb = "repeats" if count == 1 else "repeat"
    line = f"{counted(count, 'label')} only {verb} our own answers and taught nothing"
    return (line,) if count else ()


def _opened_before(
    incidents: Iterable[ResolvedIncident], cutoff: datetime
) -> dict[str, ResolvedIncident]:
    return {
        incident.report.id: incident
        for incident in incidents
        if incident.report.opened_at is None or incident.report.opened_at < cutoff
    }


def _trainable(
    resolved: Mapping[str, ResolvedLabels],
    incidents: Iterable[ResolvedIncident],
    facts: DatasetMetadata,
) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Return the labels to learn from by incident and target, and which ones are rejected."""
    trainable = {id_: labels.trainable for id_, labels in resolved.items()}
    final = set(_final_labels(incidents, resolved.values()))
    rejected = find_rejected_labels(trainable, final, facts)
    for label in rejected:
        for id_ in label.incident_ids:
            del trainable[id_][label.target]
    return trainable, tuple(label.describe() for label in rejected)


def _final_labels(
    incidents: Iterable[ResolvedIncident], resolved: Iterable[ResolvedLabels]
) -> Iterator[tuple[str, str]]:
    """Yield each label that a final state has or had, after its target."""
    for incident in incidents:
        yield from labels_of(incident.outcome).items()
    for labels in resolved:
        for target, record in labels.labels.items():
            if record.given_by == FINAL_STATE:
                yield target, record.label


def _merge(stored: ResolvedIncident | None, filed: ResolvedIncident | None) -> ResolvedIncident:
    """Return the report as it came in, with the outcome that says more."""
    if stored is None or filed is None:
        incident = stored or filed
        if incident is None:
            raise ValueError("there is no incident to merge")
        return incident
    is_resolved = not stored.outcome.is_open
    return stored if is_resolved else ResolvedIncident(stored.report, filed.outcome)


def _missing_in_store(
    stored: Mapping[str, ResolvedIncident], filed: Mapping[str, ResolvedIncident]
) -> Iterator[ResolvedIncident]:
    """Yield what the store lacks: whole incidents, and outcomes of those that are open in it."""
    for id_, incident in filed.items():
        merged = _merge(stored.get(id_), incident)
        if merged != stored.get(id_):
            yield merged


def _with_labels(
    incident: ResolvedIncident, labels: Mapping[str, str], cutoff: datetime
) -> ResolvedIncident:
    """Return the incident with these labels only, still unresolved if it was at the cutoff."""
    outcome = incident.outcome
    is_over = outcome.resolved_at is None or outcome.resolved_at <= cutoff
    known = Outcome(
        category=labels.get("category"),
        assignment=labels.get("assignment"),
        severity=labels.get("severity"),
        resolution=outcome.resolution if is_over else None,
        runbook_id=labels.get("runbooks"),
        resolved_at=outcome.resolved_at if is_over else None,
        duplicate_of=labels.get("similar"),
        fields={
            target.removeprefix(FIELD_PREFIX): label
            for target, label in labels.items()
            if target.startswith(FIELD_PREFIX)
        },
    )
    return replace(incident, outcome=known)


def _facts(stored: DatasetMetadata | None, file: History | None) -> DatasetMetadata:
    """Return the metadata of the mappings; a file's replace what was stored."""
    before = stored or DatasetMetadata()
    if file is None:
        return before
    new = DatasetMetadata.of(file)
    return DatasetMetadata(
        severity_levels=new.severity_levels or before.severity_levels,
        field_levels={**before.field_levels, **new.field_levels},
        priority_matrix=new.priority_matrix or before.priority_matrix,
        groups={**before.groups, **new.groups},
        provenance={**before.provenance, **new.provenance},
        sha256=new.sha256,
    )


def _history(
    incidents: Iterable[ResolvedIncident], facts: DatasetMetadata, file: History | None
) -> History:
    incidents = tuple(incidents)
    groups = tuple(facts.groups.get(incident.report.id, "") for incident in incidents)
    # Incidents that came in by themselves have no group; where they are many, time is the judge.
    is_grouped = sum(map(bool, groups)) > _ENOUGH_GROUPED * len(groups)
    return History(
        incidents=incidents,
        severity_levels=facts.severity_levels,
        field_levels=facts.field_levels,
        priority_matrix=facts.priority_matrix,
        groups=groups if is_grouped else (),
        provenance=facts.provenance,
        rejected=() if file is None else file.rejected,
        warnings=() if file is None else file.warnings,
        sha256=data_hash(incidents),
    )


def data_hash(incidents: Iterable[ResolvedIncident]) -> str:
    """Return the SHA-256 of the incidents' ids and labels, whatever their order."""
    lines = sorted(
        f"{incident.report.id!r} {target!r} {label!r}\n"
        for incident in incidents
        for target, label in (*labels_of(incident.outcome).items(), ("", ""))
    )
    return sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
