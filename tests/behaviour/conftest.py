"""Models of the synthetic company's first incidents, fitted once a session."""

import pytest

from models.classification.calibrated_model import CalibratedModel
from models.kinds import build_model
from training.demo.incidents import DemoCompany, generate_company


def _fit(company: DemoCompany, target: str) -> CalibratedModel:
    levels = company.severity_levels if target == "severity" else ()
    model = build_model(target, levels=levels, encoder="hashing", seed=0)
    return model.fit(company.incidents)


@pytest.fixture(scope="session")
def company() -> DemoCompany:
    return generate_company(incidents=480)


@pytest.fixture(scope="session")
def category_model(company: DemoCompany) -> CalibratedModel:
    return _fit(company, "category")


@pytest.fixture(scope="session")
def severity_model(company: DemoCompany) -> CalibratedModel:
    return _fit(company, "severity")
