"""The commands of the project, run as a user would run them."""

import os
import subprocess
import sys
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]


def train_command(export: Path, mapping: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Train on an export in a home of its own, and answer in JSON."""
    command = [sys.executable, "-m", "training", "train", "--json"]
    command += ["--history", str(export), "--mapping", str(mapping)]
    environment = {**os.environ, "PRECEDENT_HOME": str(home), "PYTHONPATH": str(_REPOSITORY)}
    return subprocess.run(
        command, env=environment, cwd=home.parent, capture_output=True, text=True, check=False
    )
