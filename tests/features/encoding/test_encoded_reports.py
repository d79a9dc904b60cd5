"""Reports in several views."""

import numpy as np
import pytest

from features.domain.report import IncidentReport
from features.encoding.encoded_reports import (
    EncodedReports,
    encode_reports,
)
from features.encoding.token_counts import TOKEN_COLUMNS

REPORTS = [
    IncidentReport(id="1", title="Disk full", description="disk full on node", service="erp"),
    IncidentReport(id="2"),
    IncidentReport(id="3", title="VPN", source="mail", attributes={"site": "Graz", "floor": ""}),
]


@pytest.fixture
def encoded() -> EncodedReports:
    return encode_reports(REPORTS, encoder="hashing", reads_characters=True)


def test_every_view_has_a_row_per_report(encoded: EncodedReports) -> None:
    assert len(encoded) == 3
    assert encoded.words.shape == encoded.titles.shape == (3, TOKEN_COLUMNS)
    assert encoded.characters.shape == (3, TOKEN_COLUMNS)
    assert encoded.vectors.shape == (3, 64)
    np.testing.assert_array_equal(encoded.words.sum(axis=1) > 0, [True, False, True])


def test_words_and_pairs_are_counted(encoded: EncodedReports) -> None:
    # "Disk full. disk full on node" has six words and five pairs, "full disk" among them.
    assert encoded.words[[0]].sum() == 11
    assert encoded.titles[[0]].sum() == 2
    assert encoded.words[[0]].max() == 2


def test_facts_are_those_that_are_known(encoded: EncodedReports) -> None:
    assert encoded.facts == ({"service": "erp"}, {}, {"source": "mail", "site": "Graz"})


def test_characters_are_optional(encoded: EncodedReports) -> None:
    without = encode_reports(REPORTS, encoder="hashing", reads_characters=False)
    assert encoded.characters.nnz > 0 == without.characters.nnz
    assert (without.words != encoded.words).nnz == 0


def test_only_the_beginning_is_read_by_characters() -> None:
    long = IncidentReport(id="1", description="word " * 100 + "end")
    longer = IncidentReport(id="1", description="word " * 100 + "end zebra")
    pair = encode_reports([long, longer], encoder="hashing", reads_characters=True)
    assert (pair.characters[[0]] != pair.characters[[1]]).nnz == 0
    assert (pair.words[[0]] != pair.words[[1]]).nnz > 0


def test_rows_are_taken_in_every_view(encoded: EncodedReports) -> None:
    taken = encoded.take(np.array([2, 0]))
    assert taken.facts == (encoded.facts[2], encoded.facts[0])
    np.testing.assert_array_equal(taken.vectors, encoded.vectors[[2, 0]])
    for view in ("words", "titles", "characters"):
        assert (getattr(taken, view) != getattr(encoded, view)[[2, 0]]).nnz == 0


def test_order_and_company_of_reports_do_not_matter(encoded: EncodedReports) -> None:
    (alone,) = encode_reports(REPORTS[2:], encoder="hashing", reads_characters=True).facts
    assert alone == encoded.facts[2]
    turned = encode_reports(REPORTS[::-1], encoder="hashing", reads_characters=True)
    assert (turned.words[[2, 1, 0]] != encoded.words).nnz == 0
