"""Precedent's own loop in a replay: retrained for each unit, answered by what the gate promoted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from replay_ours import answers_of, plan_for
from replay_peers import answer_by_shares
from replay_units import Answers, ReplayedAnswers
from scipy.stats import binomtest

from features.domain.history import History
from features.domain.label_rates import LabelRates
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM
from features.home import Home, HomeSettings, open_home
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from models.base.target_labels import label_of
from models.classification.calibrated_model import CalibratedModel
from models.lifecycle.label_rates import LabelledReport, RateEstimator
from training.pipeline.retrain import RetrainingRequest, retrain

_NOISE = 0.05


@dataclass(frozen=True, slots=True)
class LoopState:
    """Whether a unit's retraining was promoted, and whether the champion abstains from everything.

    It does if it is suspended, or after a drift that leaves too much in doubt. Without a champion,
    nothing is served either: `is_suspended` is true. `is_corrected` says whether its answers were
    corrected to the rates of labels since its data ended.
    """

    is_promoted: bool
    is_suspended: bool
    is_corrected: bool = False


class RetrainedLoop:
    """A contender that retrains on each past through the gate, in a home of its own.

    The champion answers, corrected to the rates of labels since its data ended, and its answers are
    stored, so that each retraining judges whether to suspend it. Until there is one, the labels'
    shares of the past do. `states` holds the state of each unit that was answered.
    """

    def __init__(
        self, target: str, folder: Path, *, encodings: Path, encoder: str = MINILM
    ) -> None:
        self._target = target
        self._home = _home_with(encodings, folder)
        self._plan = plan_for(target, self._home, encoder)
        self._registry = ModelRegistry(self._home.tracking_uri, self._plan.tenant)
        self._version: str | None = None
        self._champion: CalibratedModel | None = None
        self._learned_until = datetime.min.replace(tzinfo=UTC)
        self.states: list[LoopState] = []

    def __call__(self, past: History, asked: Sequence[IncidentReport]) -> Answers:
        """Retrain on the past, and answer with the champion."""
        request = RetrainingRequest(asked[0].opened_at, past, with_store=False, reason="replay")
        with open_store(self._home.database_url, self._plan.tenant) as store:
            retrain(request, self._plan, store, lambda *_: None)
            suspended = {(one.target, one.version) for one in store.suspensions.all()}
        is_promoted = self._find_champion()
        champion = self._champion
        if champion is None:
            self.states.append(LoopState(is_promoted, is_suspended=True))
            return answer_by_shares(past, self._target, asked)
        rates = self._rates(champion, past)
        is_suspended = (self._target, self._version) in suspended or champion.drift_doubt_.abstains
        self.states.append(LoopState(is_promoted, is_suspended, rates is not None))
        answers = answers_of(champion, asked, rates)
        self._record(answers, asked)
        return answers

    def _find_champion(self) -> bool:
        """Load the champion if it is another one than before; tell whether it is."""
        version = self._registry.champions().get(self._target)
        if version is None or version.version == self._version:
            return False
        loaded = self._registry.load(version)
        self._version, self._champion = version.version, loaded.model
        self._learned_until = loaded.card.cutoff or version.trained_at
        return True

    def _rates(self, champion: CalibratedModel, past: History) -> LabelRates | None:
        labelled = [
            LabelledReport(incident.report, label, opened_at, incident.labels_known_at or opened_at)
            for incident in past.incidents
            if (opened_at := incident.report.opened_at)
            if (label := label_of(incident.outcome, self._target)) is not None
        ]
        estimator = RateEstimator(champion, self._version or "", self._learned_until)
        return estimator.estimate(labelled, self._learned_until)

    def _record(self, answers: Answers, asked: Sequence[IncidentReport]) -> None:
        records = [
            PredictionRecord(
                prediction_id=f"{self._version}-{report.id}",
                request_id="replay",
                incident_id=report.id,
                target=self._target,
                model_version=self._version or "",
                label=answers.labels[number],
                confidence=float(probabilities[number]),
                decision="suggest",
                mode="suggest",
                answer={},
                answered_at=report.opened_at,
            )
            for report, number, probabilities in zip(
                asked, answers.picked, answers.probabilities, strict=True
            )
        ]
        with open_store(self._home.database_url, self._plan.tenant) as store:
            store.predictions.record(records)


def describe_loop(
    states: Sequence[LoopState], loop: ReplayedAnswers, baseline: ReplayedAnswers
) -> str:
    """Say how many retrainings were promoted, and in which units a stale champion answered."""
    promoted = sum(state.is_promoted for state in states)
    suspended = sum(state.is_suspended for state in states)
    corrected = sum(state.is_corrected for state in states)
    stale = find_stale_units(states, loop, baseline)
    since = f" ({', '.join(day.isoformat() for day in stale)})" if stale else ""
    return (
        f"Of {len(states)} retrainings {promoted} were promoted; the target was suspended in "
        f"{suspended} units, and its answers were corrected to the rates of labels in {corrected}. "
        f"In {len(stale)} units{since} a champion that was neither suspended "
        "nor just replaced answered below the unit's baseline beyond noise."
    )


def find_stale_units(
    states: Sequence[LoopState], loop: ReplayedAnswers, baseline: ReplayedAnswers
) -> list[date]:
    """Return the units in which an old champion answered below the baseline beyond noise.

    The baseline is the majority of the unit before. Beyond noise means: a one-sided sign test of
    the incidents that only one of the two answers correctly is below .05. A unit does not count if
    the target was suspended in it, or if its champion was promoted at its start.
    """
    loop_is_right = loop.judged.predicted == loop.judged.labels
    baseline_is_right = baseline.judged.predicted == baseline.judged.labels
    stale = []
    for number, state in enumerate(states):
        rows = loop.judged.blocks == number
        won = int(np.sum(loop_is_right[rows] & ~baseline_is_right[rows]))
        lost = int(np.sum(baseline_is_right[rows] & ~loop_is_right[rows]))
        is_worse = lost > won and binomtest(won, won + lost, alternative="less").pvalue < _NOISE
        if is_worse and not state.is_suspended and not state.is_promoted:
            stale.append(loop.starts[number].date())
    return stale


def _home_with(encodings: Path, folder: Path) -> Home:
    """Return a new home that shares the cached encodings of another one."""
    home = Home(folder / "home")
    home.encodings.parent.mkdir(parents=True)
    home.encodings.symlink_to(encodings)
    return open_home(HomeSettings(home=home.root))
