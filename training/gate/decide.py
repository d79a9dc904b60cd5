"""Lets a challenger pass that is better than the champion, or no worse and fresher."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.formatting import counted, interval
from models.base.gate_verdict import Comparison, Verdict
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import compare, log_loss
from training.gate.opponents import FEWEST_GROUPS, Opponent, Opponents
from training.gate.paired_bootstrap import Answers, GainEstimate, accuracy_gain, kappa_gain
from training.gate.slice_veto import judge_slices

TOLERATED_LOSS = 0.005
"""How much worse than the champion a fresher challenger may seem: half a point."""

TOLERATED_BOUND = 0.0075
"""How much worse it may be, as far as noise lets tell; tests/benchmarks/gate_simulation.py."""

_BASELINE = "the most frequent label"
_BEST = "the best champion of the past year"


@dataclass(frozen=True, slots=True)
class _OpponentComparison:
    """A comparison with another version, and whether it lets the challenger pass."""

    comparison: Comparison
    answers: Answers
    which: str

    @property
    def is_better(self) -> bool:
        """Whether the challenger is better beyond noise."""
        return self.comparison.low > 0

    @property
    def is_no_worse(self) -> bool:
        """Whether it is not worse than half a point, and noise hides little more."""
        return self.comparison.value >= -TOLERATED_LOSS and self.comparison.low >= -TOLERATED_BOUND

    def __str__(self) -> str:
        found = self.comparison
        return (
            f"{found.name} on {counted(found.incidents, 'incident')} {self.which}: {found.metric} "
            f"{found.value:+.4f}, 95% interval {interval(found.low, found.high, '+.4f')}"
        )


def judge_challenger(ours: Evaluation, opponents: Opponents, *, ordered: bool) -> Verdict:
    """Compare a challenger with the baseline, the champion and the best of the past year.

    Its log loss must beat the baseline's beyond noise. It replaces a champion when it is better
    beyond noise, or when it is not worse and fresher: it seems at most half a point worse, and
    the 95% interval excludes that it is worse by three quarters of a point. Neither may it be
    worse, by the same rule, than the best champion of the past year, for many small losses add up;
    and no slice that is large enough to tell may fall. Compared are accuracies, of `ordered`
    labels quadratically weighted kappas, on 100 groups of near-copies or more. A champion that
    somebody rolled back to is replaced by a better one only, so that freshness does not undo it.
    """
    opening = _beside_baseline(ours)
    if not opening.promoted or opponents.champion is None:
        first = ("there was no champion before",) if opening.promoted else ()
        return replace(opening, reasons=(*opening.reasons, *first))
    return _joined(
        opening,
        _beside_champion(ours, opponents.champion, opponents, ordered),
        _beside_past(ours, opponents.past, ordered),
        Verdict(True, (), warnings=opponents.warnings),
    )


def _beside_baseline(ours: Evaluation) -> Verdict:
    gain = compare(log_loss, ours.baseline, ours.judged)
    groups = len(np.unique(ours.copies))
    found = Comparison(_BASELINE, "log loss saved", len(ours.rows), groups, *gain.triple)
    bounds = interval(gain.low, gain.high, "+.3f")
    figures = f"log loss {gain.value:+.3f} better, 95% interval {bounds}"
    is_better = gain.low > 0
    words = "better than the baseline" if is_better else "no better than the baseline beyond noise"
    return Verdict(is_better, (f"{words}: {figures}",), comparisons=(found,))


def _beside_champion(
    ours: Evaluation, opponent: Opponent, opponents: Opponents, ordered: bool
) -> Verdict:
    compared = _compare(ours, opponent, f"the champion (version {opponent.version})", ordered)
    if compared.comparison.groups < FEWEST_GROUPS:
        reason = (
            f"the champion answered {compared.comparison.incidents:,} of these incidents unseen: "
            f"too few to compare; {opponents.freshness or 'nothing is new since it was trained'}"
        )
        return _unless_rolled_back(Verdict(opponents.freshness is not None, (reason,)), opponents)
    verdict = _against(compared, opponents.freshness)
    if not compared.is_better:
        verdict = _unless_rolled_back(verdict, opponents)
    verdict = replace(verdict, comparisons=(compared.comparison,))
    return _joined(verdict, judge_slices(compared.answers, opponent.rows, ours.slices))


def _against(compared: _OpponentComparison, freshness: str | None) -> Verdict:
    if compared.is_better:
        return Verdict(True, (f"better than {compared}",))
    if not compared.is_no_worse:
        is_lower = compared.comparison.value < -TOLERATED_LOSS
        verb = "worse than" if is_lower else "too uncertain to call no worse than"
        return Verdict(False, (f"{verb} {compared}",))
    if freshness is None:
        reason = "nothing is new since the champion was trained, and it is not better beyond noise"
        return Verdict(False, (f"no worse than {compared}", reason))
    return Verdict(True, (f"no worse than {compared}", f"fresher: {freshness}"))


def _unless_rolled_back(verdict: Verdict, opponents: Opponents) -> Verdict:
    """Return the verdict of a challenger that is not known to be better beyond noise."""
    if opponents.rolled_back is None or not verdict.promoted:
        return verdict
    reason = (
        f"only a better one replaces a champion that was brought back ({opponents.rolled_back}), "
        "unless somebody promotes it"
    )
    return replace(verdict, promoted=False, reasons=(*verdict.reasons, reason))


def _beside_past(ours: Evaluation, past: Sequence[Opponent], ordered: bool) -> Verdict:
    """Compare with that champion of the past year that did best on what both were judged on."""
    compared = [
        _compare(ours, opponent, f"{_BEST} (version {opponent.version})", ordered)
        for opponent in past
        if len(np.unique(ours.copies[opponent.rows])) >= FEWEST_GROUPS
    ]
    if not compared:
        return Verdict(True, ())
    best = min(compared, key=lambda against: against.comparison.value)
    passed = best.is_better or best.is_no_worse
    reasons = () if passed else (f"worse than {best}, or too uncertain to call no worse",)
    return Verdict(passed, reasons, comparisons=(best.comparison,))


def _compare(ours: Evaluation, opponent: Opponent, name: str, ordered: bool) -> _OpponentComparison:
    answers = _answers(ours, opponent)
    gain = GainEstimate(0.0, 0.0, 0.0, error=0.0)
    if len(opponent.rows):
        gain = kappa_gain(answers) if ordered else accuracy_gain(answers)
    metric = "quadratic kappa" if ordered else "accuracy"
    comparison = Comparison(name, metric, len(opponent.rows), answers.groups, *gain.triple)
    return _OpponentComparison(comparison, answers, opponent.which)


def _answers(ours: Evaluation, opponent: Opponent) -> Answers:
    numbers = {label: number for number, label in enumerate(ours.classes)}
    # A label that the challenger does not know counts as one class more, and so as wrong.
    theirs = [numbers.get(label, len(numbers)) for label in opponent.predicted]
    return Answers(
        labels=ours.judged.labels[opponent.rows],
        ours=ours.judged.predicted[opponent.rows],
        theirs=np.array(theirs, dtype=np.int64),
        blocks=ours.judged.blocks[opponent.rows],
        copies=ours.copies[opponent.rows],
        classes=len(numbers) + 1,
    )


def _joined(*verdicts: Verdict) -> Verdict:
    """Return the verdicts as one, which lets pass what all of them let pass."""
    return Verdict(
        promoted=all(verdict.promoted for verdict in verdicts),
        reasons=tuple(reason for verdict in verdicts for reason in verdict.reasons),
        warnings=tuple(warning for verdict in verdicts for warning in verdict.warnings),
        comparisons=tuple(found for verdict in verdicts for found in verdict.comparisons),
    )
