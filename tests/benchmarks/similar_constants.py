"""Prints what the shipped constants of similar incidents are rounded from, for two trackers.

Every report asks for its past, whether that holds a relative or not. The ranker learns with a prior
so wide that it says nothing; the calibration is that of the shipped ranker.
"""

import numpy as np
from linked_reports import LinkedReports, load_openoffice, load_seamonkey
from rich.console import Console

from features.encoding.encoder_weights import MINILM, open_encoder
from features.search.incident_index import IncidentIndex
from models.similarity.pair_features import FEATURES
from models.similarity.pair_ranker import SHIPPED_WEIGHTS, PairRanker, RelatednessCalibration
from models.similarity.similar_model import SimilarModel
from models.similarity.training_pairs import LabelledQuery

_WIDE = 100.0
_SEED = 0


def main() -> None:
    """Print weights, intercept, slope, rate and cut-off."""
    console = Console()
    shipped = PairRanker().fit([])
    for name, reports in (("OpenOffice", load_openoffice()), ("SeaMonkey", load_seamonkey())):
        queries = _queries(reports)
        weights = PairRanker(spread=_WIDE).fit(queries).weights_
        console.print(f"{name}, {len(queries)} queries")
        for feature, weight in zip(FEATURES, weights, strict=True):
            console.print(f"  {feature} {weight:.2f} (shipped {SHIPPED_WEIGHTS[feature]:.2f})")
        calibration = RelatednessCalibration().fit(shipped, queries)
        rate = np.mean([_is_best_right(query, shipped) for query in queries])
        console.print(
            f"  intercept {calibration.intercept_:.2f}, slope {calibration.slope_:.2f}, "
            f"rate {rate:.2f}, cut-off {calibration.cutoff_:.2f}"
        )


def _queries(reports: LinkedReports) -> list[LabelledQuery]:
    index = IncidentIndex(open_encoder(MINILM))
    index.upsert(reports.incidents)
    queries = SimilarModel(seed=_SEED).label(reports.incidents, index)
    return [query for query in queries if len(query.features)]


def _is_best_right(query: LabelledQuery, ranker: PairRanker) -> bool:
    return bool(query.is_relative[ranker.odds(query.features, query.strangers).argmax()])


if __name__ == "__main__":
    main()
