"""Fingerprints depend on a report's whole content, and on nothing else."""

from dataclasses import replace

from features.domain.report import IncidentReport
from features.text.fingerprint import fingerprint


def test_fingerprint_is_of_the_content() -> None:
    report = IncidentReport(id="1", title="a", attributes={"x": "1", "y": "2"})
    assert fingerprint(report) == fingerprint(replace(report, attributes={"y": "2", "x": "1"}))
    others = [
        replace(report, title="", description="a"),
        replace(report, service="erp"),
        replace(report, source="erp"),
        replace(report, attributes={"x": "1"}),
    ]
    assert len({fingerprint(variant) for variant in (report, *others)}) == 5
