"""Small real-world inputs that lie beside the repository: public bug reports, as files."""

import os
from pathlib import Path

import pytest

CASES = Path(
    os.environ.get("PRECEDENT_CASES", Path(__file__).parents[3] / "shared" / "cases")
).absolute()

needs_cases = pytest.mark.skipif(
    not CASES.is_dir(), reason=f"needs the real-world cases in {CASES} (PRECEDENT_CASES)"
)
"""Skips a test where the cases are missing."""
