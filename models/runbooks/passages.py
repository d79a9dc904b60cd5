"""The parts of a report and of a runbook that are compared to match them."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise

from features.domain.report import IncidentReport
from features.domain.runbook import Runbook, SectionRole
from features.text.cleaning import clean_text, incident_text, split_camel_case
from features.text.tokens import plain_name, terms_of

_TEMPLATE = re.compile(r"\{\{[^{}]{0,200}\}\}")
# Queries and metric names describe what is measured, and seldom what is wrong.
_CODE = re.compile(
    r"\{[^{}]{0,400}\}|\[[^\]\n]{0,60}\]|\b\w+_\w+\b|[=<>!]=?\s?[\d.]+"
    r"|\b(?:by|on|without|ignoring|group_left)\s?\([^)]{0,100}\)|\b[a-z]+\((?!e?s\))"
    r"|\b(?:VALUE|LABELS) = |\(instance [^)\n]{0,100}\)"
)
# A runbook's text names other alerts; the words in these names do not describe its own subject.
_OTHER_ALERT = re.compile(r"\b(?:[A-Z]{1,9}[a-z0-9]{1,30}){4,12}\b")
_COMPOUND = re.compile(r"\b(?=\w{0,60}[a-z0-9][A-Z]|\w{0,60}\w_\w)\w{6,120}\b")
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+|\n")
_PASSAGE_CHARACTERS = 480
_MOST_PASSAGES = 1_000
_LONGEST_READ = 20_000
_SHORTEST_NAME = 4
_LONGEST_NAME = 200
# One word, such as `Backup`, names a component and not an alert.
_FEWEST_WORDS = 2
_WORD = re.compile(r"[^\W_]+")
# Runbooks mention every level, so a level does not distinguish runbooks.
_RATINGS = frozenset(("severity", "priority", "urgency", "impact", "level", "state", "status"))
_NAME_FACTS = ("alertname", "alert", "alert_name", "rule", "rulename", "rule_name")


@dataclass(frozen=True, slots=True)
class RunbookQuery:
    """The parts of a report that are compared with runbooks: terms by field, names, and text.

    `full_names` are the names that identify an alert: of two or more words, from the whole title
    or a field such as `alertname`, or of three or more words within the title.
    """

    title: list[str]
    words: list[str]
    code: list[str]
    pairs: list[str]
    names: frozenset[str]
    full_names: frozenset[str]
    text: str

    @property
    def said(self) -> frozenset[str]:
        """All terms of the report."""
        return frozenset(self.words).union(self.code)


@dataclass(frozen=True, slots=True)
class Passage:
    """A few sentences of a section, or a title: `original` to be quoted, `text` for the encoder.

    `section` is the place of the section in the runbook, None for the title.
    """

    heading: str
    original: str
    text: str
    section: int | None = None


def read_report(report: IncidentReport) -> RunbookQuery:
    """Return the parts of a report that are compared with runbooks, without template expressions.

    >>> read_report(IncidentReport(id="1", title="DiskFull", description="no space left")).names
    frozenset({'diskfull'})
    """
    title, description = _without_templates(report.title), _without_templates(report.description)
    prose = _CODE.sub(" ", description)
    facts = [
        value
        for name, value in report.attributes.items()
        if "://" not in value and name.lower() not in _RATINGS
    ]
    title_terms, prose_terms = terms_of(title), terms_of(prose)
    code = " ".join(
        [*_CODE.findall(description), *map(_without_templates, facts), report.service or ""]
    )
    return RunbookQuery(
        title=title_terms,
        words=title_terms + prose_terms,
        code=terms_of(code),
        pairs=bigrams(title_terms) + bigrams(prose_terms),
        names=_names(report),
        full_names=_full_names(report),
        text=incident_text(replace(report, title=title, description=prose)),
    )


def stated_name(report: IncidentReport, names: Collection[str]) -> tuple[str, int, int] | None:
    """Return the field, start and end of the first of some plain names in a report.

    >>> stated_name(IncidentReport(id="1", title="[FIRING:1] KubePodCrashLooping"), {
    ...     "kubepodcrashlooping"})
    ('title', 11, 30)
    """
    wholes = [("title", report.title)]
    wholes += [(f"attributes.{name}", report.attributes.get(name, "")) for name in _NAME_FACTS]
    for field, text in wholes:
        if plain_name(text) in names:
            return field, 0, len(text)
    for match in _COMPOUND.finditer(report.title[:1_000]):
        if plain_name(match[0]) in names:
            return "title", match.start(), match.end()
    return None


def bigrams(terms: list[str]) -> list[str]:
    """Return each pair of neighbouring terms.

    >>> bigrams(["disk", "is", "full"])
    ['disk is', 'is full']
    """
    return [f"{first} {second}" for first, second in pairwise(terms)]


def names_of(runbook: Runbook) -> frozenset[str]:
    """Return a runbook's names: its title, its headings without a role, and its file's name."""
    headings = (
        section.heading for section in runbook.sections if section.part is SectionRole.OTHER
    )
    return _plain_names((runbook.title, last_segment(runbook.id), *headings))


def own_names(runbook: Runbook) -> frozenset[str]:
    """Return the names of a runbook as a whole: its title and its file's name."""
    return _plain_names((runbook.title, last_segment(runbook.id)))


