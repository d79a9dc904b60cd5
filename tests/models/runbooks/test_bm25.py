"""BM25 scores that compare across queries."""

import numpy as np
import pytest

from models.runbooks.bm25 import BM25

DOCUMENTS = [["disk", "full", "disk"], ["disk", "slow"], ["printer", "jam"], []]


@pytest.fixture(scope="module")
def field() -> BM25:
    return BM25().fit(DOCUMENTS)


def test_rare_and_repeated_terms_count_more(field) -> None:
    assert field.score(["printer", "disk"]).argmax() == 2
    scores = field.score(["disk"])
    assert scores[0] > scores[1] > scores[2] == 0


def test_a_score_is_the_share_of_the_query_that_is_explained(field) -> None:
    alone, diluted = field.score(["jam"]), field.score(["jam", "unknown", "words"])
    assert np.flatnonzero(alone).tolist() == np.flatnonzero(diluted).tolist() == [2]
    assert diluted[2] < alone[2] / 2
    assert field.score(["jam", "jam"]).tolist() == alone.tolist()


def test_nothing_in_common_is_zero(field) -> None:
    assert field.score([]).tolist() == field.score(["moon"]).tolist() == [0, 0, 0, 0]


def test_no_documents_have_no_scores() -> None:
    assert BM25().fit([]).score(["disk"]).shape == (0,)


def test_the_share_of_a_text(field) -> None:
    words = {"disk", "jam"}
    assert field.share(words, ["disk", "jam", "other"]) == pytest.approx(1)
    assert field.share(words, ["jam"]) > field.share(words, ["disk"]) > field.share(words, []) == 0
    assert field.share(set(), ["disk"]) == 0
