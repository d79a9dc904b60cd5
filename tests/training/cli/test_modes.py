"""The commands by which an owner allows less or more."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.domain.modes import Mode, Modes
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.home import Home, HomeSettings, open_home
from features.store.store import Store, open_store
from models.artifacts.registry import ModelVersion
from models.artifacts.save_artifact import save_artifact
from models.base.model_card import Card
from models.classification.choice import ChoiceModel
from training.cli.app import app
from training.pipeline.register import register


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    empty_registry: Path,
    toy_card: Card,
    promote: Callable[..., ModelVersion],
) -> Home:
    """A home with a champion of category that knows the labels Mail, Network and Printing."""
    folder = tmp_path_factory.mktemp("modes")
    home = open_home(HomeSettings(home=folder / "home"))
    shutil.copy(empty_registry, home.root / "mlflow.db")
    labels = ("Mail", "Network", "Printing")
    examples = [
        ResolvedIncident(
            IncidentReport(id=str(n), title=f"{labels[n % 3]} trouble {n}"), Outcome(labels[n % 3])
        )
        for n in range(24)
    ]
    save_artifact(ChoiceModel(encoder="hashing").fit(examples), toy_card, folder / "model")
    register(folder / "model", toy_card, home=home, tenant="default")
    promote("category", home=home, tenant="default")
    return home


@pytest.fixture
def home(home: Home, trained: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of this test's own with the same champion."""
    shutil.copy(trained.root / "mlflow.db", home.root)
    monkeypatch.setenv("PRECEDENT_HOME", str(home.root))
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    with open_store(home.database_url) as opened:
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert result.stdout == ""
    return line


def test_a_target_and_a_label_get_their_modes(store: Store):
    done("mode", "recommend", "--target", "category")
    done("mode", "auto", "--target", "category", "--label", "Network")
    modes = store.modes.current()
    assert modes.of("category") is Mode.RECOMMEND
    assert modes.of_labels("category") == {"Network": Mode.AUTO}


def test_one_command_returns_everything_to_monitor(store: Store):
    done("mode", "auto", "--target", "category")
    done("mode", "off", "--target", "category", "--label", "Mail")
    message = done("mode", "monitor")
    assert message == "everything: monitor; running servers follow in seconds\n"
    assert store.modes.current() == Modes()


def test_auto_without_a_certificate_is_warned_of(home: Home):
    warned = run("mode", "auto", "--target", "category", "--label", "Mail").stderr
    assert "warning: version 1 of category has no certificate for 'Mail'" in warned
    assert "it will stay suggest" in warned
    for mode, label in (("recommend", "Mail"), ("auto", "Network")):
        assert "warning" not in run("mode", mode, "--target", "category", "--label", label).stderr


def test_returning_to_monitor_needs_no_registry(home: Home, store: Store):
    done("mode", "auto", "--target", "category")
    (home.root / "mlflow.db").write_text("no database")
    done("mode", "monitor")
    assert store.modes.current() == Modes()


def test_a_targets_mode_names_the_labels_that_keep_their_own(store: Store):
    done("mode", "off", "--target", "category", "--label", "Mail")
    done("mode", "auto", "--target", "category", "--label", "Network")
    message = done("mode", "monitor", "--target", "category")
    assert message.startswith("category: monitor, except 'Mail': off;")
    assert store.modes.current().of("category", "Network") is Mode.MONITOR


def test_the_list_holds_champions_and_settings(home: Home):
    assert done("modes") == "category: monitor (the default)\n"
    done("mode", "auto", "--target", "category", "--label", "Network")
    default, own = done("modes").splitlines()
    assert default == "category: monitor (the default)"
    assert own.startswith("category, label 'Network': auto (since 20")
    default, own = json.loads(done("modes", "--json"))["modes"]
    monitored = {"target": "category", "label": None, "mode": "monitor", "set_at": None}
    assert default == monitored
    assert own.pop("set_at").endswith("Z")
    assert own == {"target": "category", "label": "Network", "mode": "auto"}


def test_machines_are_told_what_was_set(home: Home):
    answer = json.loads(done("mode", "auto", "--target", "category", "--json"))
    assert (answer["target"], answer["label"], answer["mode"]) == ("category", None, "auto")
    answer = json.loads(done("mode", "monitor", "--json"))
    assert (answer["target"], answer["label"], answer["mode"]) == (None, None, "monitor")


def test_a_fresh_home_has_nothing_to_list(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_store: Path
):
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path))
    shutil.copy(empty_store, tmp_path / "precedent.db")
    assert "train" in done("modes")
    assert json.loads(done("modes", "--json")) == {"modes": []}
    assert "none" in refusal("mode", "auto", "--target", "category")


@pytest.mark.parametrize("mode", ["off", "recommend", "auto"])
def test_only_monitor_is_for_everything_at_once(mode: str, store: Store):
    assert "--target" in refusal("mode", mode)
    assert store.modes.current() == Modes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sometimes",), ("'sometimes'", "off, monitor, recommend, auto")),
        (("Auto", "--target", "category"), ("'Auto'", "off, monitor, recommend, auto")),
        (("auto", "--target", "priority"), ("'priority'", "category")),
        (("monitor", "--label", "Mail"), ("'Mail'", "--target")),
        (
            ("off", "--target", "category", "--label", "mail"),
            ("'mail'", "Mail, Network, Printing"),
        ),
        (("off", "--target", "category", "--label", ""), ("''", "Mail, Network, Printing")),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    arguments: tuple[str, ...], words: tuple[str, ...], store: Store
):
    line = refusal("mode", *arguments)
    assert all(word in line for word in words)
    assert store.modes.current() == Modes()


def test_each_setting_is_told_to_the_log(store):
    done("mode", "auto", "--target", "category", "--label", "Mail")
    done("mode", "monitor")
    label, all_of_them = store.audit_log.select(action="mode")
    assert (label.target, label.details) == ("category", {"mode": "auto", "label": "Mail"})
    assert label.reason == "category, label 'Mail': auto"
    assert (all_of_them.target, all_of_them.reason) == (None, "everything: monitor")
    assert label.actor
