"""Reports of alerts whose labels and annotations have other names than the usual ones."""

from datetime import UTC, datetime

import pytest

from features.domain.alerts.alert import Alert
from features.domain.alerts.alert_severity import severity_label, severity_rank
from features.domain.report import IncidentReport
from serving.services.alerts.alert_report import alert_report

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def alert(labels: dict[str, str], annotations: dict[str, str] | None = None) -> Alert:
    return Alert(
        fingerprint=str(sorted(labels.items())),
        labels={"alertname": "Down"} | labels,
        annotations=annotations or {},
        is_firing=True,
        began_at=NOON,
    )


def report_of(*alerts: Alert) -> IncidentReport:
    return alert_report("1", NOON, alerts, {}, None)


@pytest.mark.parametrize(
    "name",
    [
        *("service", "Service", "service_name", "service.name", "svc", "exported_service"),
        *("app.kubernetes.io/name", "app-kubernetes-io-name", "k8s_app", "deployment", "workload"),
    ],
)
def test_a_label_for_the_service_goes_before_the_job(name: str) -> None:
    labels = [{"job": "kube-state-metrics", name: service} for service in ("basket", "search")]
    report = report_of(*map(alert, labels))
    assert report.service == "basket"
    assert report.attributes["other_services"] == "search"
    assert report.attributes[name] == "basket"


def test_an_annotation_may_name_the_service() -> None:
    assert report_of(alert({"job": "x"}, {"service": "basket"})).service == "basket"
    assert report_of(alert({"service": "search"}, {"service": "basket"})).service == "search"


@pytest.mark.parametrize("name", ["summary", "Summary", "title", "subject", "__alertTitle__"])
def test_titles_by_other_names(name: str) -> None:
    report = report_of(alert({}, {name: "no answer", "Description": "since noon"}))
    assert (report.title, report.description) == ("no answer", "since noon")
    assert name not in report.attributes


@pytest.mark.parametrize("name", ["runbook_url", "runbook", "runbookURL", "Playbook"])
def test_only_the_most_severe_alert_names_a_runbook(name: str) -> None:
    severe = alert({"severity": "critical"}, {"summary": "a"})
    other = alert(
        {"severity": "warning"}, {"summary": "b", name: "https://rb.test/b", "panel": "1"}
    )
    attributes = report_of(other, severe).attributes
    assert name not in attributes
    assert attributes["panel"] == "1"


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        *(("SEV-2", "SEV-0"), ("P1", "P0"), ("baja", "alta"), ("низкий", "критический")),
        *(("低", "高"), ("yellow", "red"), ("green", "yellow"), ("niski", "wysoki")),
    ],
)
def test_severities_of_more_systems_and_languages_have_a_rank(lower: str, higher: str) -> None:
    assert severity_rank(lower) < severity_rank(higher)


@pytest.mark.parametrize("name", ["criticality", "prio", "alert.severity", "og_priority"])
def test_labels_that_state_a_severity(name: str) -> None:
    assert severity_label({"alertname": "Down", name: "critical"}) == "critical"
