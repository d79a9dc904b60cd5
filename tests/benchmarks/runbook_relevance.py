"""How well the relevance of a runbook is calibrated, also where the right runbook is missing.

Each alert is asked twice, with all runbooks of its family and without the right one.
`python tests/benchmarks/runbook_relevance.py` measures; `--fit` prints the calibration that the
shipped one is rounded from.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from figures import Floats
from rich.console import Console
from rich.table import Table
from runbook_pairs import Family, load_families, shorten_names
from scipy.special import expit

from features.encoding.encoder_weights import MINILM, open_encoder
from models.base.estimate import Estimate
from models.classification.scorers.scorer import Rows
from models.runbooks.match_features import FEATURES, Match, match_reports
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import CUTOFF, WEIGHTS, RunbookModel, calibration_examples
from models.statistics.conditional_logit import Ranking, fit_logit
from training.evaluation.metrics import CONFIDENCE_BINS, confidence_bins, measure

SURE = 0.95
_SHOWN = 5
NAMED = "names and texts"
_FIT_SPREAD = 10.0
_FIT_WEIGHT = 200

Relevance = Callable[[Match], Floats]


@dataclass(frozen=True, slots=True)
class Asked:
    """A family's alerts compared with its runbooks, and the row of the right one of each."""

    family: str
    matches: tuple[Match, ...]
    right: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """The suggestions of all searches, one row for each.

    `is_first` marks the first of a search, `is_missing` those of searches without the right
    runbook. `weights` let each family count the same; intervals resample right runbooks (`blocks`).
    """

    relevance: Floats
    is_right: Rows
    is_first: Rows
    is_missing: Rows
    weights: Floats
    blocks: Rows


def load_settings() -> dict[str, list[Asked]]:
    """Return the visible families in each setting: of the alert's name is left all, part, none."""
    named = load_families(masked=False, with_expression=False)
    masked = load_families(masked=True, with_expression=False)
    settings = {
        NAMED: named,
        "a word of the name missing": [shorten_names(family) for family in named],
        "names masked on both sides": masked,
    }
    return {name: [_ask(family) for family in families] for name, families in settings.items()}


def _ask(family: Family) -> Asked:
    index = RunbookIndex(family.runbooks, open_encoder(MINILM))
    return Asked(family.name, tuple(match_reports(family.reports, index)), family.right)


def without_runbook(match: Match, row: int) -> Match:
    """Return a match as if the runbook were not in the index, whose statistics stay."""
    return replace(
        match,
        features=np.delete(match.features, row, axis=0),
        is_titled=np.delete(match.is_titled, row),
    )


def judge(families: Sequence[Asked], relevance_of: Callable[[str], Relevance]) -> Judged:
    """Judge the first five suggestions of each search, by the relevance for each family."""
    rows = [
        (*suggestion, 1 / len(asked.right), number * 10_000 + right)
        for number, asked in enumerate(families)
        for match, right in zip(asked.matches, asked.right, strict=True)
        for suggestion in _suggestions(match, right, relevance_of(asked.family))
    ]
    relevance, is_right, is_first, is_missing, weights, blocks = zip(*rows, strict=True)
    flags = (np.array(column, dtype=np.int64) for column in (is_right, is_first, is_missing))
    return Judged(np.array(relevance), *flags, np.array(weights), np.array(blocks))


def _suggestions(
    match: Match, right: int, relevance: Relevance
) -> Iterator[tuple[float, bool, bool, bool]]:
    for is_missing, searched in ((False, match), (True, without_runbook(match, right))):
        values = relevance(searched)
        for place, row in enumerate(np.argsort(-values, kind="stable")[:_SHOWN].tolist()):
            yield float(values[row]), not is_missing and row == right, place == 0, is_missing


def wrong_share(judged: Judged, weight: Floats, least: float) -> float:
    """Return the share of wrong runbooks among those with a relevance of at least `least`."""
    weight = weight * judged.weights * (judged.relevance >= least)
    return float(weight @ (1 - judged.is_right) / weight.sum()) if weight.sum() else 0.0


def shown_share(judged: Judged, weight: Floats, least: float, *, is_missing: bool) -> float:
    """Return the share of searches, with the right runbook or without it, that show something."""
    weight = weight * judged.weights * judged.is_first * (judged.is_missing == is_missing)
    return float(weight @ (judged.relevance >= least) / weight.sum())


