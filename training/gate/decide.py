"""Decides whether a challenger is better than the champion, or no worse and fresher."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.formatting import counted, interval
from models.base.gate_verdict import Comparison, Verdict
from models.classification.scorers.scorer import Rows
from models.statistics.sign_flip_test import sign_flip_p_value
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import (
    Metric,
    accuracy,
    compare,
    log_loss,
    macro_f1,
    quadratic_kappa,
    take_rows,
)
from training.gate.opponents import FEWEST_GROUPS, FEWEST_LATER_GROUPS, LATER, Opponent, Opponents
from training.gate.paired_bootstrap import Answers, GainEstimate, accuracy_gain, kappa_gain
from training.gate.slice_veto import judge_slices

TOLERATED_LOSS = 0.005
"""The largest measured loss of a challenger that counts as no worse: half a point."""

TOLERATED_BOUND = 0.0075
"""The largest loss that the 95% interval may include; see tests/benchmarks/gate_simulation.py."""

_LATER_ERROR = 0.005

_MAIN_FIGURES: Mapping[str, Metric] = {"accuracy": accuracy, "macro F1": macro_f1}
_MAIN_FIGURES_OF_LEVELS: Mapping[str, Metric] = {
    "quadratic kappa": quadratic_kappa,
    **_MAIN_FIGURES,
}
_BASELINE = "the most frequent label"
_BEST = "the best champion of the past year"


@dataclass(frozen=True, slots=True)
class _OpponentComparison:
    """A comparison with another version, and whether the challenger passes it.

    `which` says on which incidents the two were compared.
    """

    comparison: Comparison
    answers: Answers
    which: str

    @property
    def is_better(self) -> bool:
        """Whether the 95% interval of the difference lies above zero."""
        return self.comparison.low > 0

    @property
    def is_no_worse(self) -> bool:
        """Whether the measured loss and the interval's largest loss are both tolerated."""
        return self.comparison.value >= -TOLERATED_LOSS and self.comparison.low >= -TOLERATED_BOUND

    def p_value(self) -> float:
        """Return the p-value of the challenger being right more often than the other version."""
        answers = self.answers
        leads = (answers.ours == answers.labels).astype(np.int64) - (
            answers.theirs == answers.labels
        )
        _, units = np.unique(answers.units, return_inverse=True)
        return sign_flip_p_value(np.bincount(units, leads).astype(np.int64).tolist())

    def __str__(self) -> str:
        result = self.comparison
        incidents = counted(result.incidents, "incident")
        return (
            f"{result.name} on {incidents} {self.which}: difference in {result.metric} "
            f"{result.value:+.4f}, 95% interval {interval(result.low, result.high, '+.4f')}"
        )


def judge_challenger(ours: Evaluation, opponents: Opponents, *, ordered: bool) -> Verdict:
    """Compare a challenger with the baseline, the champion and the best champion of the past year.

    The log loss of a first version must be better than the baseline's beyond noise: the 95%
    interval of the difference excludes zero, on all held-out incidents or on those of the newest
    period. With a champion it is enough that it is not worse beyond noise, since a champion that is
    out of date does more harm. In the newest period no version may be worse beyond noise. Without a
    champion, its accuracy, its macro F1 and for `ordered` labels its quadratically weighted kappa
    may not be below the baseline's beyond noise. It replaces the champion if it is better beyond
    noise, or if it is no worse and fresher. No worse means: measured at most half a point worse,
    and the 95% interval excludes a loss of more than three quarters of a point. By the same rule it
    may not be worse than the best champion of the past year, since many small losses add up; after
    a change the past counts no longer, so a challenger that is more often right on what came since
    the champion's data ended (p-value at most .005) is not compared with earlier champions, and if
    these incidents are too few for all comparisons, it replaces the champion by this alone. Its
    accuracy may not be significantly more than two points below the champion's on any slice with at
    least 100 groups of near-copies. Apart from slices, accuracy is compared, or for `ordered`
    labels the quadratically weighted kappa, on at least 100 groups of near-copies, after a found
    change of what came since; with fewer groups, a fresher challenger replaces the champion unless
    it is worse beyond noise on 20 groups or more. After a rollback, only a better challenger
    replaces the champion, so that a challenger that is only fresher does not undo the rollback.
    """
    baseline_verdict = _judge_by_baseline(ours, is_first=opponents.champion is None)
    if opponents.champion is None:
        baseline_verdict = _join_verdicts(baseline_verdict, _judge_main_figures(ours, ordered))
    if not baseline_verdict.promoted or opponents.champion is None:
        reasons = baseline_verdict.reasons
        if baseline_verdict.promoted and not opponents.warnings:
            reasons = (*reasons, "there was no champion before")
        return replace(baseline_verdict, reasons=reasons, warnings=opponents.warnings)
    return _join_verdicts(
        baseline_verdict,
        _judge_by_champions(ours, opponents.champion, opponents, ordered),
        Verdict(True, (), warnings=opponents.warnings),
    )


