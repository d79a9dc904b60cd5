"""Loads the fixtures that all tests share, in the processes that run tests."""

import importlib
import sys
from importlib.abc import MetaPathFinder

import pytest

collect_ignore = ["support/vulture_allowed.py"]  # names to compare with, which are not defined


def pytest_configure(config: pytest.Config) -> None:
    """Import what takes seconds only where tests run: not where workers are told what to run."""
    if not config.getoption("numprocesses", default=None):
        _import_skops()
        config.pluginmanager.import_plugin("shared_fixtures")


def _import_skops() -> None:
    """Import skops without torch: it walks all of scikit-learn, whose modules for torch import it.

    Both take seconds. The walk passes over what cannot be imported.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "meta_path", [_NoTorch(), *sys.meta_path])
        importlib.import_module("skops.io")


class _NoTorch(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname == "torch":
            raise ModuleNotFoundError(name=fullname)
