"""Evidence: the weights add up to the linear expert's margin, and name what the report says."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from features.encoding.encoded import encode_reports
from features.incident.report import IncidentReport, Outcome, ResolvedIncident
from models.choice import ChoiceModel
from models.evidence import _contributions

GROUPS = ("Network", "Printing", "Mail")
WORDS = ("vpn tunnel", "toner printer", "mailbox full")


def make_examples(groups: int) -> list[ResolvedIncident]:
    rng = np.random.default_rng(0)
    return [
        ResolvedIncident(
            IncidentReport(
                id=f"INC{n}",
                title=f"{WORDS[n % groups]} trouble {rng.integers(99)}",
                attributes={"site": ("Graz", "Leeds", "Lyon")[n % groups], "floor_no": "1"},
            ),
            Outcome(category=GROUPS[n % groups]),
        )
        for n in range(45)
    ]


@pytest.fixture(scope="module", params=[2, 3], ids=["two classes", "three classes"])
def model(request: pytest.FixtureRequest) -> ChoiceModel:
    return ChoiceModel(encoder="hashing").fit(make_examples(request.param))


def test_contributions_add_up_to_the_margin(model: ChoiceModel) -> None:
    reports = [example.report for example in make_examples(len(model.classes_))[:6]]
    encoded = encode_reports(reports, encoder="hashing", reads_characters=True)
    expert = model.pool_.experts_["linear"]
    trust = model.pool_.pool_.weights_[list(model.pool_.experts_).index("linear")]
    chosen = np.arange(6) % len(model.classes_)
    blocks = _contributions(model.pool_, encoded, chosen)
    totals = sum(np.asarray(csr_array(block).sum(axis=1)).ravel() for block in blocks.values())
    margins = expert.decision_function(encoded)
    if margins.ndim == 1:
        margins = np.column_stack([-margins, margins])
        intercepts = np.concatenate([-expert["classify"].intercept_, expert["classify"].intercept_])
    else:
        intercepts = expert["classify"].intercept_
    wanted = trust * (margins[np.arange(6), chosen] - intercepts[chosen])
    np.testing.assert_allclose(totals, wanted, rtol=1e-4, atol=1e-6)


def test_telling_words_and_facts_lead(model: ChoiceModel) -> None:
    report = IncidentReport(id="x", title="vpn tunnel gone", attributes={"site": "Graz"})
    (answer,) = model.predict([report])
    assert answer.label == "Network"
    assert answer.evidence.tokens[0].token in {"vpn", "tunnel", "vpn tunnel"}
    assert answer.evidence.tokens[0].weight > 0
    (site,) = answer.evidence.fields
    assert (site.field, site.value) == ("site", "Graz")
    assert site.weight > 0


def test_strongest_come_first_and_few_are_shown(model: ChoiceModel) -> None:
    text = "vpn tunnel toner printer trouble vpn trouble printer tunnel toner 5 7 9 11"
    (answer,) = model.predict([IncidentReport(id="x", title=text)])
    strengths = [abs(token.weight) for token in answer.evidence.tokens]
    assert strengths == sorted(strengths, reverse=True)
    assert 1 <= len(strengths) <= 8
    assert len(answer.evidence.exemplars) == 3


def test_exemplars_are_nearest_first_with_their_own_labels(model: ChoiceModel) -> None:
    (answer,) = model.predict([IncidentReport(id="x", title="toner printer trouble")])
    near = answer.evidence.exemplars
    assert near[0].label == "Printing"
    assert [one.similarity for one in near] == sorted((o.similarity for o in near), reverse=True)


def test_unknown_words_argue_for_nothing(model: ChoiceModel) -> None:
    (answer,) = model.predict([IncidentReport(id="x", title="zebra quagga")])
    assert not {"zebra", "quagga"} & {token.token for token in answer.evidence.tokens}
