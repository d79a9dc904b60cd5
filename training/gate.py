"""The gate: what a challenger must show before it may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.folds import Rows
from training.evaluate import Evaluation
from training.metrics import accuracy, compare, log_loss, quadratic_kappa, take_rows

_TOLERATED_LOSS = 0.005
_FEWEST_SHARED = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a challenger may be promoted, and why."""

    promoted: bool
    reasons: tuple[str, ...]


def judge_challenger(
    ours: Evaluation, champion: Mapping[str, str] | None, *, ordered: bool
) -> Verdict:
    """Compare a challenger with the baseline, and with the champion where both were judged.

    `champion` gives, by fingerprint of the report, the label that the champion predicted when it
    had not seen the report. Both were judged out of fold, so neither is flattered. The challenger
    passes when its log loss beats the baseline's beyond noise, and it is not worse than the
    champion by more than half a point.
    """
    gain = compare(log_loss, ours.baseline, ours.judged)
    figures = f"log loss {gain.value:+.3f} better, 95% interval {gain.low:+.3f} to {gain.high:+.3f}"
    if gain.low <= 0:
        return Verdict(False, (f"no better than the baseline beyond noise: {figures}",))
    better = f"better than the baseline: {figures}"
    if champion is None:
        return Verdict(True, (better, "there is no champion yet"))
    shared = np.flatnonzero([name in champion for name in ours.fingerprints])
    if len(shared) < _FEWEST_SHARED:
        note = f"the champion was judged on {len(shared)} of these incidents: too few to compare"
        return Verdict(True, (better, note))
    passed, reason = _against_champion(ours, champion, shared, ordered)
    return Verdict(passed, (better, reason))


def _against_champion(
    ours: Evaluation, champion: Mapping[str, str], shared: Rows, ordered: bool
) -> tuple[bool, str]:
    name, metric = ("quadratic kappa", quadratic_kappa) if ordered else ("accuracy", accuracy)
    mine = take_rows(ours.judged, shared)
    # A label that the challenger does not know counts as one class more, and so as wrong.
    mine = replace(mine, classes=mine.classes + 1)
    numbers = {label: number for number, label in enumerate(ours.classes)}
    labels = [champion[ours.fingerprints[int(row)]] for row in shared]
    theirs = np.array([numbers.get(label, len(numbers)) for label in labels], dtype=np.int64)
    change = compare(metric, mine, replace(mine, predicted=theirs))
    passed = change.value >= -_TOLERATED_LOSS
    verb = "holds against" if passed else "is worse than"
    return passed, (
        f"{verb} the champion on {len(shared)} shared incidents: {name} {change.value:+.4f}, "
        f"95% interval {change.low:+.4f} to {change.high:+.4f}"
    )
