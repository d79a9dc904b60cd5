"""A deploy at 14:02 breaks one service of ten: the right change and series are named first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from features.domain.report import IncidentReport
from features.domain.telemetry.topology import Topology
from features.store.store import open_store
from serving.services.incident_context import IncidentContext, IncidentContextService
from training.demo.anomalies import watch_day
from training.demo.incidents import EXAMPLE_END, generate_company
from training.demo.telemetry import DemoDay, generate_day

SEEDS = range(10)
MOST_MISSED = 1
OPENED_AT = EXAMPLE_END - timedelta(minutes=8)


@dataclass(frozen=True)
class Dish:
    """A day with what is said around an incident that a service, or none, reports."""

    day: DemoDay
    dependencies: dict[str, tuple[str, ...]]
    around: Callable[[str | None], IncidentContext]

    @property
    def users(self) -> list[str]:
        """The services that rest on the broken one."""
        return [name for name, needed in self.dependencies.items() if self.day.service in needed]


def grow(seed: int) -> Iterator[Dish]:
    dependencies = dict(generate_company(incidents=1).dependencies)
    day = generate_day(dependencies, seed=seed)
    with open_store("sqlite://") as store:
        store.changes.record(day.changes)
        store.anomalies.record(watch_day(day))
        service = IncidentContextService(store, lambda: Topology(dependencies))

        def around(reporter: str | None) -> IncidentContext:
            return service.context_of(IncidentReport("INC1", OPENED_AT, "errors", service=reporter))

        yield Dish(day, dependencies, around)


@pytest.fixture(scope="module")
def dishes() -> Iterator[list[Dish]]:
    growing = [grow(seed) for seed in SEEDS]
    yield [next(generator) for generator in growing]
    for generator in growing:
        generator.close()


def first_change_is_right(dish: Dish, reporter: str | None) -> bool:
    changes = dish.around(reporter).changes
    return bool(changes) and changes[0].id == dish.day.culprit.id


def first_series_is_right(dish: Dish, reporter: str | None) -> bool:
    anomalies = dish.around(reporter).anomalies
    return bool(anomalies) and anomalies[0].service == dish.day.service


def test_the_right_change_is_first(dishes: list[Dish]) -> None:
    right = [first_change_is_right(dish, dish.day.service) for dish in dishes]
    assert sum(right) >= len(dishes) - MOST_MISSED, right


def test_the_right_series_is_first(dishes: list[Dish]) -> None:
    right = [first_series_is_right(dish, dish.day.service) for dish in dishes]
    assert sum(right) >= len(dishes) - MOST_MISSED, right


def test_the_right_change_is_first_for_whoever_rests_on_the_service(dishes: list[Dish]) -> None:
    right = [first_change_is_right(dish, user) for dish in dishes for user in dish.users]
    assert len(right) >= 5
    assert sum(right) >= 0.9 * len(right), right


def test_both_are_first_where_nobody_says_which_service_it_is(dishes: list[Dish]) -> None:
    changes = [first_change_is_right(dish, None) for dish in dishes]
    series = [first_series_is_right(dish, None) for dish in dishes]
    assert min(sum(changes), sum(series)) >= len(dishes) - 2 * MOST_MISSED


def test_the_reasons_are_given(dishes: list[Dish]) -> None:
    dish = next(
        candidate for candidate in dishes if first_change_is_right(candidate, candidate.day.service)
    )
    change = dish.around(dish.day.service).changes[0]
    assert change.why[0] == "same service"
    assert "min before the onset of" in change.why[1]
    assert change.at == dish.day.culprit.at
