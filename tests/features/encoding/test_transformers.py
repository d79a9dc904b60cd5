"""Transformers: what they learn from encoded reports, and how they encode new values."""

from collections.abc import Mapping

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import EncodedReports, encode_reports
from features.encoding.transformers import (
    FactIndicators,
    FactValues,
    SentenceVectors,
    TfidfWeights,
)

TITLES = ["disk full", "disk slow disk", "vpn down", "vpn slow", "disk down full"]


def titled(*titles: str) -> EncodedReports:
    reports = [IncidentReport(id=str(n), title=title) for n, title in enumerate(titles)]
    return encode_reports(reports, encoder="hashing", reads_characters=False)


def facts(*rows: Mapping[str, str]) -> EncodedReports:
    reports = [IncidentReport(id=str(n), attributes=row) for n, row in enumerate(rows)]
    return encode_reports(reports, encoder="hashing", reads_characters=False)


def test_weights_are_those_of_scikit_learn() -> None:
    ours = TfidfWeights(part="titles", min_reports=1).fit_transform(titled(*TITLES)).toarray()
    theirs = TfidfVectorizer(sublinear_tf=True).fit_transform(TITLES).toarray()
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, rtol=1e-5, atol=1e-6)
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1)


def test_rare_and_unseen_tokens_are_left_out() -> None:
    weights = TfidfWeights(part="titles", min_reports=2).fit(titled(*TITLES))
    assert len(weights.view_.columns) == 5
    assert weights.transform(titled("zebra", "")).nnz == 0
    assert TfidfWeights(part="titles", min_reports=3).fit(titled(*TITLES)).view_.width == 1


def test_view_without_tokens_has_no_columns() -> None:
    weights = TfidfWeights().fit(titled("", ""))
    assert weights.transform(titled("disk full")).shape == (1, 0)


def test_transforming_leaves_the_counts_alone() -> None:
    encoded = titled(*TITLES)
    before = encoded.titles.copy()
    TfidfWeights(part="titles", min_reports=1).fit_transform(encoded)
    assert (encoded.titles != before).nnz == 0


def test_values_seen_once_and_unseen_ones_share_an_indicator() -> None:
    learned = facts(*[{"site": "Graz"}] * 3, *[{"site": "Leeds"}] * 3, {"site": "Lyon"}, {})
    indicators = FactIndicators(scale=0.5).fit(learned)
    rows = indicators.transform(
        facts({"site": "Graz"}, {"site": "Lyon"}, {"site": "Atlantis"}, {}, {"moon": "full"})
    ).toarray()
    assert rows.shape == (5, 3)
    assert set(np.unique(rows)) == {0, 0.5}
    np.testing.assert_array_equal(rows[1], rows[2])
    assert not np.array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[3], rows[4])


def test_equal_values_of_different_facts_differ() -> None:
    learned = facts(*[{"site": "x", "zone": "y"}] * 2, *[{"site": "y", "zone": "x"}] * 2)
    indicators = FactIndicators().fit(learned)
    one, other = indicators.transform(facts({"site": "x"}, {"zone": "x"})).toarray()
    assert one.sum() == other.sum() == 0.5
    assert not np.array_equal(one, other)


def test_history_without_facts_has_no_indicators() -> None:
    indicators = FactIndicators().fit(titled(*TITLES))
    assert indicators.transform(facts({"site": "Graz"})).shape == (1, 0)


def test_many_numbers_are_ranges_too() -> None:
    learned = facts(*({"count": str(n), "impact": str(n % 3)} for n in range(100)))
    values = FactValues().fit(learned)
    assert values.view_.columns() == ["count", "impact", "count"]
    low, high, word, absent = values.transform(
        facts({"count": "-5"}, {"count": "1e6"}, {"count": "many"}, {})
    )
    assert low.tolist() == ["-5", "", "range 0"]
    assert high[2] == "range 15"
    assert word.tolist() == ["many", "", ""]
    assert absent.tolist() == ["", "", ""]


def test_codes_with_letters_have_no_ranges() -> None:
    learned = facts(*({"asset": f"LT-{n}"} for n in range(100)))
    assert FactValues().fit(learned).view_.columns() == ["asset"]


def test_infinite_numbers_are_survived() -> None:
    learned = facts(*({"count": str(n)} for n in range(100)), {"count": "inf"})
    assert FactIndicators().fit(learned).transform(learned).shape[0] == 101


def test_vectors_pass_through() -> None:
    encoded = titled(*TITLES)
    assert SentenceVectors().fit(encoded).transform(encoded) is encoded.vectors


def test_transformers_are_cloned_like_scikit_learns() -> None:
    assert clone(TfidfWeights(part="titles", min_reports=3)).get_params() == {
        "part": "titles",
        "min_reports": 3,
    }
    assert clone(FactIndicators(scale=0.2)).scale == 0.2
