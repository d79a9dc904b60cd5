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
    "criticality",
    "prio",
)
_ENDINGS = ("severity", "priority")
# The words of Prometheus mixins, Grafana, Zabbix, Nagios, Datadog, PagerDuty, Opsgenie and syslog,
# and the usual ones of other languages.
_WORDS: Mapping[str, float] = {
    word: rank
    for rank, words in {
        1.0: "none ok info informational information notice debug normal not_classified lowest",
        1.5: "green",
        2.0: "low minor trivial niedrig gering faible basse bajo baja baixa baixo basso bassa laag"
        " niski niska низкий düşük låg lav matala nízká 低 낮음",
        3.0: "warning warn medium moderate average yellow warnung mittel moyen moyenne medio media"
        " média gemiddeld średni średnia средний предупреждение orta medel varning middel"
        " střední 中 警告 보통 avertissement advertencia aviso avviso waarschuwing ostrzeżenie",
        4.0: "high major error err alert urgent orange hoch fehler alto alta haute élevée élevé"
        " erreur errore hoog wysoki wysoka высокий ошибка yüksek hög høj høy korkea vysoká 高 높음",
        5.0: "critical crit page fatal emergency emerg disaster blocker severe highest down red"
        " kritisch critique critico critica crítico crítica kritiek krytyczny krytyczna критический"
        " kritik kritisk kriittinen kritická 緊急 重大 致命的 严重 紧急 致命 심각",
    }.items()
    for word in words.split()
}
_ZERO = re.compile(r"(?:p|prio|priority|s|sev|severity)[\s_-]*0\b")
_NUMBERED = re.compile(r"(?:p|prio|priority|s|sev|severity)?[\s_-]*([1-5])\b")
_SEPARATORS = re.compile(r"[\s-]+")


def severity_label(labels: Mapping[str, str]) -> str | None:
    """Return the value of the label that states an alert's severity, None if it has none.

    >>> severity_label({"alertname": "Down", "Severity": "critical"})
    'critical'
    """
    by_name = {name.casefold(): value for name, value in labels.items()}
    others = (name for name in by_name if name.endswith(_ENDINGS))
    return next((by_name[name] for name in (*_LABELS, *others) if by_name.get(name)), None)


def severity_rank(severity: str | None) -> float:
    """Return the rank of a severity, 6 for the most severe; `UNKNOWN_RANK` if it is not known.

    >>> severity_rank("CRITICAL"), severity_rank("P3"), severity_rank("purple")
    (5.0, 3.0, 2.5)
    >>> severity_rank("critical - page"), severity_rank("Kritisch"), severity_rank("sev-2")
    (5.0, 5.0, 4.0)
    """
    word = _SEPARATORS.sub("_", (severity or "").strip().casefold())
    if word in _WORDS:
        return _WORDS[word]
    if _ZERO.match(word.replace("_", " ")):
        return 6.0
    number = _NUMBERED.match(word.replace("_", " "))
    if number is not None:
        return 6.0 - int(number[1])
    return max((_WORDS[part] for part in word.split("_") if part in _WORDS), default=UNKNOWN_RANK)
