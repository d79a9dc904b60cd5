"""Finds the opponents of a challenger: the champion, and the champions of the past year."""

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
from models.classification.scorers.scorer import Rows
from training.dataset.targets import data_end
from training.evaluation.evaluate import Evaluation
from training.evaluation.held_out_predictions import held_out_answers
from training.plan import TrainingPlan

FEWEST_GROUPS = 100
"""Two versions are compared if both answered at least this many groups of near-copies."""

FEWEST_LATER_GROUPS = 20
"""With at least this many later groups, a challenger may prove that it is better there."""

LATER = "opened after its data ended"
"""Which incidents the champion answered itself, as it would have in production."""

_YEAR = timedelta(days=365)
_MAX_ASKED = 2000
_EARLIER_FORMAT = "was saved by an earlier version of Precedent and cannot answer; not compared"
_HELD_OUT = "that neither had seen"
_SINCE_CHANGE = "since the last change that was found"


@dataclass(frozen=True, slots=True)
class Opponent:
    """The answers of another version to incidents that it was not fitted on.

    `rows` are the indices of these incidents among the challenger's held-out incidents; `which`
    says in words how the incidents were chosen.
    """

    version: str
    rows: Rows
    predicted: tuple[str, ...]
    which: str = _HELD_OUT


@dataclass(frozen=True, slots=True)
class Opponents:
    """The champion, earlier champions, and whether the challenger is fresher than the champion.

    `later` are the champion's answers to incidents that were opened after its data ended, if they
    are too few to compare the two on these alone; None if there are fewer than 20 groups.
    `freshness` says in words what makes the challenger fresher, None if nothing does. `warnings`
    say why the champion is not compared, or why it is compared only by its held-out answers.
    `rolled_back` says who rolled back to the champion, when and why; None if nobody did.
    """

    champion: Opponent | None = None
    freshness: str | None = None
    past: tuple[Opponent, ...] = ()
    warnings: tuple[str, ...] = ()
    rolled_back: str | None = None
    later: Opponent | None = None


def find_opponents(
    ours: Evaluation,
    history: History,
    target: str,
    learned_from: Sequence[str],
    plan: TrainingPlan,
) -> Opponents:
    """Return the champions' answers to held-out incidents of the challenger.

    The challenger's answers are its held-out answers: each comes from a model that was fitted
    without the incident and its near-copies. There are two cases for the champion.

    First, the held-out incidents may include at least 100 groups of near-copies that opened after
    the champion's data ended and that the champion has not learned from. Then the champion itself
    answers the latest 2,000 of these incidents, as it would have in production. The challenger's
    answers come from models that may have learned from other incidents of that time; this is fair,
    since newer data are the purpose of retraining.

    Otherwise (the later period is too short, there are no times, or the champion cannot answer) the
    champion's stored held-out answers to the same reports are used, after a found change only those
    to reports since then. They come from models that were
    fitted on the history of the champion's time, without the report and its near-copies.

    A champion of an earlier artifact format cannot be loaded and is not an opponent. Raises
    `RegistryUnavailable` and `StoreUnavailable`.
    """
    registry = ModelRegistry(plan.home.tracking_uri, plan.tenant)
    champion = registry.champions().get(target)
    if champion is None:
        return Opponents()
    if not is_current_format(ArtifactFolder(champion.folder)):
        return Opponents(warnings=(f"version {champion.version} {_EARLIER_FORMAT}",))
    champion_labels = held_out_answers(champion, plan.home).labels
    asked, warnings = _ask_champion(ours, history, champion, registry)
    has_enough = asked is not None and ours.count_groups(asked.rows) >= FEWEST_GROUPS
    return Opponents(
        champion=asked if asked and has_enough else _read_opponent(ours, champion, plan),
        freshness=_explain_freshness(
            ours, history, learned_from, champion, champion_labels, plan.fresher_days
        ),
        past=tuple(
            _read_opponent(ours, version, plan)
            for version in _past_champions(target, registry)
            if version.version != champion.version
        ),
        warnings=warnings,
        rolled_back=_describe_rollback(target, plan),
        later=None if has_enough else asked,
    )


