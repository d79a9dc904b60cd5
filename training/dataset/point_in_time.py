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

    `echoes` counts the labels that only repeat our own answers, and were taken out of the history.
    `incidents_to_store` and `labels_to_store` are what a file knows and the store does not; `facts`
    is what mappings said of the whole. `warnings` name the labels that were taken out for being
    slips of the pen, or no levels.
    """

    history: History
    facts: DatasetMetadata
    echoes: int = 0
    incidents_to_store: tuple[ResolvedIncident, ...] = ()
    labels_to_store: tuple[LabelRecord, ...] = ()
    warnings: tuple[str, ...] = ()


def read_point_in_time(
    store: Store, cutoff: datetime, *, file: History | None = None, with_store: bool = True
) -> PointInTimeHistory:
    """Return the incidents opened before the cutoff, each with the labels known by then.

    Where the ledger speaks of a target of an incident, its strongest label counts; else the final
    state does, known when the incident was resolved. A label that only repeats our own answer is
    left out, and so are those of `find_rejected_labels`. Incidents of a `file` join those of the
    store, or without `with_store` take their place. Of two with one id the report is the store's,
    and the file's final state one more opinion, which our own answers may have brought about.
    """
    stored = {one.report.id: one for one in _opened_before(store.incidents.all(), cutoff)}
    given = () if file is None else file.incidents
    filed = {one.report.id: one for one in _opened_before(given, cutoff)}
    answers = store.predictions.latest_summaries(filed)
    known = LabelResolver(store.labels.select(), answers, cutoff)
    ids = dict.fromkeys((*(stored if with_store else ()), *filed))
    opinions = {id_: known.judge(stored.get(id_), filed.get(id_)) for id_ in ids}
    facts = _facts(store.dataset_metadata.get(), file)
    trainable, warnings = _learnable(opinions, (*stored.values(), *filed.values()), facts)
    incidents = sorted(
        (
            _with_labels(_chosen(stored.get(id_), filed.get(id_)), labels, cutoff)
            for id_, labels in trainable.items()
        ),
        key=lambda one: (one.report.opened_at or _FIRST, one.report.id),
    )
    return PointInTimeHistory(
        history=_history(incidents, facts, file),
        facts=facts,
        echoes=sum(each.echoes for each in opinions.values()),
        incidents_to_store=tuple(_news(stored, filed)),
        labels_to_store=tuple(label for each in opinions.values() for label in each.news),
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class SelfConfirmedExcluded:
    """A file's history with what is known of its labels; `labels_to_store` are news to the ledger.

    `echoes` counts the labels that only repeat our own answers, and were taken out of the history;
    `warnings` name the others that were.
    """

    history: History
    echoes: int = 0
    labels_to_store: tuple[LabelRecord, ...] = ()
    warnings: tuple[str, ...] = ()


def exclude_self_confirmed(store: Store, file: History) -> SelfConfirmedExcluded:
    """Weigh a file's labels against what we answered and what people said of its incidents.

    An export of what was answered as `auto` holds our own answers as if they were labels. Incidents
    that nothing was ever answered or said about stay as they are; what was said of others is left
    out where `find_rejected_labels` names it.
    """
    ids = [one.report.id for one in file.incidents]
    answers = store.predictions.latest_summaries(ids)
    ledger = store.labels.select(incident_ids=ids)
    spoken_of = {id_ for id_, _ in answers} | {one.incident_id for one in ledger}
    stored = store.incidents.find(list(spoken_of))
    known = LabelResolver(ledger, answers, _LAST)
    opinions = {
        one.report.id: known.judge(stored.get(one.report.id), one)
        for one in file.incidents
        if one.report.id in spoken_of
    }
    of_all = (*stored.values(), *file.incidents)
    trainable, warnings = _learnable(opinions, of_all, DatasetMetadata.of(file))
    incidents = tuple(
        _with_labels(one, trainable[one.report.id], _LAST) if one.report.id in trainable else one
        for one in file.incidents
    )
    return SelfConfirmedExcluded(
        history=replace(file, incidents=incidents),
        echoes=sum(each.echoes for each in opinions.values()),
        labels_to_store=tuple(label for each in opinions.values() for label in each.news),
        warnings=warnings,
    )


def describe_self_confirmed(echoes: int) -> tuple[str, ...]:
    """Say how many labels only repeat our own answers; nothing of none.

    >>> describe_self_confirmed(1)
    ('1 label only repeats our own answers and taught nothing',)
    """
    verb = "repeats" if echoes == 1 else "repeat"
    told = f"{counted(echoes, 'label')} only {verb} our own answers and taught nothing"
    return (told,) if echoes else ()


def _opened_before(
    incidents: Iterable[ResolvedIncident], cutoff: datetime
) -> Iterator[ResolvedIncident]:
    for one in incidents:
        if one.report.opened_at is None or one.report.opened_at < cutoff:
            yield one


def _learnable(
    opinions: Mapping[str, ResolvedLabels],
    incidents: Iterable[ResolvedIncident],
    facts: DatasetMetadata,
) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Return the labels to learn from by incident and target, and what is left out as odd."""
    labels = {id_: each.trainable for id_, each in opinions.items()}
    odd = find_rejected_labels(labels, set(_final_labels(incidents, opinions.values())), facts)
    for one in odd:
        for id_ in one.incident_ids:
            del labels[id_][one.target]
    return labels, tuple(one.describe() for one in odd)


