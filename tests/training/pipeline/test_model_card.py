"""What a card tells of the data, and of what stands between a model and `auto`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.domain.history import History, Provenance
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import HomeSettings, open_home
from models.base.gate_verdict import Verdict
from models.base.model_card import Card, LabelNoise
from training.dataset.split import split_history
from training.dataset.targets import find_targets
from training.evaluation.learning_curve import LabelForecast
from training.pipeline.fit import fit_best_encoder
from training.pipeline.model_card import write_card
from training.plan import TrainingPlan

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = ("printer", "network")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    """The card of a model whose last ten incidents have no label, and whose titles are doubtful."""
    home = open_home(HomeSettings(home=tmp_path_factory.mktemp("account")))
    plan = TrainingPlan(home, "default", home.database_url, "hashing")
    past = History(
        tuple(
            ResolvedIncident(
                IncidentReport(str(n), FIRST + timedelta(hours=n), f"{NAMES[n % 2]} {n}"),
                Outcome(NAMES[n % 2] if n < 50 else None),
            )
            for n in range(60)
        ),
        provenance={"title": Provenance.UNKNOWN},
    )
    (target,), _ = find_targets(past)
    split = split_history(past)
    fitted = fit_best_encoder(past, target, split, plan, None)
    forecast = replace(
        fitted.forecast or LabelForecast("linear"), labels_until_auto=230, is_withheld=True
    )
    fitted = replace(fitted, forecast=forecast)
    noise = LabelNoise(0, 0.0, 50, None, 0, 0, None)
    return write_card(past, target, split, fitted, Verdict(True, ()), noise)


def test_its_data_end_with_the_last_incident_that_has_a_label(card: Card) -> None:
    assert card.cutoff == FIRST + timedelta(hours=49)


def test_no_number_of_labels_helps_where_certificates_are_withheld(card: Card) -> None:
    start = "auto is not possible yet: confirm `columns_known` in the mapping; then about 230"
    assert any(note.startswith(start) for note in card.notes)
    assert card.labels_until_auto is None
