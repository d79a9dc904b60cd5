"""The peers of a replay: refitted for each unit on all of the past, or on its last days."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from peers import FACT_PEERS, TEXT_PEERS, choose_peers
from replay_units import Answers, Contender, UnitOfTime
from sklearn.pipeline import Pipeline

from features.domain.history import History
from features.domain.report import IncidentReport
from models.base.target_labels import label_of

WINDOWS = (None, 365, 180, 90, 30)
"""The days that are learned from; None for all of the past."""

ALL_OF_THE_PAST = ", all"
"""How the name of a peer of all of the past ends."""

_WITH_TEXT = ("TF-IDF + LR", "MiniLM + LR")
_LEAST_INCIDENTS = 20


def peers_in_windows(history: History, target: str) -> dict[str, Contender]:
    """Return every peer that can read the history's reports, in every window."""
    readable = choose_peers([incident.report for incident in history.incidents])
    builds = {n: readable[n] for n in _WITH_TEXT} if readable is TEXT_PEERS else FACT_PEERS
    return {
        name + (ALL_OF_THE_PAST if days is None else f", {days} days"): contender
        for name, build in builds.items()
        for days, contender in _in_windows(_peer(build, target)).items()
    }


def majority_of_unit_before(target: str, unit: UnitOfTime) -> Contender:
    """Answer by the most frequent label of the newest unit of which labels are known."""

    def answer(past: History, asked: Sequence[IncidentReport]) -> Answers:
        newest = unit.start(past.incidents[-1].report.opened_at)
        return answer_by_shares(_since(past, newest), target, asked)

    return answer


def last_days(past: History, days: int, asked: Sequence[IncidentReport]) -> History:
    """Return what was opened in the days before the first report, but 20 incidents at least."""
    window = _since(past, asked[0].opened_at - timedelta(days=days))
    return window if len(window.incidents) >= _LEAST_INCIDENTS else _newest(past)


def answer_by_shares(past: History, target: str, asked: Sequence[IncidentReport]) -> Answers:
    """Answer every report by the labels' shares in a past."""
    counts = Counter(label_of(incident.outcome, target) for incident in past.incidents)
    shares = np.array(list(counts.values())) / counts.total()
    return Answers.of_likeliest(list(counts), np.tile(shares, (len(asked), 1)))


def _in_windows(learn: Contender) -> Mapping[int | None, Contender]:
    """Return a contender for each window; equal windows of the same unit are learned once."""
    learned: dict[tuple[str, int], Answers] = {}

    def in_window(days: int | None) -> Contender:
        def answer(past: History, asked: Sequence[IncidentReport]) -> Answers:
            window = past if days is None else last_days(past, days, asked)
            # All windows of a unit end at the same incident, so equal lengths are equal windows.
            key = asked[0].id, len(window.incidents)
            if key not in learned:
                learned[key] = learn(window, asked)
            return learned[key]

        return answer

    return {days: in_window(days) for days in WINDOWS}


def _peer(build: Callable[[], Pipeline], target: str) -> Contender:
    def answer(past: History, asked: Sequence[IncidentReport]) -> Answers:
        labels = [label_of(incident.outcome, target) for incident in past.incidents]
        if len(set(labels)) < 2:
            return answer_by_shares(past, target, asked)
        peer = build().fit([incident.report for incident in past.incidents], labels)
        return Answers.of_likeliest(peer.classes_, peer.predict_proba(asked))

    return answer


def _since(past: History, moment: datetime) -> History:
    kept = tuple(i for i in past.incidents if i.report.opened_at >= moment)
    return replace(past, incidents=kept)


def _newest(past: History) -> History:
    return replace(past, incidents=past.incidents[-_LEAST_INCIDENTS:])