def _final_labels(
    incidents: Iterable[ResolvedIncident], opinions: Iterable[ResolvedLabels]
) -> Iterator[tuple[str, str]]:
    """Yield each label that a final state has or had, after its target."""
    for incident in incidents:
        yield from labels_of(incident.outcome).items()
    for each in opinions:
        for target, record in each.labels.items():
            if record.given_by == FINAL_STATE:
                yield target, record.label


def _chosen(stored: ResolvedIncident | None, filed: ResolvedIncident | None) -> ResolvedIncident:
    """Return the report as it came in, with the outcome that says more."""
    if stored is None or filed is None:
        one = stored or filed
        if one is None:
            raise ValueError("there is no incident to choose")
        return one
    is_resolved = not stored.outcome.is_open
    return stored if is_resolved else ResolvedIncident(stored.report, filed.outcome)


def _news(
    stored: Mapping[str, ResolvedIncident], filed: Mapping[str, ResolvedIncident]
) -> Iterator[ResolvedIncident]:
    """Yield what the store lacks: whole incidents, and outcomes of those that are open in it."""
    for id_, one in filed.items():
        chosen = _chosen(stored.get(id_), one)
        if chosen != stored.get(id_):
            yield chosen


def _with_labels(
    incident: ResolvedIncident, labels: Mapping[str, str], cutoff: datetime
) -> ResolvedIncident:
    """Return the incident with these labels only, and as yet unresolved if it was at the cutoff."""
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


def _facts(kept: DatasetMetadata | None, file: History | None) -> DatasetMetadata:
    """Return what mappings said; a file's word counts before what was kept."""
    before = kept or DatasetMetadata()
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
    found = tuple(incidents)
    groups = tuple(facts.groups.get(one.report.id, "") for one in found)
    # Incidents that came in by themselves have no group; where they are many, time is the judge.
    is_grouped = sum(map(bool, groups)) > _ENOUGH_GROUPED * len(groups)
    return History(
        incidents=found,
        severity_levels=facts.severity_levels,
        field_levels=facts.field_levels,
        priority_matrix=facts.priority_matrix,
        groups=groups if is_grouped else (),
        provenance=facts.provenance,
        rejected=() if file is None else file.rejected,
        warnings=() if file is None else file.warnings,
        sha256=data_hash(found),
    )


def data_hash(incidents: Iterable[ResolvedIncident]) -> str:
    """Return the SHA-256 of the incidents' ids and labels, whatever their order."""
    lines = sorted(
        f"{one.report.id!r} {target!r} {label!r}\n"
        for one in incidents
        for target, label in (*labels_of(one.outcome).items(), ("", ""))
    )
    return sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
