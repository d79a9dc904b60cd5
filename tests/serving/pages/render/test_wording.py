"""The wording table: every term of the page has plain words, and no template spells a raw term."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from jinja2 import Environment

from features.domain.feedback import FeedbackAction
from features.domain.history import Provenance
from features.domain.label_sources import labels_of
from features.domain.labels import LabelSource
from features.domain.modes import Mode
from features.domain.monitoring import Proposal
from features.domain.predictions import ShadowPair
from features.domain.report import Outcome, Status
from features.domain.tracking import Author
from models.artifacts.registry import CHALLENGER, CHAMPION
from models.base.predictions import Decision
from models.kinds import KINDS
from models.timeseries.anomaly_flags import CHANNEL_NAMES
from serving.pages.render.rendering import FOLDER
from serving.pages.render.wording import VOCABULARIES, measure_wording, wording
from training.evaluation.metrics import SEVERITY_METRICS
from training.monitoring.concept_drift import FACTS
from training.monitoring.shadow_comparison import measure_shadow

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
# Literals of the code that trains, judges and logs.
EVENTS = (
    *("train", "promote", "refuse", "rollback", "mode", "withdraw", "suspend", "resume"),
    *("reveal", "retrain", "found", "label rates"),
    *("revoke routine", "restore routine"),
)
METRICS = (
    *("accuracy", "quadratic kappa", "log loss saved", "precision", "recall"),
    *("set coverage", "mean set size", "lowest class coverage"),
    *("recall_at_1", "recall_at_5", "recall_at_10", "shown_precision", "shown_share"),
    *("p_value_at_most_0.01", "p_value_at_most_0.05", "p_value_at_most_0.1"),
    *("interval_coverage", "pinball_loss", "breach_roc_auc", "breach_log_loss"),
    *("reassignment_roc_auc", "reassignment_log_loss"),
)
# The fields of Alertmanager, of Grafana and of the mixins that hold a web address.
LINK_FIELDS = (
    *("generatorURL", "externalURL", "silenceURL", "dashboardURL", "panelURL", "imageURL"),
    *("runbook_url", "dashboard_url", "description"),
)
# The terms of the other vocabularies, such as "service", are everyday words too.
JARGON = ("decision", "mode", "source", "metric", "method", "measure")


def first_texts(*functions: str, place: int = 0) -> Iterator[str]:
    """Yield the texts that the monitoring passes to functions, f-strings as patterns."""
    for file in (ROOT / "training" / "monitoring").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in functions:
                continue
            named = [word.value for word in node.keywords if word.arg in {"name", "signal"}]
            for argument in (*node.args[place : place + 1], *named):
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield re.escape(argument.value)
                elif isinstance(argument, ast.JoinedStr):
                    parts = (getattr(part, "value", None) for part in argument.values)
                    yield "".join(re.escape(p) if isinstance(p, str) else ".+" for p in parts)


TERMS = {
    "decision": list(Decision),
    "mode": list(Mode),
    "target": [*labels_of(Outcome(*["x"] * 5, duplicate_of="y")), "novelty", "resolution"],
    "kind": [*(kind.name for kind in KINDS), "anomaly"],
    "role": [CHAMPION, CHALLENGER, "unused"],
    "verdict": ["promoted", "not promoted"],
    "source": list(LabelSource),
    "action": list(FeedbackAction),
    "event": EVENTS,
    "alarm": [*FACTS, *first_texts("Alarm", place=9), *first_texts("_alarm", place=2)],
    "proposal": get_args(get_type_hints(Proposal)["kind"]),
    "method": ["neighbours", "linear", "full"],
    "provenance": list(Provenance),
    "slice": ["class", "service", "source", "language", "length"],
    "channel": CHANNEL_NAMES,
    "author": list(Author),
    "status": list(Status),
    "link": LINK_FIELDS,
    "metric": [*SEVERITY_METRICS, *METRICS],
}


@pytest.mark.parametrize("vocabulary", [*TERMS])
def test_every_term_has_a_wording_and_every_wording_a_term(vocabulary):
    terms = {str(term) for term in TERMS[vocabulary]}
    assert terms == set(VOCABULARIES[vocabulary])


def test_every_measure_of_monitoring_has_a_wording():
    pair = ShadowPair("INC1", NOW, "A", 0.9, "suggest", "7", "A", 0.9, "suggest", "A")
    shadow = [measure.name for measure in measure_shadow("category", "3", [pair]).measures]
    assert shadow
    for name in shadow:
        assert measure_wording(name).meaning, name
        assert measure_wording(name).name.startswith("challenger version 3: ")
    patterns = {text for text in first_texts("Measure", "_measure") if "shadow" not in text}
    assert len(patterns) > 5
    for pattern in patterns:
        names = [name for name in VOCABULARIES["measure"] if re.fullmatch(pattern, name)]
        assert names, pattern


def test_every_wording_is_plain():
    for vocabulary in VOCABULARIES.values():
        for words in vocabulary.values():
            assert words.name
            assert words.meaning.endswith(".")
            assert not re.search(r"[_`]", words.name + words.meaning)


def test_an_unknown_term_names_itself():
    assert wording("none such", "metric").name == "none such"
    assert wording("fields.u_site", "target").name == "U site"
    assert wording("ticket_url", "link").name == "Ticket"


def visible_text(template: str) -> str:
    """The text of a template that a reader sees or hears: no tags, no commands."""
    tokens = Environment().lex((FOLDER / "templates" / template).read_text())
    html = "".join(text if kind == "data" else " \0 " for _, kind, text in tokens)
    html = re.sub(r"<code>precedent [^<]*</code>", " ", html)
    spoken = re.findall(r'(?:title|placeholder|aria-label)="([^"]*)"', html)
    return " ".join([re.sub(r"<[^>]*>", " ", html), *spoken])


@pytest.mark.parametrize(
    "template", sorted(path.name for path in (FOLDER / "templates").glob("*.html"))
)
def test_no_template_spells_a_term(template):
    raw = {
        term
        for vocabulary in JARGON
        for term, words in VOCABULARIES[vocabulary].items()
        if term != words.name
    }
    text = visible_text(template)
    shown = [term for term in raw if re.search(rf"(?<![\w-]){re.escape(term)}(?![\w-])", text)]
    assert shown == []
