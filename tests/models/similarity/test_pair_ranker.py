"""The ranker and its calibration: shipped without links, moved by them, honest in their odds."""

from dataclasses import replace

import numpy as np
import pytest

from models.similarity.pair_features import FEATURES
from models.similarity.pair_ranker import (
    SHIPPED_CUTOFF,
    SHIPPED_RATE,
    SHIPPED_WEIGHTS,
    UNLABELLED_CEILING,
    PairRanker,
    RelatednessCalibration,
)
from models.similarity.stranger_cohort import StrangerPairs
from models.similarity.training_pairs import LabelledQuery

TEXT, SERVICE, WEEKS = (
    FEATURES.index(name) for name in ("text_cosine", "same_service", "log_weeks_apart")
)


def no_strangers(count: int) -> StrangerPairs:
    return StrangerPairs(np.empty((0, len(FEATURES))), np.empty((count, 0), dtype=np.bool_))


def strangers(scores: list[float], near: list[list[bool]]) -> StrangerPairs:
    """Return strangers with these scores under the shipped weights."""
    features = np.zeros((len(scores), len(FEATURES)))
    features[:, TEXT] = np.array(scores) / SHIPPED_WEIGHTS["text_cosine"]
    return StrangerPairs(features, np.array(near, dtype=np.bool_))


def query(
    number: int,
    *,
    has_relative: bool | None = True,
    decisive: int = TEXT,
    strength: float = 0.5,
    group: int | None = None,
) -> LabelledQuery:
    """Return a query of 30 candidates whose relative, if any, stands out in one feature."""
    generator = np.random.default_rng(number)
    features = np.abs(generator.normal(0.2, 0.1, (30, len(FEATURES))))
    features[:, WEEKS] += 4
    is_relative = np.zeros(30, dtype=np.bool_)
    if has_relative:
        is_relative[number % 30] = True
        features[number % 30, decisive] += strength
    return LabelledQuery(
        id=str(number),
        group=number if group is None else group,
        features=features,
        strangers=no_strangers(len(features)),
        is_relative=is_relative,
        has_relative=has_relative,
    )


def weight(ranker: PairRanker, name: str) -> float:
    return float(ranker.weights_[FEATURES.index(name)])


def test_every_feature_has_a_shipped_weight() -> None:
    assert tuple(SHIPPED_WEIGHTS) == FEATURES


def test_ships_with_weights_that_need_no_link() -> None:
    unlinked = [query(n, has_relative=False) for n in range(5)]
    for queries in ([], unlinked):
        assert PairRanker().fit(queries).weights_.tolist() == list(SHIPPED_WEIGHTS.values())


def test_score_is_the_weighted_sum_of_features() -> None:
    scores = PairRanker().fit([]).score(np.eye(len(FEATURES)))
    assert scores.tolist() == list(SHIPPED_WEIGHTS.values())


def test_weights_move_with_each_link() -> None:
    weights = [
        weight(
            PairRanker().fit([query(n, decisive=SERVICE, strength=1) for n in range(count)]),
            "same_service",
        )
        for count in (0, 5, 50, 200)
    ]
    assert (np.diff(weights) > 0).all()


def test_what_was_learned_ranks_unseen_queries_better() -> None:
    learned = PairRanker().fit([query(n, decisive=SERVICE, strength=1.5) for n in range(200)])
    unseen = [query(n, decisive=SERVICE, strength=1.5) for n in range(1000, 1100)]

    def right(ranker: PairRanker) -> int:
        return sum(
            bool(query.is_relative[ranker.score(query.features).argmax()]) for query in unseen
        )

    assert right(learned) > right(PairRanker().fit([])) + 20


def test_storm_of_one_cause_counts_as_one() -> None:
    lone = PairRanker().fit([query(1, decisive=SERVICE)])
    storm = PairRanker().fit([query(1, decisive=SERVICE, group=7)] * 100)
    np.testing.assert_allclose(storm.weights_, lone.weights_, rtol=1e-3)


def test_fit_is_deterministic_and_forgets() -> None:
    queries = [query(n) for n in range(30)]
    ranker = PairRanker().fit([query(n, decisive=SERVICE) for n in range(100)])
    assert ranker.fit(queries).weights_.tolist() == PairRanker().fit(queries).weights_.tolist()


