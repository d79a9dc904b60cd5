"""Synthetic reports with a saved model's answers, which the model must repeat when it is loaded."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from features.domain.report import IncidentReport
from features.errors import ArtifactRejected
from models.base.report_model import ReportPredictor

CONFIDENCE_TOLERANCE = 1e-3
"""How far a confidence may differ, because processors round differently."""

_LOG_LINE = "2026-03-01T04:05:06Z ERROR billing.worker[4711] connection reset by peer (attempt {})"

GOLDEN_REPORTS: tuple[IncidentReport, ...] = (
    IncidentReport(id="golden-empty"),
    IncidentReport(
        id="golden-ticket",
        opened_at=datetime(2026, 3, 2, 8, 30, tzinfo=UTC),
        title="Cannot connect to VPN from home",
        description="Hello,\nsince this morning the client says 'authentication failed'.\nThanks",
        service="vpn",
        source="email",
    ),
    IncidentReport(
        id="golden-german",
        title="Drucker im 2. Stock druckt nicht mehr",
        description="Seit heute früh bleibt jeder Auftrag in der Warteschlange hängen. Grüße",
        attributes={"location": "Graz"},
    ),
    IncidentReport(
        id="golden-alert",
        opened_at=datetime(2026, 3, 1, 4, 7, tzinfo=UTC),
        title="[FIRING:1] HighErrorRate checkout-api (prod eu-west-1 critical)",
        description="5xx ratio 12.4% > 5% for 10m. See https://grafana.example.com/d/abc?var=1",
        service="checkout-api",
        source="monitoring",
        attributes={"severity": "critical", "cluster": "eu-west-1"},
    ),
    IncidentReport(
        id="golden-log",
        title="Nightly billing job failed",
        description="\n".join(_LOG_LINE.format(attempt) for attempt in range(200)),
        service="billing",
    ),
    IncidentReport(id="golden-emoji", title="🔥🔥 login page down 🙏", description="无法登录"),
    IncidentReport(
        id="golden-attributes",
        opened_at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        attributes={"impact": "2 - Medium", "urgency": "1 - High", "contact_type": "Phone"},
    ),
    IncidentReport(
        id="golden-request",
        title="Please grant write access to the shared drive for a new colleague",
        description="Starts on Monday in accounting. Approved by the team lead.",
        source="self-service",
        attributes={"never seen": "in any history"},
    ),
)


@dataclass(frozen=True, slots=True)
class GoldenExample:
    """One report and the answer that the model gave when it was saved."""

    report: IncidentReport
    label: str
    confidence: float


def record_golden(model: ReportPredictor) -> str:
    """Return the text of `golden.jsonl`: a line for each golden report with the model's answer."""
    answers = model.rehearse(GOLDEN_REPORTS)
    examples = (
        GoldenExample(report, answer.label, answer.confidence)
        for report, answer in zip(GOLDEN_REPORTS, answers, strict=True)
    )
    return "".join(_EXAMPLE.dump_json(example).decode() + "\n" for example in examples)


def replay_golden(model: ReportPredictor, text: str) -> None:
    """Check that `model` repeats the recorded answers.

    Raises `ArtifactRejected` if a label differs from the recorded label, if a confidence differs
    from the recorded confidence by more than `CONFIDENCE_TOLERANCE`, or if `text` is malformed or
    holds no example.
    """
    examples = _parse(text)
    answers = model.rehearse([example.report for example in examples])
    for example, answer in zip(examples, answers, strict=True):
        difference = abs(answer.confidence - example.confidence)
        if answer.label != example.label or not difference <= CONFIDENCE_TOLERANCE:
            raise ArtifactRejected(
                f"the model answers {example.report.id} with {answer.label!r} "
                f"({answer.confidence:.4f}) but answered {example.label!r} "
                f"({example.confidence:.4f}) when it was saved; train it again on this machine"
            )


def _parse(text: str) -> list[GoldenExample]:
    try:
        examples = [_EXAMPLE.validate_json(line) for line in text.splitlines()]
    except ValidationError as error:
        raise ArtifactRejected(f"golden.jsonl is malformed: {error.errors()[0]['msg']}") from error
    if not examples:
        raise ArtifactRejected("golden.jsonl holds no example; train the model again")
    return examples


_EXAMPLE = TypeAdapter(GoldenExample)
