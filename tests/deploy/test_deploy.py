"""The files for operators: systemd units, the Containerfile, and Prometheus' alert rules."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
RULES = DEPLOY / "prometheus" / "precedent.rules.yaml"
PROGRAM = "/opt/precedent/.venv/bin/precedent"
SUFFIXES = re.compile(r"_(?:total|bucket|count|sum|info|created)$")


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        # The program is not installed at this place here, and systemd looks for it.
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, sys.executable))
    names = [str(tmp_path / unit.name) for unit in UNITS]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True
    )
    about_units = [line for line in checked.stderr.splitlines() if "precedent" in line]
    assert about_units == []


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=str)
def test_units_run_commands_that_exist(unit: Path) -> None:
    (line,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    program, command = line.removeprefix("ExecStart=").split()[:2]
    assert program == PROGRAM
    scripts = (ROOT / "pyproject.toml").read_text().partition("[project.entry-points")[2]
    assert re.search(rf"^{command} = ", scripts, re.MULTILINE)


def test_prometheus_accepts_the_rules() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    for command in (
        ["promtool", "check", "rules", RULES.name],
        ["promtool", "test", "rules", "precedent.rules-test.yaml"],
    ):
        done = subprocess.run(command, cwd=RULES.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_name_metrics_that_exist() -> None:
    sources = [file.read_text() for file in (ROOT / "serving").rglob("*.py")]
    exported = {name for source in sources for name in re.findall(r'"(precedent_\w+)"', source)}
    rules = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    used = {name for rule in rules for name in re.findall(r"precedent_\w+", rule["expr"])}
    assert used
    assert {name for name in used if {name, SUFFIXES.sub("", name)}.isdisjoint(exported)} == set()


def test_the_containers_run_as_an_ordinary_user() -> None:
    stages = (DEPLOY / "Containerfile").read_text().split("\nFROM ")
    for name in ("training", "serving"):
        (stage,) = [stage for stage in stages if stage.partition("\n")[0].endswith(f" AS {name}")]
        assert "\nUSER 10001\n" in stage
        assert f"[{name}" in stage
    assert "HEALTHCHECK" in stages[-1]