def with_equal_texts(calibration: RelatednessCalibration, odds: np.ndarray) -> np.ndarray:
    return calibration.predict(odds, np.ones(len(odds)))


def relatedness(scores: list[float], against: StrangerPairs | None = None) -> np.ndarray:
    """Return the relatedness of candidates with these scores, by the shipped constants."""
    ranker = PairRanker().fit([])
    features = strangers(scores, []).features
    odds = ranker.odds(features, no_strangers(len(scores)) if against is None else against)
    return with_equal_texts(RelatednessCalibration().fit(ranker, []), odds)


def test_relatedness_rises_with_the_score_and_falls_with_those_of_strangers() -> None:
    assert (np.diff(relatedness([14, 8, 6])) < 0).all()
    near = [[False, False, False]]
    alone, against = relatedness([17]), relatedness([17], strangers([16.5, 16.5, 6], near))
    assert alone[0] > 0.9 > 0.6 > against[0]


def test_without_a_cohort_a_candidate_is_compared_with_the_fixed_stranger() -> None:
    assert relatedness([3.0])[0] < 0.1
    assert relatedness([17.0])[0] > 0.9


def test_members_near_a_candidate_are_no_strangers_to_it() -> None:
    near = [[True, True, False], [False, False, False]]
    related = relatedness([14, 14], strangers([13.8, 13.7, 6], near))
    assert related[0] == pytest.approx(relatedness([14])[0], abs=0.01)
    assert related[1] < related[0] - 0.1


def test_a_candidate_that_is_a_member_has_no_advantage_over_one_that_is_none() -> None:
    near = [[True, False, False], [False, False, False]]
    member, other = relatedness([16, 16], strangers([16, 12, 6], near))
    assert member == other


def test_a_candidate_is_related_the_same_whatever_others_there_are() -> None:
    generator = np.random.default_rng(0)
    scores, members = generator.normal(9, 2, 33).tolist(), generator.normal(7, 1, 50).tolist()
    near = generator.random((33, 50)) < 0.1
    together = relatedness(scores, strangers(members, near))
    for row in range(33):
        alone = relatedness(scores[row : row + 1], strangers(members, near[row : row + 1]))
        assert alone[0] == together[row]


def test_probabilities_follow_the_labels() -> None:
    queries = [query(n, has_relative=n % 4 == 0, strength=0.4) for n in range(800)]
    ranker = PairRanker().fit(queries)
    calibration = RelatednessCalibration().fit(ranker, queries)
    fresh = [query(n, has_relative=n % 4 == 0, strength=0.4) for n in range(5000, 5800)]
    odds_of = [ranker.odds(query.features, query.strangers) for query in fresh]
    right = [query.is_relative[odds.argmax()] for query, odds in zip(fresh, odds_of, strict=True)]
    best = np.array([with_equal_texts(calibration, odds).max() for odds in odds_of])
    assert best.mean() == pytest.approx(np.mean(right), abs=0.05)
    shown = best >= calibration.cutoff_
    assert np.mean(np.array(right)[shown]) >= 0.75


def test_a_stranger_is_unrelated_even_where_every_report_has_a_relative() -> None:
    queries = [query(n, strength=1.0) for n in range(300)]
    ranker = PairRanker().fit(queries)
    calibration = RelatednessCalibration().fit(ranker, queries)
    fresh = [query(n, has_relative=False) for n in range(5000, 5100)]
    odds = [ranker.odds(one.features, one.strangers).max() for one in fresh]
    assert with_equal_texts(calibration, np.array(odds)).mean() < 0.2
    assert (with_equal_texts(calibration, np.array(odds)) >= calibration.cutoff_).mean() < 0.1


def unlinked(count: int, share: float) -> list[LabelledQuery]:
    queries = [query(n, has_relative=n < share * count, strength=1.0) for n in range(count)]
    return [
        replace(query, is_relative=np.zeros(30, dtype=np.bool_), has_relative=None)
        for query in queries
    ]


