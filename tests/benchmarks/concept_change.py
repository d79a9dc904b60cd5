"""How soon a change of concept is noticed, and how often an alarm is false, over seeded years."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from concept_years import KINDS, Pool, Year, make_pool, make_year, untimed
from data_sets import DATA_SETS, load_data_set
from rich.console import Console

from features.domain.report import ResolvedIncident
from features.encoding.encoder_weights import open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.home import Home, open_home
from features.text.cleaning import incident_text
from models.base.target_labels import label_of
from training.demo.incidents import generate_company
from training.monitoring.concept_drift import FACTS, new_facts, new_labels, new_texts
from training.monitoring.novelty_tests import Novelty
from training.settings import TrainingSettings

SEEDS = 20
_SYNTHETIC = 3_000


@dataclass(frozen=True, slots=True)
class Noticed:
    """Of the years of one kind: false alarms, and incidents from the change to its alarm.

    `years_with_false_alarm` counts years with an alarm before the change, or any in a quiet one.
    Incidents count copies and storms too; `missed` changes were not noticed within the year.
    """

    source: str
    kind: str
    share: float
    incidents_a_year: int
    years: int
    years_with_false_alarm: int
    median: float | None
    nine_in_ten: float | None
    missed: int


def measure_noticing(
    pool: Pool, *, a_year: int, share: float, seeds: int = SEEDS, kinds: tuple[str, ...] = KINDS
) -> Iterator[Noticed]:
    """Measure every kind of year of a pool."""
    for kind in kinds:
        notices = [
            _notice(make_year(pool, kind, seed=seed, a_year=a_year, share=share))
            for seed in range(seeds)
        ]
        delays = [delay for _, delay in notices if delay is not None]
        waits = sorted([*delays, *[np.inf] * (len(notices) - len(delays))])
        yield Noticed(
            source=pool.name,
            kind=kind,
            share=share,
            incidents_a_year=a_year,
            years=seeds,
            years_with_false_alarm=sum(is_false for is_false, _ in notices),
            median=_quantile(waits, 0.5) if kind != "quiet" else None,
            nine_in_ten=_quantile(waits, 0.9) if kind != "quiet" else None,
            missed=0 if kind == "quiet" else len(notices) - len(delays),
        )


def pools(home: Home, names: tuple[str, ...] = ("it-tickets", "assignment", "synthetic company")):
    """Yield each pool with how many incidents of it make a year."""
    if "it-tickets" in names:
        yield _real_pool("it-tickets", "category", home), 5_000
    if "assignment" in names:
        yield _real_pool("assignment", "assignment", home), 3_500
    if "synthetic company" in names:
        yield _synthetic_pool(home), 1_500


def _notice(year: Year) -> tuple[bool, int | None]:
    """Return whether there was a false alarm, and the wait for a right one."""
    signs: list[Novelty] = [*new_labels(year.dataset, "category", year.since)]
    for fact in FACTS:
        signs += new_facts(year.dataset, fact, year.since)
    signs += new_texts(year.dataset, year.since)
    days = sorted(float(year.dataset.days[sign.row]) for sign in signs)
    if year.changed_at is None:
        return bool(days), None
    after = [day for day in days if day >= year.changed_at]
    is_false = bool(days) and days[0] < year.changed_at
    return is_false, year.raw_between(year.changed_at, after[0]) if after else None


def _quantile(waits: list[float], share: float) -> float | None:
    wait = waits[min(int(np.ceil(share * len(waits))), len(waits)) - 1]
    return None if wait == np.inf else float(wait)


def _real_pool(name: str, target: str, home: Home) -> Pool:
    incidents = [
        untimed(incident_text(incident.report), label, label)
        for incident in load_data_set(DATA_SETS[name]).incidents
        if (label := label_of(incident.outcome, target)) and incident_text(incident.report)
    ]
    return make_pool(name, incidents, _encode(incidents, home))


def _synthetic_pool(home: Home) -> Pool:
    company = generate_company(seed=7, incidents=_SYNTHETIC)
    labelled = [incident for incident in company.incidents if incident.outcome.category]
    return make_pool("synthetic company", labelled, _encode(labelled, home))


def _encode(incidents: list[ResolvedIncident], home: Home) -> np.ndarray:
    encoder = open_encoder(TrainingSettings().encoder)
    texts = [incident_text(incident.report) for incident in incidents]
    encode_ahead(encoder, texts, EncodingCache(home.encodings, encoder), _quietly)
    return encoder.encode(texts)


_quietly: Callable[[int], None] = lambda _count: None  # noqa: E731


def main() -> None:
    """Print each figure as it is measured; nothing is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", nargs="+", default=["it-tickets", "assignment"])
    parser.add_argument("--share", type=float, default=0.12)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--kind", nargs="+", default=list(KINDS))
    arguments = parser.parse_args()
    for pool, a_year in pools(open_home(), tuple(arguments.pool)):
        measured = measure_noticing(
            pool,
            a_year=a_year,
            share=arguments.share,
            seeds=arguments.seeds,
            kinds=tuple(arguments.kind),
        )
        for noticed in measured:
            Console().print_json(data=asdict(noticed), indent=None)


if __name__ == "__main__":
    main()
