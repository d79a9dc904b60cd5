"""Monitoring reports of a store that a test fills."""

import shutil

import pytest
from monitored_store import fill_bad_month, fill_quiet_month

from features.home import HomeSettings, open_home
from features.store.store import open_store
from models.artifacts.registry import ModelRegistry
from models.lifecycle.promotion import promote
from training.monitoring.report import build_report


@pytest.fixture(scope="session")
def monitored_home(tmp_path_factory, three_versions, empty_store):
    """A home with a champion that learned until February."""
    home = open_home(HomeSettings(home=tmp_path_factory.mktemp("monitored")))
    shutil.copy(three_versions.root / "mlflow.db", home.root / "mlflow.db")
    shutil.copy(empty_store, home.root / "precedent.db")
    with open_store(home.database_url) as store:
        promote("category", "1", home=home, tenant="default", store=store, actor="a", reason="")
    return home


@pytest.fixture(scope="session")
def report_of(monitored_home, empty_store):
    """Reports on a store with what a test puts into it, in the one home."""

    def report_of_store(fill, **options):
        shutil.copy(empty_store, monitored_home.root / "precedent.db")
        with open_store(monitored_home.database_url) as store:
            fill(store)
            registry = ModelRegistry(monitored_home.tracking_uri, "default")
            return build_report(store, registry, monitored_home, "hashing", **options)

    return report_of_store


@pytest.fixture(scope="session")
def quiet_report(report_of):
    return report_of(fill_quiet_month)


@pytest.fixture(scope="session")
def bad_report(report_of):
    return report_of(fill_bad_month)
