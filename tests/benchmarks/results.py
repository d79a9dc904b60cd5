"""The committed results: kept section by section as JSON, shown as Markdown."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from comparison import OURS, Comparison
from concept_change import Noticed
from gate_simulation import LABELS, Simulated
from label_counts import LabelCount
from replay_figures import ReplayComparison
from replay_table import write_replay
from search_timings import Cost
from telemetry import AlarmRate, Detectors
from telemetry_table import write_alarm_rates, write_detectors
from timings import Timing

from models.base.estimate import Estimate
from models.base.model_card import package_versions

_HERE = Path(__file__).parent
_KEPT = _HERE / "results.json"
_SHOWN = _HERE / "RESULTS.md"

Section = Mapping[str, Any]

_INTRODUCTION = """# Beside the peers

Written by `make bench` from `results.json`; not to be edited. Peers are fitted on the same folds
and judged on the same rows as Precedent, on data that was visible while it was built. Brackets
hold 95% intervals that resample near-copy groups, organisations or days. The last row of a table
is Precedent less the best peer *in that figure*, paired by row; bold where the interval excludes
zero. Seconds are all fitting and judging on all folds, encoding apart; for Precedent they include
the final fit on every row. "Recall at 5% flagged" is of the top two levels, of the top one where
there are three. `n/a`: the method gives no probabilities.

Figures by number of labels are means over several drawings of labels, each judged on incidents
without near-copies among any that could be drawn; their intervals are Student's over drawings.

The gate is tried on simulated answers of two versions, of which a share is right in one of them
only ("told apart").

In a replay each week or month is answered by what was known before it: incidents opened before its
start whose labels were known by then. Peers are refitted for each unit on all of the past, and on
its last 365, 180, 90 and 30 days (20 incidents at least). Intervals resample whole units, and the
best window is chosen afterwards, by the figures themselves. Equal windows are learned once, and
their seconds counted once. `no-change`, `renamed-team`, `new-severity-policy` and `new-service` are
two years of the synthetic company, which changes on 2025-12-01 or not at all; `bank-incidents` has
no dates, so an incident opens each half hour in the order of the rows. Of `servicenow-log` and
`bank-incidents` every third incident is replayed.

Where incidents or runbooks are searched for, everyone searches the same ones for the same reports,
and seconds are of searching alone. Peers have no cut-off: they always show their best.
"""


@dataclass(frozen=True, slots=True)
class NamedFigure:
    """One figure with its 95% interval, and what it should be, such as "at most 3"."""

    name: str
    value: float
    low: float
    high: float
    to_reach: str = ""


def describe_run(command: str) -> dict[str, str]:
    """Say when, where, from which commit and by which command figures were measured."""
    versions = ", ".join(f"{name} {version}" for name, version in package_versions().items())
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {_processor()}, {platform.system()}; {versions}",
        "commit": _commit(),
        "command": command,
    }


def comparison_section(comparison: Comparison, run: Mapping[str, str]) -> Section:
    """Return a comparison as it is kept."""
    return {"run": run, **asdict(comparison)}


def replay_section(comparison: ReplayComparison, run: Mapping[str, str]) -> Section:
    """Return a replay as it is kept."""
    return {"run": run, **asdict(comparison)}


def timing_section(timings: Sequence[Timing], run: Mapping[str, str]) -> Section:
    """Return timings as they are kept."""
    return {"run": run, "timings": [asdict(timing) for timing in timings]}


def cost_section(costs: Sequence[Cost], run: Mapping[str, str]) -> Section:
    """Return costs as they are kept."""
    return {"run": run, "costs": [asdict(cost) for cost in costs]}


def detector_section(detectors: Detectors, run: Mapping[str, str]) -> Section:
    """Return detectors' figures as they are kept."""
    return {"run": run, **asdict(detectors)}


def label_count_section(found: Sequence[LabelCount], run: Mapping[str, str]) -> Section:
    """Return figures by number of labels as they are kept."""
    return {"run": run, "label_counts": [asdict(count) for count in found]}


