"""Loads the fixtures that all tests share, in the processes that run tests."""

import pytest

collect_ignore = ["support/vulture_allowed.py"]  # names to compare with, which are not defined


def pytest_configure(config: pytest.Config) -> None:
    """Import what takes seconds only where tests run: not where workers are told what to run."""
    if not config.getoption("numprocesses", default=None):
        config.pluginmanager.import_plugin("shared_fixtures")
