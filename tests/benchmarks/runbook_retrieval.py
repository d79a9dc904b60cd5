"""Finding the runbook of an alert: ours beside BM25, MiniLM and their rank fusion.

`python tests/benchmarks/runbook_retrieval.py` measures; `--fit` prints the constants that the
shipped ones are rounded from.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from comparison import OURS, Comparison
from figures import Floats
from results import comparison_section, describe_run, render
from retrieval_peers import PEERS, encode_for_retrieval, peer_scores, retrieval_text
from rich.console import Console
from runbook_pairs import Family, load_families

from features.encoding.encoder_weights import MINILM, open_encoder
from features.home import Home, open_home
from models.base.estimate import Estimate
from models.classification.scorers.scorer import Rows
from models.runbooks.match_features import FEATURES, match_reports
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import WEIGHTS
from models.statistics.conditional_logit import Ranking, fit_conditional_logit
from training.evaluation.metrics import measure

_SPREAD = 1.2
_DEPTHS = {"recall@1": 1, "recall@5": 5}
# Without past uses, the last two features are nothing.
_LEARNED = len(FEATURES) - 2


@dataclass(frozen=True, slots=True)
class Places:
    """Where each contender has the right runbook, 0 for first; intervals resample runbooks."""

    ours: Floats
    theirs: Floats
    families: Rows
    blocks: Rows


def compare_runbook_retrieval(
    home: Home, *, masked: bool, with_expression: bool = False
) -> Comparison:
    """Judge everyone on each family's own index; our weights are fitted on the other families."""
    families = load_families(masked=masked, with_expression=with_expression)
    started = perf_counter()
    features = {family.name: _features(family) for family in families}
    learnt_from = {family.name: _rankings(family, features[family.name]) for family in families}
    places = {name: [] for name in (OURS, f"{OURS}, shipped constants", *PEERS)}
    for family in families:
        weights = _fit([rankings for name, rankings in learnt_from.items() if name != family.name])
        alert_features = features[family.name]
        scores = {
            OURS: alert_features @ weights,
            f"{OURS}, shipped constants": alert_features @ _shipped(),
        }
        scores |= _peer_scores(family, home)
        for name, values in scores.items():
            places[name].append(_places(values, family.right))
    seconds = perf_counter() - started
    return _compared(families, places, seconds, masked=masked)


def compare_runbooks(home: Home, rows: int | None = None) -> Iterator[tuple[str, Comparison]]:
    """Yield the comparison with names and without them; there are too few to take only `rows`."""
    yield "names and texts", compare_runbook_retrieval(home, masked=False)
    yield "names masked", compare_runbook_retrieval(home, masked=True)


def measure_shipped(*, masked: bool) -> dict[str, float]:
    """Return the recalls of the shipped constants, without a peer, as a mean over families."""
    recalls = []
    for family in load_families(masked=masked, with_expression=False):
        places = _places(_features(family) @ _shipped(), family.right)
        recalls.append([float((places < depth).mean()) for depth in _DEPTHS.values()])
    return dict(zip(_DEPTHS, np.mean(recalls, axis=0).tolist(), strict=True))


def _features(family: Family) -> Floats:
    index = RunbookIndex(family.runbooks, open_encoder(MINILM))
    return np.array([match.features for match in match_reports(family.reports, index)])


def _rankings(family: Family, features: Floats) -> list[Ranking]:
    return [
        Ranking(alert_features[:, :_LEARNED], np.arange(len(alert_features)) == row)
        for alert_features, row in zip(features, family.right, strict=True)
    ]


def _fit(families: Sequence[Sequence[Ranking]]) -> Floats:
    """Fit with each family counting about as much, however many alerts it has."""
    most = max(len(rankings) for rankings in families)
    balanced = [
        ranking for rankings in families for ranking in list(rankings) * round(most / len(rankings))
    ]
    nothing = np.zeros(_LEARNED)
    learned = fit_conditional_logit(balanced, nothing, np.full(_LEARNED, _SPREAD))
    return np.concatenate([learned, np.zeros(len(FEATURES) - _LEARNED)])


def _shipped() -> Floats:
    return np.array([WEIGHTS[name] for name in FEATURES])


def _peer_scores(family: Family, home: Home) -> dict[str, Floats]:
    texts_asked = [retrieval_text(report) for report in family.reports]
    vectors = (encode_for_retrieval(texts, home) for texts in (texts_asked, family.texts))
    return peer_scores(texts_asked, family.texts, *vectors)


def _places(scores: Floats, right: Sequence[int]) -> Floats:
    wanted = scores[np.arange(len(right)), list(right)][:, None]
    # Of equal scores half come first, as a draw would have it.
    return (scores > wanted).sum(axis=1) + ((scores == wanted).sum(axis=1) - 1) / 2


def _compared(families: Sequence[Family], places, seconds: float, *, masked: bool) -> Comparison:
    numbers = np.repeat(np.arange(len(families)), [len(family.right) for family in families])
    runbooks = np.concatenate([np.array(family.right) for family in families])
    blocks = numbers * 10_000 + runbooks
    joined = {name: np.concatenate(parts) for name, parts in places.items()}

    def paired(first: Floats, second: Floats | None, depth: int) -> Estimate:
        other = np.full(len(first), np.inf) if second is None else second
        return measure(
            lambda ranks, weight: _gain(ranks, weight, depth), Places(first, other, numbers, blocks)
        )

    best = {
        name: max(PEERS, key=lambda peer: paired(joined[peer], None, depth).value)
        for name, depth in _DEPTHS.items()
    }
    named = "names masked on both sides" if masked else "names and texts"
    return Comparison(
        rows=len(numbers),
        split=f"{named}; each family unseen, mean of {len(families)} families",
        seconds=dict.fromkeys(joined, seconds),
        figures={
            who: {name: paired(ranks, None, depth) for name, depth in _DEPTHS.items()}
            for who, ranks in joined.items()
        },
        differences={
            name: (best[name], paired(joined[OURS], joined[best[name]], depth))
            for name, depth in _DEPTHS.items()
        },
    )


def _gain(places: Places, weight: Floats, depth: int) -> float:
    """Return the mean over families of our recall less theirs."""
    hits = (places.ours < depth).astype(float) - (places.theirs < depth)
    sizes = np.bincount(places.families, weight)
    means = np.bincount(places.families, weight * hits)[sizes > 0] / sizes[sizes > 0]
    return float(means.mean())


def _print_constants() -> None:
    rankings = [
        _rankings(family, _features(family))
        for masked in (False, True)
        for with_expression in (False, True)
        for family in load_families(masked=masked, with_expression=with_expression)
    ]
    weights = zip(FEATURES, _fit(rankings), strict=True)
    Console().print({name: round(float(weight), 2) for name, weight in weights})


def main() -> None:
    """Measure, or fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="print constants fitted on everything")
    parser.add_argument("--expressions", action="store_true", help="let reports hold their query")
    arguments = parser.parse_args()
    if arguments.fit:
        _print_constants()
        return
    home = open_home()
    run = describe_run(" ".join(["python tests/benchmarks/runbook_retrieval.py", *sys.argv[1:]]))
    for masked in (False, True):
        comparison = compare_runbook_retrieval(
            home, masked=masked, with_expression=arguments.expressions
        )
        title = "runbooks, names masked" if masked else "runbooks"
        section = comparison_section(comparison, run)
        Console().print(render(title, section), markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