def gate_section(found: Sequence[Simulated], run: Mapping[str, str]) -> Section:
    """Return how often the gate promoted which challenger, as it is kept."""
    return {"run": run, "simulated": [asdict(simulated) for simulated in found]}


def alarm_rate_section(rates: Sequence[AlarmRate], run: Mapping[str, str]) -> Section:
    """Return alarm rates as they are kept."""
    return {"run": run, "alarm_rates": [asdict(rate) for rate in rates]}


def noticed_section(noticed: Sequence[Noticed], run: Mapping[str, str]) -> Section:
    """Return how soon changes of concept were noticed, as it is kept."""
    return {"run": run, "noticed": [asdict(change) for change in noticed]}


def named_figures_section(
    note: str, figures: Sequence[NamedFigure], run: Mapping[str, str]
) -> Section:
    """Return figures that have a name each as they are kept, with what the reader should know."""
    rows = [asdict(figure) for figure in figures]
    return {"run": run, "note": note, "named_figures": rows}


def keep_section(name: str, section: Section) -> None:
    """Replace one section and leave the others as they were measured."""
    sections = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    sections[name] = _rounded(section)
    sections = dict(sorted(sections.items()))
    _KEPT.write_text(json.dumps(sections, indent=1) + "\n")
    shown = "\n".join(render(title, part) for title, part in sections.items())
    _SHOWN.write_text(f"{_INTRODUCTION}\n{shown}")


def kept_section(name: str) -> Section:
    """Return a section as it was measured last; it is empty if it never was."""
    sections = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    return sections.get(name, {})


def render(name: str, section: Section) -> str:
    """Return one section as Markdown."""
    tables = {
        "timings": _timing_table,
        "costs": _cost_table,
        "alarm_rates": write_alarm_rates,
        "label_counts": _label_count_table,
        "simulated": _gate_table,
        "gains": write_detectors,
        "noticed": _noticed_table,
        "masked": _masked_table,
        "units": write_replay,
        "serving": _serving_table,
        "soak": _release_table,
        "named_figures": _named_figures_table,
        "figures": _comparison_table,
    }
    table = next(write(section) for kind, write in tables.items() if kind in section)
    run = section["run"]
    written = f"Measured on {run['date']} at commit {run['commit']} by `{run['command']}`."
    return f"## {name}\n\n{table}\n\n{written} Machine: {run['machine']}.\n"


def _comparison_table(section: Section) -> str:
    names = list(section["differences"])
    lines = [
        _row("", *names, "seconds"),
        _row(*["---"] * (len(names) + 2)),
        *(_contender_row(section, contender, names) for contender in section["figures"]),
        _row(f"{OURS} less the best peer", *(_difference(section, name) for name in names), ""),
    ]
    return f"{section['rows']:,} judged incidents; {section['split']}.\n\n" + "\n".join(lines)


def _contender_row(section: Section, contender: str, names: Sequence[str]) -> str:
    figures = section["figures"][contender]
    cells = [_interval(figures[name]) if name in figures else "n/a" for name in names]
    return _row(contender, *cells, f"{section['seconds'][contender]:.0f}")


def _difference(section: Section, name: str) -> str:
    peer, difference = section["differences"][name]
    text = f"{difference['value']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}]"
    return f"{f'**{text}**' if Estimate(**difference).excludes_zero else text} ({peer})"


def _interval(found: Mapping[str, float]) -> str:
    if found["low"] == found["high"]:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _timing_table(section: Section) -> str:
    lines = [
        _row("job", "seconds", "bare, seconds", "ratio"),
        _row(*["---"] * 4),
        *(
            _row(
                timing["job"],
                f"{timing['seconds']:.3g}",
                f"{timing['bare_seconds']:.3g}",
                f"{timing['seconds'] / timing['bare_seconds']:.2f}",
            )
            for timing in section["timings"]
        ),
    ]
    return "\n".join(lines)


def _cost_table(section: Section) -> str:
    lines = [
        _row("cost", "measured", "to stay under"),
        _row(*["---"] * 3),
        *(
            _row(
                cost["name"],
                f"{cost['value']:.3g} {cost['unit']}",
                "" if cost["most"] is None else f"{cost['most']:g} {cost['unit']}",
            )
            for cost in section["costs"]
        ),
    ]
    return "\n".join(lines)