def test_rate_is_estimated_without_any_label() -> None:
    ranker = PairRanker().fit([])
    rare, usual = (
        RelatednessCalibration().fit(ranker, unlinked(300, share)).intercept_
        for share in (0.05, 0.8)
    )
    shipped = RelatednessCalibration().fit(ranker, []).intercept_
    assert rare < shipped < usual


def test_few_unlabelled_queries_hardly_move_the_rate() -> None:
    ranker = PairRanker().fit([])
    shipped = RelatednessCalibration().fit(ranker, []).intercept_
    few = RelatednessCalibration().fit(ranker, unlinked(2, 0.0)).intercept_
    assert few == pytest.approx(shipped, abs=0.5)


def test_queries_count_by_their_weight() -> None:
    ranker = PairRanker().fit([])
    queries = [query(n, has_relative=n % 2 == 0, strength=0.4) for n in range(200)]
    heavy = [replace(query, weight=20 - 19 * (n % 2 == 0)) for n, query in enumerate(queries)]
    equal, rare = (RelatednessCalibration().fit(ranker, some) for some in (queries, heavy))
    assert with_equal_texts(rare, np.array([2.0])) < with_equal_texts(equal, np.array([2.0]))


def test_cutoff_is_shipped_until_queries_tell() -> None:
    assert (
        RelatednessCalibration().fit(PairRanker().fit([]), []).cutoff_
        == UNLABELLED_CEILING * SHIPPED_CUTOFF
    )
    assert 0 < SHIPPED_RATE < 1


def test_cutoff_rises_with_the_precision_that_is_asked_for() -> None:
    queries = [query(n, has_relative=n % 2 == 0, strength=0.4) for n in range(400)]
    ranker = PairRanker().fit(queries)
    cutoffs = [
        RelatednessCalibration(precision=precision).fit(ranker, queries).cutoff_
        for precision in (0.6, 0.8, 0.95)
    ]
    assert cutoffs == sorted(cutoffs)


def test_nothing_but_the_sure_is_shown_where_the_best_are_seldom_right() -> None:
    queries = [query(n, has_relative=n % 2 == 0, strength=0.25) for n in range(400)]
    ranker = PairRanker().fit([])
    calibration = RelatednessCalibration(precision=0.97).fit(ranker, queries)
    assert calibration.cutoff_ > SHIPPED_CUTOFF


def test_query_without_candidates_is_no_news() -> None:
    nothing = np.zeros(0, dtype=np.bool_)
    empty = replace(
        query(0, has_relative=False),
        features=np.empty((0, len(FEATURES))),
        strangers=no_strangers(0),
        is_relative=nothing,
    )
    ranker = PairRanker().fit([empty])
    assert (
        RelatednessCalibration().fit(ranker, [empty]).cutoff_ == UNLABELLED_CEILING * SHIPPED_CUTOFF
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("score", [44.0, 60.0, 1_000.0])
def test_a_candidate_far_above_all_strangers_is_certain_without_a_warning(score: float) -> None:
    related = relatedness([score, 3.0], strangers([score - 80], [[False], [True]]))
    assert related[0] == pytest.approx(1.0, abs=1e-8)


@pytest.mark.filterwarnings("error")
def test_learns_from_queries_whose_best_candidate_is_far_above_all_others() -> None:
    queries = [query(n, strength=50.0) for n in range(10)]
    calibration = RelatednessCalibration().fit(PairRanker().fit([]), queries)
    assert np.isfinite([calibration.slope_, calibration.intercept_]).all()


def test_without_labels_only_nearly_equal_texts_are_surely_related() -> None:
    calibration = RelatednessCalibration().fit(PairRanker().fit([]), [])
    odds = np.full(3, 20.0)
    related = calibration.predict(odds, np.array([0.7, 0.9, 0.96]))
    assert related.tolist() == pytest.approx(
        [UNLABELLED_CEILING, UNLABELLED_CEILING, 1.0], abs=1e-4
    )


def test_labels_say_how_surely_different_texts_are_related() -> None:
    queries = [query(n, has_relative=n % 2 == 0, strength=1.0) for n in range(200)]
    calibration = RelatednessCalibration().fit(PairRanker().fit(queries), queries)
    assert calibration.predict(np.array([20.0]), np.array([0.5]))[0] > UNLABELLED_CEILING
