"""The demo history: a synthetic company's year of incidents, generated from a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from training.demo.kinds import CompanyFacts, IncidentKind, read_company, read_kinds

EXAMPLE_END = datetime(2026, 6, 30, 14, 20, tzinfo=UTC)

_MISLABELLED, _MISTYPED, _GERMAN, _RUNBOOK_NOTED = 0.03, 0.2, 0.1, 0.7
_WORKING_HOURS, _IN_WORKING_HOURS = (7, 17), 0.95
_YEAR_MINUTES = 365 * 24 * 60
_LAST_MINUTES = 30
_GROWTH = 1.15  # above 1, the last months have more incidents than the first months


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """A synthetic company: a year of incidents until `end`, and what each service depends on."""

    incidents: tuple[ResolvedIncident, ...]
    severity_levels: tuple[str, ...]
    dependencies: Mapping[str, tuple[str, ...]]
    end: datetime


def generate_company(
    *, seed: int = 0, incidents: int = 1_300, end: datetime = EXAMPLE_END
) -> DemoCompany:
    """Generate a year of synthetic incidents that ends at `end`, a UTC time without seconds.

    Equal arguments give an equal company. Another `end` shifts the same incidents in time, except
    that most reports by people stay on working days and in working hours.

    >>> len(generate_company(incidents=20).incidents)
    20
    """
    generator = _Generator(Random(seed), read_company(), read_kinds(), end)  # noqa: S311 - no secret
    drawn: list[ResolvedIncident] = []
    while len(drawn) < incidents:
        drawn += generator.draw_episode(len(drawn))
    facts = generator.facts
    return DemoCompany(
        tuple(sorted(drawn[:incidents], key=lambda incident: incident.report.id)),
        tuple(facts.severity_levels),
        {service: tuple(required) for service, required in facts.dependencies.items()},
        end,
    )


@dataclass(frozen=True, slots=True)
class _Generator:
    rng: Random
    facts: CompanyFacts
    kinds: Sequence[IncidentKind]
    end: datetime

    def draw_episode(self, number: int) -> list[ResolvedIncident]:
        """Draw the incidents of one issue: mostly one, sometimes two, rarely 6 to 25.

        Incidents that would open after the company's `end` are left out.
        """
        rng = self.rng
        kind = rng.choices(self.kinds, [4 - kind.rank for kind in self.kinds])[0]
        size = rng.choices((1, 2, rng.randint(6, 25)), (93, 6, min(kind.rank, 1)))[0]
        sources = rng.choices(list(kind.sources), list(kind.sources.values()), k=size)
        opened_at = self._draw_opening(sources[0])
        episode: list[ResolvedIncident] = []
        for source in sources:
            scope = 2 if size > 2 else rng.choice(kind.scopes)
            incident = self._draw_incident(kind, source, scope, opened_at, number + len(episode))
            if episode:
                incident = self._repeat(episode[0].report, incident)
            if opened_at <= self.end:
                episode.append(incident)
            opened_at += timedelta(minutes=rng.randint(1, 20))
        return episode

    def _draw_opening(self, source: str) -> datetime:
        minutes_ago = _LAST_MINUTES + _YEAR_MINUTES * self.rng.random() ** _GROWTH
        opened_at = self.end - timedelta(minutes=int(minutes_ago))
        hour, is_at_work = self.rng.randint(*_WORKING_HOURS), self.rng.random() < _IN_WORKING_HOURS
        if source == "monitoring" or not is_at_work:
            return opened_at
        workday = opened_at - timedelta(days=max(opened_at.weekday() - 4, 0))
        moved = workday.replace(hour=hour)
        return moved if moved < self.end else opened_at

    def _draw_incident(
        self, kind: IncidentKind, source: str, scope: int, opened_at: datetime, number: int
    ) -> ResolvedIncident:
        rng = self.rng
        is_person = source in ("portal", "mail", "phone")
        voice = "german" if is_person and rng.random() < _GERMAN else source
        words = self._draw_words(kind, voice, scope, opened_at)
        service, reporter = kind.service, "robot"
        title, text = self._write(voice, words)
        if is_person:
            # People often name no service, or `workplace` instead of the service at fault.
            service = rng.choice((service, service, service, "", "", "workplace"))
            reporter = words["person"].lower().replace(" ", ".")
        report = IncidentReport(
            id=f"DEMO-{opened_at:%y%m%d-%H%M}-{number}",
            opened_at=opened_at,
            title=title,
            description=text,
            service=service or None,
            source=source,
            attributes={"location": words["site"], "reporter": f"{reporter}@example.com"},
        )
        return ResolvedIncident(report, self._draw_outcome(kind, scope, opened_at, words))

    def _draw_words(
        self, kind: IncidentKind, voice: str, scope: int, opened_at: datetime
    ) -> dict[str, str]:
        """Draw a text for every placeholder of the templates."""
        rng, facts = self.rng, self.facts
        language = "german" if voice == "german" else "english"
        words = {
            "service": kind.service,
            "host": f"{kind.host}-{rng.randint(1, 6):02}",
            "asset": f"LT-{rng.randint(1000, 9999)}",
            "code": f"E{rng.randint(1000, 9999)}",
            "n": str(rng.randint(3, 99)),
            "count": str(rng.randint(1, 9)),
            "clock": f"{opened_at - timedelta(minutes=rng.randint(5, 90)):%H:%M}",
            "site": rng.choice(facts.sites),
            "who": rng.choice(facts.people),
            "person": rng.choice(facts.people),
            "level": facts.alert_levels[scope],
        }
        title_from = text_from = rng.choice(kind.reports_of(voice))
        if title_from.fix is None:
            # Titles and texts of templates without a fix of their own can be combined freely.
            templates = [template for template in kind.reports_of(voice) if template.fix is None]
            text_from = rng.choice(templates)
        sentences = {
            "title": title_from.title,
            "text": text_from.text,
            "scope": rng.choice(facts.scopes[scope][language]),
            "fix": title_from.fix or rng.choice(kind.fixes),
        }
        words |= {name: sentence.format_map(words) for name, sentence in sentences.items()}
        phrases = {name: rng.choice(variants) for name, variants in facts.phrases.items()}
        return words | {name: phrase.format_map(words) for name, phrase in phrases.items()}

    def _write(self, voice: str, words: Mapping[str, str]) -> tuple[str, str]:
        layouts = self.facts.layouts[voice]
        title, text = (" ".join(layout.format_map(words).split()) for layout in layouts)
        if voice != "monitoring" and self.rng.random() < _MISTYPED:
            return title, self._mistype(text)
        return title, text

    def _mistype(self, text: str) -> str:
        """Return the text with two neighbouring characters swapped, or with one left out."""
        at = self.rng.randrange(len(text) - 1)
        return text[:at] + self.rng.choice((text[at + 1], text[at + 1] + text[at])) + text[at + 2 :]

    def _repeat(self, first: IncidentReport, repeated: ResolvedIncident) -> ResolvedIncident:
        """Mark an incident as a duplicate of its episode's first report.

        With a probability of one half, it also gets the facts and the text of that report, the text
        possibly mistyped.
        """
        report, outcome = repeated.report, replace(repeated.outcome, duplicate_of=first.id)
        if self.rng.random() < 0.5:
            text = self.rng.choice((first.description, self._mistype(first.description)))
            report = replace(first, id=report.id, opened_at=report.opened_at, description=text)
        return ResolvedIncident(report, outcome)

    def _draw_outcome(
        self, kind: IncidentKind, scope: int, opened_at: datetime, words: Mapping[str, str]
    ) -> Outcome:
        rng, levels = self.rng, self.facts.severity_levels
        rank = kind.rank + scope - 1 + rng.choices((-1, 0, 1), (1, 10, 1))[0]
        rank = min(max(rank, 0), len(levels) - 1)
        labelled_as = rng.choice(self.kinds) if rng.random() < _MISLABELLED else kind
        runbook_id = kind.runbook if rng.random() < _RUNBOOK_NOTED else None
        resolved_at = opened_at + timedelta(hours=rng.lognormvariate(3.9 - 0.7 * rank, 1.3))
        if resolved_at > self.end:
            return Outcome()
        return Outcome(
            category=labelled_as.category,
            assignment=labelled_as.assignment,
            severity=levels[rank],
            resolution=words["resolution"],
            runbook_id=runbook_id,
            resolved_at=resolved_at,
            fields={"subcategory": kind.name},
        )