def _label_count_table(section: Section) -> str:
    counts = section["label_counts"]
    names = list(counts[0]["figures"])
    lines = [
        _row("labels", "", *names, "drawings"),
        _row(*["---"] * (len(names) + 3)),
        *(
            _row(
                f"{count['labels']:,}",
                count["contender"],
                *(_interval(count["figures"][name]) for name in names),
                str(count["drawings"]),
            )
            for count in counts
        ),
    ]
    return "\n".join(lines)


def _gate_table(section: Section) -> str:
    rows = section["simulated"]
    shares = list(dict.fromkeys(row["discordance"] for row in rows))
    promoted = {
        (row["challenger"], row["discordance"]): f"{row['promoted']} of {row['trials']}"
        for row in rows
    }
    names = dict.fromkeys(row["challenger"] for row in rows)
    lines = [
        _row("challenger", *(f"{share:.0%} told apart" for share in shares)),
        _row(*["---"] * (len(shares) + 1)),
        *(_row(name, *(promoted[name, share] for share in shares)) for name in names),
    ]
    return f"Promoted, of fresher challengers on {LABELS:,} labels.\n\n" + "\n".join(lines)


def _noticed_table(section: Section) -> str:
    lines = [
        _row(
            "source", "year", "years", "with a false alarm", "median wait", "nine in ten", "missed"
        ),
        _row(*["---"] * 7),
        *(
            _row(
                row["source"],
                row["kind"] if row["median"] is None else f"{row['kind']}, {row['share']:.0%}",
                str(row["years"]),
                str(row["years_with_false_alarm"]),
                *(
                    "" if row[wait] is None else f"{row[wait]:.0f}"
                    for wait in ("median", "nine_in_ten")
                ),
                str(row["missed"]),
            )
            for row in section["noticed"]
        ),
    ]
    return "Waits are incidents, copies included, from a change to its alarm.\n\n" + "\n".join(
        lines
    )


def _masked_table(section: Section) -> str:
    lines = [
        _row("table", "rules", "secrets masked", "look-alikes masked"),
        _row(*["---"] * 4),
        *(
            _row(
                row["table"],
                row["rules"],
                *(
                    f"{masked} of {total}, {masked / total:.3f}"
                    for masked, total in (row["secrets"], row["look_alikes"])
                ),
            )
            for row in section["masked"]
        ),
    ]
    return f"{section['note']}\n\n" + "\n".join(lines)


def _serving_table(section: Section) -> str:
    lines = [
        _row("", "figure", "measured", "to reach", "pairs", "at commit"),
        _row(*["---"] * 6),
        *(
            _row(
                row["line"],
                f"{row['name']}{'; ' if row['note'] else ''}{row['note']}",
                f"{row['value']:.3g} [{row['low']:.3g}, {row['high']:.3g}] {row['unit']}".strip(),
                f"at least {row['least']:g}" if row["most"] is None else f"at most {row['most']:g}",
                str(row["pairs"]),
                row["commit"],
            )
            for row in section["serving"]
        ),
    ]
    return (
        "Ratios are of paired measurements in one run, with 95% intervals that resample whole "
        "pairs. Brackets of\nfigures with a unit hold the range. Latencies count from the time at "
        "which a call was due.\n\n" + "\n".join(lines)
    )


def _named_figures_table(section: Section) -> str:
    lines = [
        _row("figure", "measured", "to reach"),
        _row(*["---"] * 3),
        *(_row(row["name"], _interval(row), row["to_reach"]) for row in section["named_figures"]),
    ]
    return f"{section['note']}\n\n" + "\n".join(lines)


def _release_table(section: Section) -> str:
    grown = [f"{what} grew: {how}" for what, how in section["grown"].items()]
    soak = "; ".join([*section["soak"], *(grown or ["nothing grew"])])
    return "\n".join(section["faults"]) + f"\n\nSteady load: {soak}."


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=_HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"
