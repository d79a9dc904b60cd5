"""How well relatedness is calibrated, by pairs that people read: the first shown of a report.

`python tests/benchmarks/judged_pairs.py draw PAIRS.jsonl` writes pairs for the readers, without
their relatedness. A reader writes a line for each: {"pair": "...", "is_related": true}
`python tests/benchmarks/judged_pairs.py measure READER READER` compares readers and relatedness;
the files of two readers are in `judgements`.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from data_sets import DATA_SETS, load_data_set
from figures import Floats
from linked_reports import load_openoffice, load_seamonkey, without_links
from rich.console import Console
from similar_retrieval import encode_for_search
from sklearn.metrics import cohen_kappa_score

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder_weights import MINILM, open_encoder
from features.home import Home, open_home
from features.search.incident_index import IncidentIndex
from models.similarity.result_entries import ListedRecords
from models.similarity.similar_model import SimilarModel

_PAIRS_OF_EACH = 89
_SEED = 0
_ROWS = 6_000
_BINS = 5
_RESAMPLES = 2_000
_LONGEST_TEXT = 700


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A report and the first similar incident that is shown for it.

    `name` is the data set with the ids of both.
    """

    name: str
    data_set: str
    report: IncidentReport
    shown: IncidentReport
    relatedness: float


def main() -> None:
    """Write the pairs for readers, or measure what the readers wrote."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("draw").add_argument("pairs", type=Path)
    commands.add_parser("measure").add_argument("readers", type=Path, nargs=2)
    arguments = parser.parse_args()
    home = open_home()
    pairs = [pair for name in _HISTORIES for pair in draw_pairs(name, home)]
    if arguments.command == "draw":
        lines = [_for_reader(pair) for pair in pairs]
        arguments.pairs.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
        return
    first, second = (_read(file, pairs) for file in arguments.readers)
    are_judged = ~np.isnan(first + second)
    Console().print(f"{are_judged.sum()} of {len(pairs)} pairs were judged by both readers")
    judged = [pair for pair, is_judged in zip(pairs, are_judged, strict=True) if is_judged]
    _print_measures(judged, first[are_judged], second[are_judged])


def draw_pairs(name: str, home: Home) -> Iterator[ShownPair]:
    """Yield the first shown of reports drawn at random from the later half, at most 89 pairs.

    Each report is searched for in what was opened before; without times, in all other incidents.
    """
    incidents = _HISTORIES[name]()
    encode_for_search([incident.report for incident in incidents], home)
    index = IncidentIndex(open_encoder(MINILM))
    index.upsert(incidents)
    model = SimilarModel()
    model.learn(model.label(incidents, index))
    records = ListedRecords(incidents)
    later = np.arange(len(incidents) // 2, len(incidents))
    found = 0
    for row in np.random.default_rng(_SEED).permutation(later).tolist():
        report = incidents[row].report
        (answer,) = model.search([report], index, records, limit=1)
        if not answer.similar:
            continue
        entry = answer.similar[0]
        found += 1
        shown = records.find([entry.id])[entry.id].report
        pair = f"{name}: {report.id}, {shown.id}"
        yield ShownPair(pair, name, report, shown, entry.relatedness)
        if found == _PAIRS_OF_EACH:
            return


def _load(name: str) -> list[ResolvedIncident]:
    return list(load_data_set(DATA_SETS[name], _ROWS).incidents)


_HISTORIES = {
    "openoffice": lambda: list(load_openoffice().incidents),
    "seamonkey-issues": lambda: without_links(load_seamonkey().incidents),
    "assignment": lambda: _load("assignment"),
    "it-tickets": lambda: _load("it-tickets"),
}


def _for_reader(pair: ShownPair) -> Mapping[str, object]:
    return {
        "pair": pair.name,
        "report": _text(pair.report),
        "shown": _text(pair.shown),
    }


def _text(report: IncidentReport) -> str:
    text = f"[{report.service}] {report.title}\n{report.description}"
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} ..."


def _read(file: Path, pairs: Sequence[ShownPair]) -> Floats:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    is_related = {line["pair"]: line["is_related"] for line in lines}
    return np.array([is_related.get(pair.name, np.nan) for pair in pairs])


def _print_measures(pairs: Sequence[ShownPair], first: Floats, second: Floats) -> None:
    console = Console(width=120)
    relatedness = np.array([pair.relatedness for pair in pairs])
    judged = (first + second) / 2
    names = np.array([pair.data_set for pair in pairs])
    for name in ("all", *_HISTORIES):
        rows = np.flatnonzero((names == name) | (name == "all"))
        low, high = _interval(relatedness[rows], judged[rows])
        error = debiased_calibration_error(relatedness[rows], judged[rows])
        console.print(
            f"{name}: {len(rows)} pairs, mean relatedness {relatedness[rows].mean():.3f}, judged "
            f"related {judged[rows].mean():.3f}; debiased error {error:.3f} [{low:.3f}, {high:.3f}]"
        )
    agreement = float((first == second).mean())
    kappa = cohen_kappa_score(first, second)
    console.print(f"readers agree on {agreement:.3f} of the pairs, kappa {kappa:.2f}")


def debiased_calibration_error(confidence: Floats, judged: Floats) -> float:
    """Return the root of the squared calibration error in five equal bins, without noise's share.

    The variance of each bin's mean is subtracted (Kumar, Liang and Ma 2019).

    >>> debiased_calibration_error(np.full(10, 0.5), np.array([0.0, 1.0] * 5))
    0.0
    """
    order = np.argsort(confidence, kind="stable")
    total = 0.0
    for rows in np.array_split(order, _BINS):
        if len(rows) < 2:
            continue
        gap = confidence[rows].mean() - judged[rows].mean()
        noise = judged[rows].var(ddof=1) / len(rows)
        total += len(rows) / len(confidence) * (gap**2 - noise)
    return float(np.sqrt(max(total, 0.0)))


def _interval(confidence: Floats, judged: Floats) -> tuple[float, float]:
    rng = np.random.default_rng(_SEED)
    draws = [rng.integers(0, len(judged), len(judged)) for _ in range(_RESAMPLES)]
    errors = [debiased_calibration_error(confidence[rows], judged[rows]) for rows in draws]
    low, high = np.quantile(errors, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
