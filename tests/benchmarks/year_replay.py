"""A year played through the API day by day: feedback, audits, and a class that breaks."""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pandas as pd
from data_sets import DATA_SETS, load_data_set
from rich.console import Console
from starlette.testclient import TestClient

from features.domain.history import History
from features.domain.modes import Mode, ModeSetting
from features.domain.report import ResolvedIncident
from features.home import Home, HomeSettings, open_home
from features.store.store import Store, open_store
from models.artifacts.read_card import read_card
from models.artifacts.registry import ModelRegistry
from models.statistics.confidence_sequence import precision_bounds
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.monitoring.certificate_checks import precision_history
from training.pipeline.train import train
from training.plan import TrainingPlan
from training.settings import TrainingSettings

_BEGINS = datetime(2025, 1, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replayed year showed.

    `still_auto` counts classes that were answered alone after their bounds excluded the promise,
    `broken` is the class whose precision broke, `broken_on` when, `withdrawn` when each class was
    withdrawn, and `series` holds a row for each audited answer: label, day, n, right, estimate,
    low, high, promised.
    """

    still_auto: int
    answers: int
    auto: int
    audited: int
    broken: str
    broken_on: date
    withdrawn: Mapping[str, date]
    series: pd.DataFrame
    seconds: float


def replay_year(
    home: Home,
    incidents: Sequence[ResolvedIncident],
    *,
    feedback_share: float = 0.2,
    audit_share: float = 0.05,
    broken_share: float = 0.5,
    seed: int = 0,
) -> Replayed:
    """Play incidents with category, in order of time, through an app on a home with a champion.

    The class that is certified and most frequent breaks in mid-year: `broken_share` of its
    incidents belong to another class from then on. Each day's incidents are asked about, then
    people give feedback on a share of what is shown and decide on what was drawn for audit, then
    all are resolved: what was answered alone ends as we said, the rest as is right.
    """
    began = time.perf_counter()
    settings = ServingSettings(home=home.root, audit_share=audit_share)
    with TestClient(create_app(settings)) as client, open_store(home.database_url) as store:
        store.modes.set(ModeSetting("category", None, Mode.AUTO, datetime.now(UTC)))
        client.app.state.container.modes.poll()
        version = ModelRegistry(home.tracking_uri, "default").champions()["category"]
        card = read_card(version)
        broken, broken_on = _to_break(incidents, set(card.certificates))
        truths = _truths(incidents, broken, broken_on, broken_share, Random(seed))
        year = _Year(client, store, truths, feedback_share, Random(seed + 1))
        promised = {
            label: certificate.precision_at_least
            for label, certificate in card.certificates.items()
        }
        for day, today in groupby(incidents, key=lambda incident: incident.report.opened_at.date()):
            year.play(day, list(today), promised)
        return Replayed(
            still_auto=len(year.still_auto),
            answers=sum(year.decisions.values()),
            auto=year.decisions["auto"],
            audited=year.audited,
            broken=broken,
            broken_on=broken_on,
            withdrawn=dict(year.withdrawn),
            series=precision_history(store, "category", version.version, card),
            seconds=time.perf_counter() - began,
        )


class _Year:
    """Plays days, and counts what it sees from outside."""

    def __init__(self, client, store: Store, truths, feedback_share, rng: Random) -> None:
        self._client, self._store, self._truths = client, store, truths
        self._feedback_share, self._rng = feedback_share, rng
        self._excluded: set[str] = set()
        self.decisions: Counter[str] = Counter()
        self.audited = 0
        self.still_auto: set[str] = set()
        self.withdrawn: dict[str, date] = {}

    def play(
        self, day: date, today: Sequence[ResolvedIncident], promised: Mapping[str, float]
    ) -> None:
        answers = self._ask(today)
        for incident, answer in zip(today, answers, strict=True):
            self._react(incident, answer)
        self._resolve(today, answers)
        self._excluded = _excluded(self._store, promised)
        for withdrawal in self._store.certificate_withdrawals.all():
            self.withdrawn.setdefault(withdrawal.label, day)

    def _ask(self, today: Sequence[ResolvedIncident]) -> list[dict]:
        bodies = [_body(incident) for incident in today]
        body = {"incidents": bodies, "include": ["category"]}
        answered = self._post("/v1/triage/batch", body)
        return [result["triage"] for result in answered["results"]]

    def _react(self, incident: ResolvedIncident, answer: dict) -> None:
        category, truth = answer["category"], self._truths[incident.report.id]
        body = {"prediction_id": answer["prediction_id"], "target": "category", "given_by": "ana"}
        if category is None:
            self.audited += 1
            self.decisions["auto"] += 1
            self._post("/v1/feedback", body | {"action": "correct", "label": truth})
            return
        self.decisions[category["decision"]] += 1
        if category["decision"] == "auto" and category["label"] in self._excluded:
            self.still_auto.add(category["label"])
        if category["decision"] != "auto" and self._rng.random() < self._feedback_share:
            is_right = category["label"] == truth
            word = {"action": "accept"} if is_right else {"action": "correct", "label": truth}
            self._post("/v1/feedback", body | word)

    def _resolve(self, today: Sequence[ResolvedIncident], answers: Sequence[dict]) -> None:
        for incident, answer in zip(today, answers, strict=True):
            category, truth = answer["category"], self._truths[incident.report.id]
            is_ours = category is not None and category["decision"] == "auto"
            resolved_at = incident.report.opened_at + timedelta(hours=8)
            outcome = {
                "category": category["label"] if is_ours else truth,
                "resolved_at": resolved_at.isoformat(),
            }
            self._post("/v1/incidents", {"incident": _body(incident), "outcome": outcome})

    def _post(self, path: str, body: dict) -> dict:
        answer = self._client.post(path, json=body)
        if answer.status_code >= 300:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else {}


def _excluded(store: Store, promised: Mapping[str, float]) -> set[str]:
    """Return the labels whose audited answers exclude what was promised."""
    right: dict[str, list[bool]] = defaultdict(list)
    for answer in store.predictions.audited("category"):
        if answer.truth is not None:
            right[answer.label].append(answer.truth == answer.label)
    return {
        label
        for label, outcomes in right.items()
        if label in promised
        and precision_bounds(sum(outcomes), len(outcomes) - sum(outcomes)).high < promised[label]
    }


def _to_break(incidents: Sequence[ResolvedIncident], certified: set[str]) -> tuple[str, date]:
    counts = Counter(incident.outcome.category for incident in incidents)
    broken = max((label for label in counts if label in certified), key=counts.__getitem__)
    return broken, incidents[len(incidents) // 2].report.opened_at.date()


def _truths(
    incidents: Sequence[ResolvedIncident], broken: str, since: date, share: float, rng: Random
) -> dict[str, str]:
    """Return what is right of each incident: the broken class loses a share of its own."""
    others = sorted({incident.outcome.category for incident in incidents} - {broken})
    truths = {}
    for incident in incidents:
        label = incident.outcome.category
        is_late = incident.report.opened_at.date() >= since
        if label == broken and is_late and rng.random() < share:
            label = rng.choice(others)
        truths[incident.report.id] = label
    return truths


def _body(incident: ResolvedIncident) -> dict:
    report = incident.report
    return {
        "id": report.id,
        "title": report.title,
        "description": report.description,
        "service": report.service,
        "source": report.source,
        "opened_at": report.opened_at.isoformat(),
        "attributes": dict(report.attributes),
    }


def spread_over_days(
    incidents: Sequence[ResolvedIncident], *, days: int, seed: int, since: datetime = _BEGINS
) -> list[ResolvedIncident]:
    """Lay incidents over days with weekly seasons, in random order, and return them by time."""
    rng = Random(seed)
    open_days = [day for day in range(days) for _ in range(5 if day % 7 < 5 else 1)]
    moved = []
    for number, incident in enumerate(rng.sample(list(incidents), len(incidents))):
        at = since + timedelta(days=rng.choice(open_days), minutes=rng.randrange(24 * 60))
        report = replace(incident.report, id=f"INC{number}", opened_at=at)
        outcome = replace(incident.outcome, resolved_at=at + timedelta(hours=8), duplicate_of=None)
        moved.append(replace(incident, report=report, outcome=outcome))
    return sorted(moved, key=lambda incident: (incident.report.opened_at, incident.report.id))


def train_champion(home: Home, past: Sequence[ResolvedIncident], encoder: str) -> None:
    """Train the champion of `category` on a past."""
    plan = TrainingPlan(
        home=home,
        tenant="default",
        database_url=home.database_url,
        encoder=encoder,
        targets=("category",),
        force_promote=True,
    )
    train(History(tuple(past)), plan, lambda *_step: None)


def main() -> None:
    """Replay a year of it-tickets on a champion of the months before, and write the series."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--past", type=int, default=6_000)
    parser.add_argument("--rows", type=int, default=10_000, help="incidents in the year")
    parser.add_argument("--series", type=Path, help="CSV of the bounds by audited answer")
    arguments = parser.parse_args()
    drawn = load_data_set(DATA_SETS["it-tickets"], arguments.past + arguments.rows).incidents
    with TemporaryDirectory() as folder:
        replayed = replay_in(Path(folder), drawn, arguments.past, TrainingSettings().encoder)
    if arguments.series:
        replayed.series.to_csv(arguments.series, index=False)
    summary = asdict(replace(replayed, series=pd.DataFrame())) | {"series": len(replayed.series)}
    Console().print_json(data=summary, default=str)


def replay_in(
    folder: Path,
    incidents: Sequence[ResolvedIncident],
    past: int,
    encoder: str,
    *,
    audit_share: float = 0.05,
    broken_share: float = 0.5,
) -> Replayed:
    """Train on the first `past` of the incidents, laid over half a year, and replay the rest."""
    home = open_home(HomeSettings(home=folder / "home"))
    half_a_year = _BEGINS - timedelta(days=182)
    train_champion(
        home, spread_over_days(incidents[:past], days=180, seed=1, since=half_a_year), encoder
    )
    year = spread_over_days(incidents[past:], days=365, seed=2)
    later = [
        replace(incident, report=replace(incident.report, id=f"NEW{number}"))
        for number, incident in enumerate(year)
    ]
    return replay_year(home, later, audit_share=audit_share, broken_share=broken_share)


if __name__ == "__main__":
    main()
