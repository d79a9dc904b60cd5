"""The opponents of a challenger: the champion, and the champions of the past year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from features.domain.champion_history import CHAMPION_ACTIONS
from features.domain.history import History
from features.errors import ArtifactRejected, EncoderUnavailable
from features.formatting import counted
from features.store.store import open_store
from models.artifacts.manifest import ArtifactFolder, is_current_format
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.artifacts.training_ids import hash_ids, were_learned_from
from models.base.model_card import Card
from models.classification.cross_validation import Rows
from training.dataset.targets import data_end
from training.evaluation.evaluate import Evaluation
from training.evaluation.held_out_predictions import held_out_answers
from training.plan import TrainingPlan

FEWEST_GROUPS = 100
"""So many groups of near-copies must be shared before two versions are compared."""

_YEAR = timedelta(days=365)
_MOST_ASKED = 2000
_EARLIER_FORMAT = "was saved by an earlier version of Precedent and cannot answer: not compared"
_LATER, _HELD_OUT = "opened after its data ended", "that neither had seen"


@dataclass(frozen=True, slots=True)
class Opponent:
    """What another version answered to incidents that it had not seen.

    `rows` are their places among the challenger's judged ones; `which` tells how they were chosen.
    """

    version: str
    rows: Rows
    predicted: tuple[str, ...]
    which: str = _HELD_OUT


@dataclass(frozen=True, slots=True)
class Opponents:
    """The champion and earlier champions, and what the challenger learned that they did not.

    `freshness` says what the challenger learned beyond the champion, None if nothing. `warnings`
    say why a comparison is not the usual one. `rolled_back` says who rolled back to the champion,
    when and why; None where nobody did.
    """

    champion: Opponent | None = None
    freshness: str | None = None
    past: tuple[Opponent, ...] = ()
    warnings: tuple[str, ...] = ()
    rolled_back: str | None = None


def find_opponents(
    ours: Evaluation,
    history: History,
    target: str,
    learned_from: Sequence[str],
    plan: TrainingPlan,
) -> Opponents:
    """Find what the champions answered to incidents that the challenger was judged on.

    Both are to have learned from the same past and to be judged on the same later period. So where
    the history goes on after the champion's data by 100 groups of incidents, all of them unknown
    to it, the champion itself answers these (the latest 2,000), as it would have in production.
    The challenger's answers to them are its held-out ones, each by a fit on what was known when
    its period began: never on the incident, and on less than the challenger will answer from. That
    these fits may have learned from incidents after the champion's end is no unfairness, but what
    retraining is for.

    Elsewhere, with too short a later period or without dates, both are known by their held-out
    answers: to the same reports, each by fits of the same procedure on the rest of the history of
    its time, where no fit saw the report or a near-copy. A champion of an earlier format, which no
    server loads, is no opponent. Raises `RegistryUnavailable` and `StoreUnavailable`.
    """
    registry = ModelRegistry(plan.home.tracking_uri, plan.tenant)
    champion = registry.champions().get(target)
    if champion is None:
        return Opponents()
    if not is_current_format(ArtifactFolder(champion.folder)):
        return Opponents(warnings=(f"version {champion.version} {_EARLIER_FORMAT}",))
    known = held_out_answers(champion, plan.home).labels
    asked, warnings = _ask_champion(ours, history, champion, registry)
    return Opponents(
        champion=asked or _by_held_out(ours, champion, plan),
        freshness=_explain_freshness(
            ours, history, learned_from, champion, known, plan.fresher_days
        ),
        past=tuple(
            _by_held_out(ours, version, plan)
            for version in _past_champions(target, registry)
            if version.version != champion.version
        ),
        warnings=warnings,
        rolled_back=_rolled_back(target, plan),
    )


def _explain_freshness(
    ours: Evaluation,
    history: History,
    learned_from: Sequence[str],
    champion: ModelVersion,
    known: Mapping[int, str],
    fresher_days: float,
) -> str | None:
    """Say what makes a challenger fresher than the champion; None where nothing does.

    Data that end `fresher_days` later do, and so do incidents with a label that the champion never
    saw, or for which it was judged by another label. `learned_from` are the challenger's training
    ids, `known` the labels that the champion was judged by, by hash of the id.
    """
    files = ArtifactFolder(champion.folder)
    end = data_end(history, champion.target)
    cutoff = Card.from_json(files.card.read_text(encoding="utf-8")).cutoff
    if end and cutoff and end - cutoff >= timedelta(days=fresher_days):
        return f"its data end {counted((end - cutoff).days, 'day')} later"
    unseen = int((~were_learned_from(learned_from, files.learned_from)).sum())
    if unseen:
        return f"it learned from {counted(unseen, 'incident')} that the champion never saw"
    ids = hash_ids([history.incidents[int(row)].report.id for row in ours.rows])
    changed = sum(
        known.get(name, ours.classes[label]) != ours.classes[label]
        for name, label in zip(ids.tolist(), ours.judged.labels.tolist(), strict=True)
    )
    return f"it learned from {counted(changed, 'corrected label')}" if changed else None


def _ask_champion(
    ours: Evaluation, history: History, champion: ModelVersion, registry: ModelRegistry
) -> tuple[Opponent | None, tuple[str, ...]]:
    """Let the champion answer what came later; None where too little did or it cannot answer."""
    later = _later_rows(ours, history, champion)
    if len(np.unique(ours.copies[later])) < FEWEST_GROUPS:
        return None, ()
    reports = [history.incidents[int(row)].report for row in ours.rows[later]]
    try:
        answers = registry.load(champion).model.predict(reports)
    except (ArtifactRejected, EncoderUnavailable) as error:
        return None, (f"the champion could not be asked, its held-out answers count: {error}",)
    return Opponent(champion.version, later, tuple(answer.label for answer in answers), _LATER), ()


def _later_rows(ours: Evaluation, history: History, champion: ModelVersion) -> Rows:
    files = ArtifactFolder(champion.folder)
    cutoff = Card.from_json(files.card.read_text(encoding="utf-8")).cutoff
    if cutoff is None:
        return np.array([], dtype=np.int64)
    reports = [history.incidents[int(row)].report for row in ours.rows]
    seen = were_learned_from([report.id for report in reports], files.learned_from)
    opened = np.array([_seconds_after(cutoff, report.opened_at) for report in reports])
    later = np.flatnonzero((opened > 0) & ~seen)
    latest = later[np.argsort(-opened[later], kind="stable")[:_MOST_ASKED]]
    return np.asarray(np.sort(latest), dtype=np.int64)


def _seconds_after(cutoff: datetime, opened: datetime | None) -> float:
    return -1.0 if opened is None else (opened - cutoff).total_seconds()


def _by_held_out(ours: Evaluation, version: ModelVersion, plan: TrainingPlan) -> Opponent:
    answers = held_out_answers(version, plan.home).predicted
    rows = np.flatnonzero([name in answers for name in ours.fingerprints])
    predicted = tuple(answers[ours.fingerprints[row]] for row in rows.tolist())
    return Opponent(version.version, rows, predicted)


def _rolled_back(target: str, plan: TrainingPlan) -> str | None:
    """Say who rolled back to the champion, when and why, if that is how it became one."""
    with open_store(plan.database_url, plan.tenant) as store:
        events = store.audit_log.select(target=target)
    last = next((event for event in reversed(events) if event.action in CHAMPION_ACTIONS), None)
    if last is None or last.action != "rollback":
        return None
    version = f"{last.actor} rolled back to version {last.version}"
    return f"{version} on {last.at:%Y-%m-%d}: {last.reason}"


def _past_champions(target: str, registry: ModelRegistry) -> tuple[ModelVersion, ...]:
    """Return the champions that were trained in the past year and not rolled back."""
    champions = registry.champion_history(target)
    since = datetime.now(UTC) - _YEAR
    return tuple(
        version
        for version in registry.versions(target)
        if version.version in champions and version.trained_at >= since
    )
