"""A replay as a table in Markdown."""

from collections.abc import Mapping
from typing import Any

from models.base.estimate import Estimate

Section = Mapping[str, Any]


def write_replay(section: Section) -> str:
    """Return a replay's figures, and below them the differences from the best peers."""
    names = list(next(iter(section["figures"].values())))
    lines = [
        _row("", *names, "seconds"),
        _row(*["---"] * (len(names) + 2)),
        *(_contender(section, contender) for contender in section["figures"]),
        *(
            _row(title, *map(_difference, differences.values()), "")
            for title, differences in section["differences"].items()
        ),
    ]
    about = " ".join(
        [f"{section['answered']:,} incidents in {section['units']}.", *section["notes"]]
    )
    return f"{about}\n\n" + "\n".join(lines)


def _contender(section: Section, contender: str) -> str:
    cells = [_interval(figure) for figure in section["figures"][contender].values()]
    return _row(contender, *cells, f"{section['seconds'][contender]:.0f}")


def _interval(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _difference(found: tuple[str, Mapping[str, float]]) -> str:
    peer, difference = found
    text = f"{difference['value']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}]"
    return f"{f'**{text}**' if Estimate(**difference).excludes_zero else text} ({peer})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
