"""Which model is built for a target."""

from models.classification.choice import ChoiceModel
from models.classification.severity import SeverityModel
from models.kinds import build_model


def test_levels_make_a_model_of_ordered_levels() -> None:
    model = build_model("fields.impact", levels=("low", "high"), encoder="hashing", seed=1)
    assert isinstance(model, SeverityModel)
    assert (model.target, model.levels, model.seed) == ("fields.impact", ("low", "high"), 1)
    assert isinstance(build_model("severity", levels=(), encoder="hashing", seed=1), ChoiceModel)


def test_the_cost_of_under_rating_is_the_model_s_own_unless_given() -> None:
    levels = ("low", "high")
    usual = build_model("severity", levels=levels, encoder="hashing", seed=0)
    model = build_model("severity", levels=levels, encoder="hashing", seed=0, under_rating_cost=3.0)
    assert usual.get_params() == SeverityModel(levels=levels, encoder="hashing").get_params()
    assert model.get_params() == usual.get_params() | {"under_rating_cost": 3.0}
