"""The demo's failure, as the page shows it after `python -m training demo`."""

from datetime import timedelta
from pathlib import Path

import yaml

from features.home import Home
from features.store.store import open_store
from training.demo.anomalies import record_day
from training.demo.incidents import EXAMPLE_END, generate_company


def test_a_failure_is_stored_with_what_surrounds_it(tmp_path: Path) -> None:
    company, home = generate_company(incidents=300), Home(tmp_path)
    with open_store(home.database_url) as store:
        incident = store.incidents.get(record_day(company, home, store))
        assert incident.outcome.is_open
        assert incident.report.opened_at.date() == EXAMPLE_END.date()
        span = (EXAMPLE_END - timedelta(hours=12), EXAMPLE_END)
        changes = store.changes.between(*span)
        assert any(change.service == incident.report.service for change in changes)
        moved = store.anomalies.between(*span)
        record_day(company, home, store)
        assert store.anomalies.between(*span) == moved
    assert incident.report.service in {anomaly.service for anomaly in moved}
    drawn = moved[0].points
    assert {len(values) for values in (drawn.values, drawn.expected, drawn.lower)} == {240}
    services = yaml.safe_load(home.topology.read_text())["services"]
    assert services["payments"]["depends_on"] == list(company.dependencies["payments"])


def test_a_topology_that_is_there_stays(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.topology.write_text("services: {}")
    with open_store(home.database_url) as store:
        record_day(generate_company(incidents=5), home, store)
    assert home.topology.read_text() == "services: {}"
