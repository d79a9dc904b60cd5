"""Pair features: what they say of pairs that are easy to judge, and what they leave neutral."""

from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from factories import report

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder import HashingEncoder
from features.search.incident_index import IncidentIndex
from features.search.query import view_reports
from models.similarity.pair_features import FEATURES, pair_features
from models.similarity.pair_statistics import measure_statistics

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENCODER = HashingEncoder()

untimed = partial(report, opened_at=None)


PAST = [
    report(
        "copy",
        "card payments fail",
        "ORA-00600 at the gateway",
        service="Pay",
        opened_at=NOON - timedelta(days=1),
        attributes={"site": "Graz", "channel": "mail"},
    ),
    report(
        "rare",
        "gateway jammed",
        "of the tills in the shop",
        service="Shop",
        opened_at=NOON - timedelta(days=30),
        attributes={"site": "Wien", "channel": "mail"},
    ),
    untimed("bare", "printer is out of paper"),
    untimed("blank", ""),
    *(
        untimed(f"other-{n}", f"printer {word} fail")
        for n, word in enumerate(("jams", "hums", "ticks", "leaks", "blinks", "beeps"))
    ),
]
ASKED = report(
    "asked",
    "card payments fail",
    "ORA-00600 at the gateway",
    service="pay",
    opened_at=NOON,
    attributes={"site": "Graz", "channel": "mail"},
)


@pytest.fixture(scope="module")
def index() -> IncidentIndex:
    index = IncidentIndex(ENCODER)
    index.upsert([ResolvedIncident(report, Outcome()) for report in PAST])
    return index


def features_of(index: IncidentIndex, asked: IncidentReport) -> dict[str, dict[str, float]]:
    view = view_reports([asked], ENCODER)[0]
    candidates = index.candidates(view)
    features = pair_features(view, candidates, measure_statistics(index))
    assert features.shape == (len(candidates), len(FEATURES))
    assert features.dtype == np.float64
    assert np.isfinite(features).all()
    return {
        name: dict(zip(FEATURES, row.tolist(), strict=True))
        for name, row in zip(candidates.ids, features, strict=True)
    }


def test_copy_has_everything_in_common(index: IncidentIndex) -> None:
    copy = features_of(index, ASKED)["copy"]
    assert copy["text_cosine"] == pytest.approx(1, abs=0.02)
    assert copy["title_cosine"] == pytest.approx(1, abs=0.02)
    assert copy["shared_terms"] == pytest.approx(1)
    assert copy["same_signature"] == 1
    assert copy["same_service"] > 0.25
    assert copy["log_weeks_apart"] == pytest.approx(np.log(8 / 7))


def test_rare_shared_term_weighs_more_than_a_common_one(index: IncidentIndex) -> None:
    features = features_of(index, untimed("q", "gateway fail"))
    assert features["rare"]["rarest_term"] > features["other-0"]["rarest_term"] > 0
    assert features["blank"]["rarest_term"] == features["blank"]["shared_terms"] == 0


def test_fact_that_is_common_says_little(index: IncidentIndex) -> None:
    features = features_of(index, ASKED)
    assert (
        features["copy"]["same_facts"]
        > features["rare"]["same_facts"]
        > features["bare"]["same_facts"]
    )
    assert features["bare"]["same_facts"] == 0


def test_what_is_unknown_is_neutral(index: IncidentIndex) -> None:
    features = features_of(index, untimed("q", "card payments fail"))
    assert {row["same_service"] for row in features.values()} == {0}
    assert {row["same_facts"] for row in features.values()} == {0}
    assert len({row["log_weeks_apart"] for row in features.values()}) == 1


def test_unknown_time_of_a_candidate_lies_between_near_and_far(index: IncidentIndex) -> None:
    features = features_of(index, ASKED)
    far = np.log1p(1_000)
    assert features["copy"]["log_weeks_apart"] < features["bare"]["log_weeks_apart"] < far


def test_empty_report_resembles_nothing(index: IncidentIndex) -> None:
    view = view_reports([untimed("q", "")], ENCODER)[0]
    candidates = index.candidates(view_reports([ASKED], ENCODER)[0])
    features = pair_features(view, candidates, measure_statistics(index))
    for name in ("text_cosine", "title_cosine", "shared_terms", "rarest_term", "same_signature"):
        assert not features[:, FEATURES.index(name)].any()


def test_candidate_like_everything_is_common(index: IncidentIndex) -> None:
    features = features_of(index, untimed("q", "printer fail paper gateway tills"))
    assert features["other-0"]["commonness"] > features["rare"]["commonness"]


def test_no_candidates_have_no_features() -> None:
    empty = IncidentIndex(ENCODER)
    view = view_reports([ASKED], ENCODER)[0]
    features = pair_features(view, empty.candidates(view), measure_statistics(empty))
    assert features.shape == (0, len(FEATURES))
