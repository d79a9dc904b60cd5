"""Measures wrong automatic acts, the first figure of a monitoring report."""

from features.domain.monitoring import Measure
from features.store.store import Store
from models.lifecycle.automatic_acts import measure_acts
from training.monitoring.findings import Findings


def measure_wrong_acts(store: Store) -> Findings:
    """Return the wrong acts per 1,000 incidents with their upper 95% bound, and the auto share.

    Acts on strangers and ratings that are too low count as any other act. While no person has
    checked an act, the figure is its upper bound. Raises `StoreUnavailable`.
    """
    acts = measure_acts(store)
    high = acts.high_per_1000
    value = high if acts.wrong_per_1000 is None else acts.wrong_per_1000
    wrong = Measure(
        "wrong automatic acts per 1,000 incidents", value, 0.0, high, None, n=acts.checked
    )
    share = Measure("incidents answered auto", acts.auto_share, None, None, None, n=acts.incidents)
    return Findings((wrong, share))
