"""Public alerts and the runbooks that their authors linked them to, with or without their names."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from data_sets import data_folder

from features.domain.report import IncidentReport
from features.domain.runbook import Runbook
from features.imports.runbooks.markdown import BadRunbook, parse_runbook
from features.text.cleaning import split_camel_case

_TITLE_SHOWN_WITHIN = 300
_FRONT_TITLE = re.compile(r"\A---\n(?:.*\n)*?title: *(.*)\n")
_SHORTEST_NAME = 4
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Family:
    """The runbooks of one organisation's product, and alerts with the row of the right one."""

    name: str
    runbooks: tuple[Runbook, ...]
    texts: tuple[str, ...]
    reports: tuple[IncidentReport, ...]
    right: tuple[int, ...]


def load_families(*, masked: bool, with_expression: bool) -> tuple[Family, ...]:
    """Read the visible pairs, by family; one without alerts has nothing to measure.

    `masked` removes an alert's name from the report, and what the runbook is called, or its alerts
    are, from title, text and path of the runbook.
    """
    folder = data_folder() / "runbooks"
    with gzip.open(folder / "runbooks.jsonl.gz", "rt", encoding="utf-8") as file:
        pages = [json.loads(line) for line in file]
    pairs = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    names = defaultdict(set)
    for page in pages:
        names[page["runbook_id"]] |= {page["title"], *_FRONT_TITLE.findall(page["text"])}
    for pair in pairs:
        names[pair["runbook_id"]].add(pair["alert"])
    families = {pair["runbook_id"].partition("/")[0] for pair in pairs}
    return tuple(
        _family(
            name,
            [page for page in pages if page["runbook_id"].startswith(f"{name}/")],
            [pair for pair in pairs if pair["runbook_id"].startswith(f"{name}/")],
            names if masked else None,
            with_expression,
        )
        for name in sorted(families)
    )


def shorten_names(family: Family) -> Family:
    """Return a family whose alerts' names lack one word, so that no title is equal to a name."""
    reports = tuple(
        replace(
            report,
            title=_without_middle_word(report.title),
            description=without_names(report.description, {report.title}),
        )
        for report in family.reports
    )
    return replace(family, reports=reports)


def _without_middle_word(name: str) -> str:
    words = _WORD.findall(split_camel_case(name))
    del words[len(words) // 2 : len(words) // 2 + (len(words) > 1)]
    return "".join(word[:1].upper() + word[1:] for word in words)


def _family(name, pages, pairs, names, with_expression: bool) -> Family:
    texts = [_text(page, names) for page in pages]
    rows = {page["runbook_id"]: row for row, page in enumerate(pages)}
    return Family(
        name=name,
        runbooks=tuple(
            _runbook(page, text, row, is_masked=names is not None)
            for row, (page, text) in enumerate(zip(pages, texts, strict=True))
        ),
        texts=tuple(texts),
        reports=tuple(_report(n, pair, names, with_expression) for n, pair in enumerate(pairs)),
        right=tuple(rows[pair["runbook_id"]] for pair in pairs),
    )


def _text(page, names) -> str:
    title, text = page["title"], page["text"]
    if title not in text[:_TITLE_SHOWN_WITHIN]:
        text = f"# {title}\n\n{text}"
    return text if names is None else without_names(text, names[page["runbook_id"]])


def _runbook(page, text: str, row: int, *, is_masked: bool) -> Runbook:
    path = f"runbooks/{row:04d}" if is_masked else page["runbook_id"]
    try:
        runbook = parse_runbook(text, path)
    except BadRunbook:
        return Runbook(path, "")
    return replace(runbook, title="") if runbook.title == f"{row:04d}" else runbook


def _report(number: int, pair, names, with_expression: bool) -> IncidentReport:
    alert = " ".join(filter(None, (pair.get("summary"), pair.get("description"))))
    expression = pair.get("expr") or "" if with_expression else ""
    title = pair["alert"]
    if names is not None:
        alert, expression = (without_names(text, {title}) for text in (alert, expression))
        title = ""
    attributes = {"severity": pair["severity"]} | ({"expr": expression} if expression else {})
    return IncidentReport(f"q{number}", None, title, alert, attributes=attributes)


def without_names(text: str, names: Iterable[str]) -> str:
    """Remove names from a text, also where they are split or joined otherwise."""
    known = {spelling for name in names for spelling in _spellings(name)}
    longest_first = sorted(known, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), " ", text, flags=re.IGNORECASE)


def _spellings(name: str) -> Collection[str]:
    spellings = set()
    for part in {name, name.rpartition(": ")[2]}:
        split = split_camel_case(part)
        spellings |= {part, split, split.replace(" ", "-"), split.replace(" ", "_")}
        spellings |= {part.replace(": ", "-").replace("_", "-"), part.replace("_", "-")}
    return {spelling for spelling in spellings if len(spelling) >= _SHORTEST_NAME}
