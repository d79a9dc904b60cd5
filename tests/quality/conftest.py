"""Makes what `make bench` is built of importable, and says why a test is skipped without data."""

import pytest


@pytest.fixture(scope="session")
def quality_home(tmp_path_factory):
    """A home with an empty cache of encodings, shared by the tests of a run."""
    from features.home import HomeSettings, open_home

    return open_home(HomeSettings(home=tmp_path_factory.mktemp("quality") / "home"))


@pytest.fixture(autouse=True)
def _needs_data():
    from data_sets import data_folder

    if not data_folder().is_dir():
        pytest.skip(f"no data: {data_folder()} does not exist; set PRECEDENT_DATA to its folder")
