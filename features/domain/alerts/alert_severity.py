"""Ranks the severities that alerting systems write into labels."""

import re
from collections.abc import Mapping

UNKNOWN_RANK = 2.5
"""The rank of an alert without a known severity: below a warning, above information."""

_LABELS = (
    "severity",
    "alert_severity",
    "severity_level",
    "sev",
    "priority",
    "level",
    "urgency",
)
# The words of Prometheus mixins, Grafana, Zabbix, Nagios, Datadog, PagerDuty, Opsgenie and syslog.
_WORDS: Mapping[str, float] = {
    word: rank
    for rank, words in {
        1.0: "none ok info informational information notice debug normal not_classified lowest",
        2.0: "low minor trivial niedrig gering faible bajo",
        3.0: "warning warn medium moderate average warnung mittel moyen medio",
        4.0: "high major error err alert urgent hoch alto",
        5.0: "critical crit page fatal emergency emerg disaster blocker severe highest down"
        " kritisch critique critico",
    }.items()
    for word in words.split()
}
_NUMBERED = re.compile(r"(?:p|prio|priority|s|sev|severity)?[\s_-]*([1-5])\b")
_SEPARATORS = re.compile(r"[\s-]+")


def severity_label(labels: Mapping[str, str]) -> str | None:
    """Return the value of the label that states an alert's severity, None if it has none.

    >>> severity_label({"alertname": "Down", "Severity": "critical"})
    'critical'
    """
    by_name = {name.casefold(): value for name, value in labels.items()}
    return next((by_name[name] for name in _LABELS if by_name.get(name)), None)


def severity_rank(severity: str | None) -> float:
    """Return the rank of a severity, 5 for the most severe; `UNKNOWN_RANK` if it is not known.

    >>> severity_rank("CRITICAL"), severity_rank("P3"), severity_rank("purple")
    (5.0, 3.0, 2.5)
    >>> severity_rank("critical - page"), severity_rank("Kritisch"), severity_rank("sev-2")
    (5.0, 5.0, 4.0)
    """
    word = _SEPARATORS.sub("_", (severity or "").strip().casefold())
    if word in _WORDS:
        return _WORDS[word]
    number = _NUMBERED.match(word.replace("_", " "))
    if number is not None:
        return 6.0 - int(number[1])
    return max((_WORDS[part] for part in word.split("_") if part in _WORDS), default=UNKNOWN_RANK)