def debiased_error(judged: Judged, weight: Floats) -> float:
    """Return the root of the mean squared gap of relevance and precision of first suggestions.

    The mean is over ten bins of relevance, less the gap that chance alone gives (Kumar et al.
    2019).
    """
    weight = weight * judged.weights * judged.is_first
    bins = confidence_bins(judged.relevance)
    totals = np.bincount(bins, weight, CONFIDENCE_BINS)
    squares = np.bincount(bins, weight**2, CONFIDENCE_BINS)
    filled = totals > 0
    counts = totals[filled] ** 2 / squares[filled]
    precision = np.bincount(bins, weight * judged.is_right, CONFIDENCE_BINS)[filled]
    relevance = np.bincount(bins, weight * judged.relevance, CONFIDENCE_BINS)[filled]
    precision, relevance = precision / totals[filled], relevance / totals[filled]
    chance = precision * (1 - precision) / np.maximum(counts - 1, 1)
    gaps = (relevance - precision) ** 2 - chance
    return float(np.sqrt(max(0.0, totals[filled] @ gaps / totals.sum())))


FIGURES: dict[str, Callable[[Judged, Floats], float]] = {
    "wrong at .95": lambda judged, weight: wrong_share(judged, weight, SURE),
    "wrong when shown": lambda judged, weight: wrong_share(judged, weight, CUTOFF),
    "shown": lambda judged, weight: shown_share(judged, weight, CUTOFF, is_missing=False),
    "shown though missing": lambda judged, weight: shown_share(
        judged, weight, CUTOFF, is_missing=True
    ),
    "calibration error": debiased_error,
}


def shipped_relevance(_: str) -> Relevance:
    """Return the relevance by the shipped constants, for any family."""
    return RunbookModel().fit([]).relevance


def former_relevance(_: str) -> Relevance:
    """Return what was shipped before: log-odds of the score and of its unbounded lead."""
    weights = np.array([WEIGHTS[name] for name in FEATURES])
    weights[[FEATURES.index("missing name"), FEATURES.index("other components")]] = 0

    def relevance(match: Match) -> Floats:
        scores = match.features @ weights
        second, first = np.partition(scores, -2)[-2:]
        lead = scores - np.where(scores < first, first, second)
        return np.asarray(expit(0.2 * scores + 0.35 * lead - 4.5))

    return relevance


def calibrated_elsewhere(settings: dict[str, list[Asked]]) -> Callable[[str], Relevance]:
    """Return for each family the relevance that is calibrated on the other families."""

    def relevance_of(family: str) -> Relevance:
        model = RunbookModel().fit([])
        model.calibration_ = calibrations[family]
        return model.relevance

    names = {asked.family for families in settings.values() for asked in families}
    calibrations = {name: fit_calibration(settings, without=name) for name in names}
    return relevance_of


def fit_calibration(settings: dict[str, list[Asked]], without: str = "") -> Floats:
    """Fit the calibration on the families but one, each with the same weight in total.

    Where alerts have their names, only searches without the right runbook count: a name decides.
    """
    shipped = RunbookModel().fit([])
    evidence, right, counts = [], [], []
    for setting, families in settings.items():
        for asked in families:
            if asked.family != without:
                examples = calibration_examples(_rankings(asked), shipped.weights_)
                rows = slice(1, None, 2) if setting == NAMED else slice(None)
                evidence.append(examples[0][rows])
                right.append(examples[1][rows])
                counts.append(np.full(len(right[-1]), _FIT_WEIGHT / len(examples[1])))
    return fit_logit(
        np.concatenate(evidence),
        np.concatenate(right),
        shipped.calibration_,
        np.full(len(shipped.calibration_), _FIT_SPREAD),
        np.concatenate(counts),
    )


def _rankings(asked: Asked) -> list[Ranking]:
    return [
        Ranking(match.features, np.arange(len(match.features)) == right)
        for match, right in zip(asked.matches, asked.right, strict=True)
    ]


def main() -> None:
    """Measure, or fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="print the calibration fitted on all")
    arguments = parser.parse_args()
    settings = load_settings()
    console = Console(width=160)
    if arguments.fit:
        console.print(fit_calibration(settings).round(2).tolist())
        return
    contenders = {
        "before": former_relevance,
        "shipped constants": shipped_relevance,
        "calibrated on other families": calibrated_elsewhere(settings),
    }
    for setting, families in settings.items():
        table = Table("", *FIGURES, title=f"runbooks: {setting}")
        for name, relevance_of in contenders.items():
            judged = judge(families, relevance_of)
            table.add_row(name, *(_show(measure(figure, judged)) for figure in FIGURES.values()))
        console.print(table)


def _show(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


if __name__ == "__main__":
    main()
