"""Reports that no earlier request sent, and the texts that an answer about them must encode."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

from features.domain.report import IncidentReport
from features.text.cleaning import clean_text, incident_text
from models.runbooks.passages import read_report

_DIGITS = re.compile(r"\d+")


class FreshReports:
    """Reports made from those of a history: other numbers, and one more word of another report.

    Nothing is repeated, so a cache of vectors or answers never helps.
    """

    def __init__(self, history: Path, seed: int = 0) -> None:
        self._rows = [json.loads(line) for line in history.read_text().splitlines()]
        self._random = Random(seed)
        self._words = sorted({word for row in self._rows for word in row["title"].split()})
        self._count = 0

    def take(self, count: int) -> list[dict[str, object]]:
        """Return new incidents as requests send them."""
        return [self._make() for _ in range(count)]

    def _make(self) -> dict[str, object]:
        self._count += 1
        row = self._random.choice(self._rows)
        word = self._random.choice(self._words)
        return {
            "title": self._renumber(row["title"]),
            "description": f"{self._renumber(row['description'] or '')} {word} {self._count}",
            "service": row["service"],
            "source": row["source"],
        }

    def _renumber(self, text: str) -> str:
        return _DIGITS.sub(lambda found: str(self._random.randrange(10 ** len(found[0]))), text)


def distinct_texts(incidents: Sequence[dict[str, object]]) -> list[str]:
    """Return the texts that answers of all kinds encode, each once.

    These are the cleaned report, its title, and the report as runbooks are searched with it.
    """
    reports = [
        IncidentReport(id=str(number), **incident)  # type: ignore[arg-type]
        for number, incident in enumerate(incidents)
    ]
    texts = [
        text
        for report in reports
        for text in (incident_text(report), clean_text(report.title), read_report(report).text)
    ]
    return [text for text in dict.fromkeys(texts) if text]
