"""A short year through the API: no class is answered alone once audits exclude its promise."""

import pytest
from year_replay import replay_in

from training.demo.incidents import generate_company


@pytest.mark.quality
@pytest.mark.timeout(900)
def test_no_class_stays_auto_once_its_bounds_exclude_its_promise(tmp_path, monkeypatch):
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    company = generate_company(seed=3, incidents=2_700)
    incidents = [incident for incident in company.incidents if incident.outcome.category]
    replayed = replay_in(
        tmp_path, incidents[:1900], 1_300, "hashing", audit_share=0.5, broken_share=0.9
    )

    assert replayed.still_auto == 0
    assert replayed.broken in replayed.withdrawn
    assert replayed.withdrawn[replayed.broken] >= replayed.broken_on
    assert set(replayed.withdrawn) == {replayed.broken}
    assert replayed.audited > 30
    assert {"label", "day", "low", "high", "promised"} <= set(replayed.series.columns)