def name_terms(runbook: Runbook) -> list[str]:
    """Return the terms of a runbook's title and of its file's name."""
    return terms_of(f"{runbook.title} . {last_segment(runbook.id)}")


def body_terms(runbook: Runbook) -> list[str]:
    """Return the terms of a runbook's path, title, headings, texts and commands."""
    sections = [
        f"{section.heading}\n{section.text}\n" + "\n".join(section.commands)
        for section in runbook.sections
    ]
    text = _whole_names(_TEMPLATE.sub(" ", "\n".join(sections)))
    folders = runbook.id.replace("/", " ")
    return terms_of(f"{folders}\n{runbook.title}\n{text}")


def lead_terms(runbook: Runbook) -> list[str]:
    """Return the terms of the sections on the alert's meaning, else of the first filled section."""
    filled = [section for section in runbook.sections if section.text]
    lead = [section for section in filled if section.part is SectionRole.MEANING] or filled[:1]
    return terms_of(_whole_names(_TEMPLATE.sub(" ", "\n".join(section.text for section in lead))))


def passages_of(runbook: Runbook) -> list[Passage]:
    """Cut a runbook into at most 1,000 passages, its title first.

    Of a runbook that has more, the first passages of each section are taken.
    """
    by_section = [
        [
            Passage(section.heading, passage, clean_text(_OTHER_ALERT.sub(" ", passage)), place)
            for passage in islice(_split(_TEMPLATE.sub(" ", section.text)), _MOST_PASSAGES)
        ]
        for place, section in enumerate(runbook.sections)
    ]
    title = runbook.title
    room = _MOST_PASSAGES - bool(title)
    longest = max(map(len, by_section), default=0)
    share = next(
        (n for n in range(longest, 1, -1) if sum(min(n, len(own)) for own in by_section) <= room), 1
    )
    taken = chain.from_iterable(passages[:share] for passages in by_section)
    title_passage = [Passage("", title, clean_text(title))] if title else []
    return [*title_passage, *islice(taken, room)]


def last_segment(path: str) -> str:
    """Return what follows the last slash."""
    return path.rpartition("/")[2]


def sentences_of(text: str) -> list[str]:
    """Return the sentences and lines of a text."""
    return [piece.strip() for piece in _SENTENCE_END.split(text) if piece.strip()]


def _split(text: str) -> Iterator[str]:
    passage = ""
    for sentence in sentences_of(text):
        if passage and len(passage) + len(sentence) > _PASSAGE_CHARACTERS:
            yield passage
            passage = ""
        passage = f"{passage} {sentence}".strip()[:2_000]
    if passage:
        yield passage


def _whole_names(text: str) -> str:
    """Lower-case the names of alerts, so that each counts as one term and not as several words."""
    return _OTHER_ALERT.sub(lambda match: match[0].lower(), text)


def _without_templates(text: str) -> str:
    return _TEMPLATE.sub(" ", text[:_LONGEST_READ])


def _names(report: IncidentReport) -> frozenset[str]:
    return _plain_names((*_stated_names(report), *_compounds(report)))


def _full_names(report: IncidentReport) -> frozenset[str]:
    stated = (name for name in _stated_names(report) if _word_count(name) >= _FEWEST_WORDS)
    compounds = (name for name in _compounds(report) if _word_count(name) > _FEWEST_WORDS)
    return _plain_names((*stated, *compounds))


def _stated_names(report: IncidentReport) -> list[str]:
    facts = (report.attributes[name] for name in _NAME_FACTS if name in report.attributes)
    return [report.title, *facts]


def _compounds(report: IncidentReport) -> list[str]:
    return _COMPOUND.findall(report.title[:1_000])


def _word_count(name: str) -> int:
    return len(_WORD.findall(split_camel_case(name[:_LONGEST_NAME])))


def _plain_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(plain for plain in map(plain_name, names) if len(plain) >= _SHORTEST_NAME)
