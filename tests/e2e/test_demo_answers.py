"""The demo answers as it did: labels exactly, confidences to a thousandth.

A change that means to move them writes `demo_answers.json` anew and says why in its commit:
`PYTHONPATH=tests/benchmarks:. python tests/e2e/test_demo_answers.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from compare import collect
from compare.samples import demo_sample

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("demo_answers.json")
LABELLED = ("category", "assignment", "severity")


def measure(folder: Path) -> dict[str, Any]:
    """Train on the demo in a process of its own and return its labels and confidences."""
    sample = demo_sample(folder)
    sample.write(folder)
    files = [str(folder / f"{sample.name}.json"), str(folder / "answers.json")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PRECEDENT_AUDIT_SHARE": "0"}
    command = [sys.executable, collect.__file__, *files]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    batch = json.loads((folder / "answers.json").read_text())["answers"][0]["body"]
    return {result["id"]: _labels(result["triage"]) for result in batch["results"]}


def _labels(triage: dict[str, Any]) -> dict[str, list[Any]]:
    answers = {target: triage[target] for target in LABELLED}
    answers |= {f"fields.{name}": answer for name, answer in triage["fields"].items()}
    return {
        target: [answer["label"], round(answer["confidence"], 3)]
        for target, answer in answers.items()
    }


@pytest.mark.quality
def test_the_demo_answers_as_it_did(tmp_path: Path):
    expected, measured = json.loads(FILE.read_text()), measure(tmp_path)
    assert measured.keys() == expected.keys()
    for incident_id, answers in expected.items():
        for target, (label, confidence) in answers.items():
            now = measured[incident_id][target]
            assert now[0] == label, (incident_id, target)
            assert now[1] == pytest.approx(confidence, abs=1.5e-3), (incident_id, target)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(json.dumps(measure(Path(folder)), indent=1) + "\n")