def _explain_freshness(
    ours: Evaluation,
    history: History,
    learned_from: Sequence[str],
    champion: ModelVersion,
    champion_labels: Mapping[int, str],
    fresher_days: float,
) -> str | None:
    """Return in words what makes a challenger fresher than the champion; None if nothing does.

    A challenger is fresher if its data end at least `fresher_days` later, if it learned from
    incidents that the champion has not learned from, or if a label has changed since the champion
    was evaluated. `learned_from` are the ids of the challenger's training incidents.
    `champion_labels` are the labels that the champion was evaluated with, by hashed id.
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
        champion_labels.get(id_hash, ours.classes[label]) != ours.classes[label]
        for id_hash, label in zip(ids.tolist(), ours.judged.labels.tolist(), strict=True)
    )
    return f"it learned from {counted(changed, 'corrected label')}" if changed else None


def _ask_champion(
    ours: Evaluation, history: History, champion: ModelVersion, registry: ModelRegistry
) -> tuple[Opponent | None, tuple[str, ...]]:
    """Return the champion's answers to later incidents, and warnings.

    The answers are None if there are too few later incidents or the champion cannot answer.
    """
    later_rows = _find_later_rows(ours, history, champion)
    if ours.count_groups(later_rows) < FEWEST_LATER_GROUPS:
        return None, ()
    reports = [history.incidents[int(row)].report for row in ours.rows[later_rows]]
    try:
        answers = registry.load(champion).model.predict(reports)
    except (ArtifactRejected, EncoderUnavailable) as error:
        return None, (f"the champion cannot answer; its held-out answers are used: {error}",)
    labels = tuple(answer.label for answer in answers)
    return Opponent(champion.version, later_rows, labels, LATER), ()


def _find_later_rows(ours: Evaluation, history: History, champion: ModelVersion) -> Rows:
    files = ArtifactFolder(champion.folder)
    cutoff = Card.from_json(files.card.read_text(encoding="utf-8")).cutoff
    if cutoff is None:
        return np.array([], dtype=np.int64)
    reports = [history.incidents[int(row)].report for row in ours.rows]
    is_learned = were_learned_from([report.id for report in reports], files.learned_from)
    seconds = np.array([_seconds_after(cutoff, report.opened_at) for report in reports])
    later_rows = np.flatnonzero((seconds > 0) & ~is_learned)
    latest_rows = later_rows[np.argsort(-seconds[later_rows], kind="stable")[:_MAX_ASKED]]
    return np.asarray(np.sort(latest_rows), dtype=np.int64)


def _seconds_after(cutoff: datetime, opened_at: datetime | None) -> float:
    return -1.0 if opened_at is None else (opened_at - cutoff).total_seconds()


def _read_opponent(ours: Evaluation, version: ModelVersion, plan: TrainingPlan) -> Opponent:
    """Return a version's stored held-out answers to the challenger's held-out reports.

    After a found change only the reports since then count: how they were answered before says
    little about what is answered now.
    """
    answers = held_out_answers(version, plan.home).predicted
    is_shared = np.array([fingerprint in answers for fingerprint in ours.fingerprints])
    which = _HELD_OUT
    if ours.is_since_change is not None:
        is_shared, which = is_shared & ours.is_since_change, f"{_HELD_OUT}, {_SINCE_CHANGE}"
    rows = np.flatnonzero(is_shared)
    predicted = tuple(answers[ours.fingerprints[row]] for row in rows.tolist())
    return Opponent(version.version, rows, predicted, which)


def _describe_rollback(target: str, plan: TrainingPlan) -> str | None:
    """Return in words who rolled back to the champion, when and why; None if nobody did."""
    with open_store(plan.database_url, plan.tenant) as store:
        events = store.audit_log.select(target=target)
    event = next((event for event in reversed(events) if event.action in CHAMPION_ACTIONS), None)
    if event is None or event.action != "rollback":
        return None
    action = f"{event.actor} rolled back to version {event.version}"
    return f"{action} on {event.at:%Y-%m-%d}: {event.reason}"


def _past_champions(target: str, registry: ModelRegistry) -> tuple[ModelVersion, ...]:
    """Return the champions that were trained in the past year and have not been rolled back."""
    champions = registry.champion_history(target)
    since = datetime.now(UTC) - _YEAR
    return tuple(
        version
        for version in registry.versions(target)
        if version.version in champions and version.trained_at >= since
    )
