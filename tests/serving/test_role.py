"""What only training installs is not needed to serve."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from fakes import TRUSTED_WITH_TOY

ROOT = Path(__file__).parents[2]
# Serving is moving away from these; each one that is gone is deleted here.
STILL_IMPORTED = {"joblib", "sklearn", "skops", "torch"}
NEVER_SERVED = {"joblib", "mlflow", "sentence_transformers", "sklearn", "skops", "torch"}
PROGRAM = """
import sys
for name in {absent!r}:
    sys.modules[name] = None
import serving.app
from models.artifacts.registry import ModelRegistry
registry = ModelRegistry({uri!r}, "default", trusted={trusted!r})
registry.load(registry.challengers()["category"])
print(*sorted(name for name in {unwanted!r} if sys.modules.get(name)))
"""


def training_packages() -> set[str]:
    """The names by which the libraries of the training extra are imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {
        line.split(">")[0].split("=")[0] for line in project["optional-dependencies"]["training"]
    }
    return {
        package
        for package, distributions in packages_distributions().items()
        if extra & {name.lower().replace("_", "-") for name in distributions}
    }


@pytest.fixture
def imported(three_versions) -> set[str]:
    """The unwanted libraries that a server imports when the training extra is not installed."""
    absent = training_packages() | NEVER_SERVED - STILL_IMPORTED
    program = PROGRAM.format(
        absent=sorted(absent),
        unwanted=sorted(NEVER_SERVED | {"numba"}),
        uri=three_versions.tracking_uri,
        trusted=TRUSTED_WITH_TOY,
    )
    command = [sys.executable, "-c", program]
    paths = f"{ROOT}:{ROOT / 'tests' / 'support'}"
    answer = subprocess.run(
        command, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


def test_a_server_starts_and_loads_a_champion_without_the_training_extra(imported):
    assert {"mlflow", "pandas", "pyarrow", "crepes"} <= training_packages()
    assert imported <= STILL_IMPORTED