def _judge_by_baseline(ours: Evaluation, *, is_first: bool) -> Verdict:
    verdict = _compare_with_baseline(ours, np.arange(len(ours.rows)), "", is_first=is_first)
    if ours.is_newest is None or not ours.is_newest.any():
        return verdict
    newest = np.flatnonzero(ours.is_newest)
    now = _compare_with_baseline(ours, newest, " in the newest period", is_first=is_first)
    is_worse_now = now.comparisons[0].high < 0
    if is_worse_now or (now.promoted and not verdict.promoted):
        return replace(now, comparisons=verdict.comparisons + now.comparisons)
    return verdict


def _compare_with_baseline(ours: Evaluation, rows: Rows, which: str, *, is_first: bool) -> Verdict:
    gain = compare(log_loss, take_rows(ours.baseline, rows), take_rows(ours.judged, rows))
    comparison = Comparison(
        f"{_BASELINE}{which}", "log loss saved", len(rows), ours.count_groups(rows), *gain.triple
    )
    bounds = interval(gain.low, gain.high, "+.3f")
    figures = f"gain in log loss {gain.value:+.3f}, 95% interval {bounds}"
    is_passed = gain.low > 0 or (not is_first and gain.high >= 0)
    result = "better" if gain.low > 0 else "no worse" if is_passed else "not better"
    reason = f"{result} than the baseline{which}: {figures}"
    return Verdict(is_passed, (reason,), comparisons=(comparison,))


def _judge_main_figures(ours: Evaluation, ordered: bool) -> Verdict:
    """Refuse a first version with a main figure that is below the baseline's beyond noise."""
    metrics = _MAIN_FIGURES_OF_LEVELS if ordered else _MAIN_FIGURES
    gains = {name: compare(metric, ours.judged, ours.baseline) for name, metric in metrics.items()}
    reasons = tuple(
        f"below the baseline: {name} {gain.value:+.3f}, 95% interval "
        f"{interval(gain.low, gain.high, '+.3f')}"
        for name, gain in gains.items()
        if gain.high < 0
    )
    return Verdict(not reasons, reasons)


def _judge_by_champions(
    ours: Evaluation, champion: Opponent, opponents: Opponents, ordered: bool
) -> Verdict:
    later = _compare(ours, opponents.later or champion, _name(champion), ordered)
    is_proven = later.which == LATER and later.is_better and later.p_value() <= _LATER_ERROR
    if is_proven and opponents.later is not None:
        return Verdict(True, (f"better than {later}",), comparisons=(later.comparison,))
    verdict = _judge_by_champion(ours, champion, opponents, ordered)
    if is_proven:
        return verdict
    return _join_verdicts(verdict, _judge_by_past_champions(ours, opponents.past, ordered))


def _name(champion: Opponent) -> str:
    return f"the champion (version {champion.version})"


