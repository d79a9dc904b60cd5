"""`precedent backup` and `precedent restore`: their messages, JSON and exit codes."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from features.cli.command_errors import one_line_errors
from features.home import Home
from features.store.store import open_store
from training.cli.backup import backup_command, restore_command

app = typer.Typer()
app.command("backup")(one_line_errors(backup_command))
app.command("restore")(one_line_errors(restore_command))


@pytest.fixture
def home(home: Home, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    shutil.copy(empty_store, home.root / "precedent.db")
    return home


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_home_is_backed_up_and_restored_elsewhere(home, tmp_path):
    saved = run("backup", tmp_path / "backup", "--json")
    assert saved.exit_code == 0, saved.output
    answer = json.loads(saved.stdout)
    assert (answer["store"], answer["store_elsewhere"], answer["files"]) == ("included", None, 2)
    target = tmp_path / "target"
    restored = run("restore", tmp_path / "backup", "--home", target)
    assert restored.exit_code == 0, restored.output
    assert restored.stdout.startswith(f"restored {tmp_path / 'backup'} to {target} (2 files, ")
    with open_store(f"sqlite:///{target / 'precedent.db'}") as store:
        assert store.incidents.count() == 0


def test_a_home_that_is_not_empty_is_one_line_and_exit_code_2(home, tmp_path):
    run("backup", tmp_path / "backup")
    refused = run("restore", tmp_path / "backup")
    assert refused.exit_code == 2
    assert "is not empty" in refused.stderr
    assert run("restore", tmp_path / "backup", "--replace").exit_code == 0


def test_a_store_in_postgresql_is_said_to_be_left_out(home, tmp_path, monkeypatch):
    monkeypatch.setenv("PRECEDENT_DATABASE_URL", "postgresql://triage:secret@db/precedent")
    saved = run("backup", tmp_path / "backup")
    assert saved.exit_code == 0, saved.output
    assert "the store is not included: back up postgresql" in saved.stdout
    assert "pg_dump" in saved.stdout
    assert "secret" not in saved.output + (tmp_path / "backup" / "backup.json").read_text()
    assert not (tmp_path / "backup" / "precedent.db").exists()
    restored = run("restore", tmp_path / "backup", "--home", tmp_path / "target", "--json")
    assert json.loads(restored.stdout)["store"] == "not included"


@pytest.mark.parametrize("url", ["postgresql://triage:secret@db/other", "sqlite:///{}/other.db"])
def test_a_store_that_the_service_would_not_open_is_not_restored(home, tmp_path, monkeypatch, url):
    run("backup", tmp_path / "backup")
    target = tmp_path / "target"
    monkeypatch.setenv("PRECEDENT_DATABASE_URL", url.format(tmp_path))
    refused = run("restore", tmp_path / "backup", "--home", target)
    assert refused.exit_code == 2
    assert "PRECEDENT_DATABASE_URL names" in refused.stderr
    assert "secret" not in refused.output
    assert not target.exists()


def test_a_store_that_the_service_opens_by_its_address_is_restored(home, tmp_path, monkeypatch):
    run("backup", tmp_path / "backup")
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setenv("PRECEDENT_DATABASE_URL", f"sqlite:///{tmp_path}/link/target/precedent.db")
    restored = run("restore", tmp_path / "backup", "--home", tmp_path / "target")
    assert restored.exit_code == 0, restored.output