def _judge_by_champion(
    ours: Evaluation, opponent: Opponent, opponents: Opponents, ordered: bool
) -> Verdict:
    result = _compare(ours, opponent, _name(opponent), ordered)
    if result.comparison.groups < FEWEST_GROUPS:
        few = _compare(ours, opponents.later or opponent, _name(opponent), ordered)
        if few.comparison.groups >= FEWEST_LATER_GROUPS and few.comparison.high < 0:
            return Verdict(False, (f"worse than {few}",), comparisons=(few.comparison,))
        reason = (
            f"too few incidents to compare with the champion: {result.comparison.incidents:,} that "
            f"it had not seen; {opponents.freshness or 'nothing is new since it was trained'}"
        )
        return _refuse_after_rollback(
            Verdict(opponents.freshness is not None, (reason,)), opponents
        )
    verdict = _judge_comparison(result, opponents.freshness)
    if not result.is_better:
        verdict = _refuse_after_rollback(verdict, opponents)
    verdict = replace(verdict, comparisons=(result.comparison,))
    return _join_verdicts(verdict, judge_slices(result.answers, opponent.rows, ours.slices))


def _judge_comparison(result: _OpponentComparison, freshness: str | None) -> Verdict:
    if result.is_better:
        return Verdict(True, (f"better than {result}",))
    if not result.is_no_worse:
        return Verdict(False, (_explain_refusal(result),))
    if freshness is None:
        reason = "nothing is new since the champion was trained, and it is not better beyond noise"
        return Verdict(False, (f"no worse than {result}", reason))
    return Verdict(True, (f"no worse than {result}", f"fresher: {freshness}"))


def _explain_refusal(result: _OpponentComparison) -> str:
    if result.comparison.value < -TOLERATED_LOSS:
        return f"worse than {result}"
    return f"too uncertain whether it is worse than {result}"


def _refuse_after_rollback(verdict: Verdict, opponents: Opponents) -> Verdict:
    """Refuse a challenger that is not better beyond noise if the champion came from a rollback."""
    if opponents.rolled_back is None or not verdict.promoted:
        return verdict
    reason = (
        f"after a rollback ({opponents.rolled_back}) the champion is replaced only by a better "
        "challenger, or by hand"
    )
    return replace(verdict, promoted=False, reasons=(*verdict.reasons, reason))


def _judge_by_past_champions(ours: Evaluation, past: Sequence[Opponent], ordered: bool) -> Verdict:
    """Compare with the past year's best champion, on the incidents held out from both."""
    results = [
        _compare(ours, opponent, f"{_BEST} (version {opponent.version})", ordered)
        for opponent in past
        if ours.count_groups(opponent.rows) >= FEWEST_GROUPS
    ]
    if not results:
        return Verdict(True, ())
    best = min(results, key=lambda result: result.comparison.value)
    is_passed = best.is_better or best.is_no_worse
    reasons = () if is_passed else (_explain_refusal(best),)
    return Verdict(is_passed, reasons, comparisons=(best.comparison,))


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
    # Labels that the challenger does not know share one extra number, so they count as wrong.
    theirs = [numbers.get(label, len(numbers)) for label in opponent.predicted]
    return Answers(
        labels=ours.judged.labels[opponent.rows],
        ours=ours.judged.predicted[opponent.rows],
        theirs=np.array(theirs, dtype=np.int64),
        blocks=ours.judged.blocks[opponent.rows],
        copies=ours.copies[opponent.rows],
        classes=len(numbers) + 1,
    )


def _join_verdicts(*verdicts: Verdict) -> Verdict:
    """Return one verdict, which promotes the challenger if all of the verdicts do."""
    return Verdict(
        promoted=all(verdict.promoted for verdict in verdicts),
        reasons=tuple(reason for verdict in verdicts for reason in verdict.reasons),
        warnings=tuple(warning for verdict in verdicts for warning in verdict.warnings),
        comparisons=tuple(result for verdict in verdicts for result in verdict.comparisons),
    )
