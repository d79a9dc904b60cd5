"""Names that leave the process stay: others call them, query them and keep data under them.

`frozen_names.json` lists them. A new name is added there; one that is gone breaks somebody's
script, dashboard or stored data, and is a decision.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from alembic.script import ScriptDirectory
from prometheus_client.parser import text_string_to_metric_families

from features.encoding.encoder_weights import EncoderSettings
from features.home import Home, HomeSettings
from features.store.tables import SCHEMA_REVISION, VERSION_TABLE, Base
from features.text.masking import MaskingSettings
from features.unknown_settings import SETTINGS as KNOWN_SETTINGS
from models.artifacts.manifest import DATA_FOLDER, ArtifactFolder
from models.artifacts.registry import (
    CHALLENGER,
    CHAMPION,
    HISTORY_TAG,
    KIND_TAG,
    SHA256_TAG,
    registered_name,
)
from serving.__main__ import cli
from serving.app import create_app
from serving.runtime.settings import ServingSettings
from training.cli.app import app as training_app
from training.settings import TrainingSettings

FILE = Path(__file__).with_name("frozen_names.json")
COMPOSED = ("anyOf", "oneOf", "allOf", "items", "additionalProperties", "prefixItems")
SETTINGS = (HomeSettings, EncoderSettings, MaskingSettings, TrainingSettings, ServingSettings)


@pytest.fixture
def service(tmp_path: Path):
    """An app in a home of its own, which is not started."""
    return create_app(ServingSettings(home=tmp_path / "home"))


@cache
def frozen() -> dict[str, list[str]]:
    return json.loads(FILE.read_text())


def lost(group: str, present: Iterator[str] | set[str]) -> list[str]:
    return sorted(set(frozen()[group]) - set(present))


def flags(program: str, group: Any) -> Iterator[str]:
    command = typer.main.get_command(group)
    for name, subcommand in {"": command, **getattr(command, "commands", {})}.items():
        for parameter in subcommand.params:
            spelled = parameter.opts if parameter.param_type_name == "option" else [parameter.name]
            yield from (f"{program} {name} {option}".replace("  ", " ") for option in spelled)


def operations(schema: dict[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}"
            for parameter in operation.get("parameters", ()):
                yield f"{method.upper()} {path} ?{parameter['name']}"


def body_fields(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the dotted paths of the fields of every request and answer."""
    for route, methods in schema["paths"].items():
        for method, operation in methods.items():
            bodies = {"request": operation.get("requestBody", {})} | operation["responses"]
            for status, body in bodies.items():
                for content in body.get("content", {}).values():
                    start = f"{method.upper()} {route} {status} "
                    yield from fields_of(content.get("schema"), schema, start)


def fields_of(
    node: Any, schema: dict[str, Any], path: str, within: tuple[str, ...] = ()
) -> Iterator[str]:
    if isinstance(node, list):
        for entry in node:
            yield from fields_of(entry, schema, path, within)
    elif isinstance(node, dict) and "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name not in within:
            referred = schema["components"]["schemas"][name]
            yield from fields_of(referred, schema, path, (*within, name))
    elif isinstance(node, dict):
        for name, field in node.get("properties", {}).items():
            yield f"{path}.{name}"
            yield from fields_of(field, schema, f"{path}.{name}", within)
        for key in COMPOSED:
            yield from fields_of(node.get(key), schema, path, within)


def metric_names(service) -> Iterator[str]:
    text = service.state.container.metrics.render().decode()
    for family in text_string_to_metric_families(text):
        yield f"{family.type} {family.name}"


def columns() -> Iterator[str]:
    for table in Base.metadata.tables.values():
        yield from (f"{table.name}.{column.name}" for column in table.columns)


def test_commands_and_flags_stay():
    present = {*flags("training", training_app), *flags("serving", cli)}
    assert lost("flags", present) == []


def test_routes_and_their_parameters_stay(service):
    assert lost("routes", operations(service.openapi())) == []


def test_fields_of_requests_and_answers_stay(service):
    assert lost("fields", body_fields(service.openapi())) == []


def test_metrics_stay(service):
    assert lost("metrics", metric_names(service)) == []


def test_settings_stay():
    present = {
        f"PRECEDENT_{name.upper()}" for settings in SETTINGS for name in settings.model_fields
    }
    assert lost("settings", present) == []


def test_every_setting_is_known_and_no_other():
    """A command warns of all other variables."""
    assert {
        name.upper() for settings in SETTINGS for name in settings.model_fields
    } == KNOWN_SETTINGS


def test_tables_and_columns_stay():
    assert lost("columns", columns()) == []


def test_revisions_of_the_schema_stay():
    scripts = ScriptDirectory(str(Path(import_module("features.store.migrations").__file__).parent))
    present = {revision.revision for revision in scripts.walk_revisions()} | {VERSION_TABLE}
    assert lost("schema_revisions", present) == []
    assert scripts.get_heads() == [SCHEMA_REVISION]


def test_names_in_mlflow_stay():
    assert (CHAMPION, CHALLENGER) == ("champion", "challenger")
    assert (SHA256_TAG, KIND_TAG) == ("precedent.sha256", "precedent.kind")
    assert HISTORY_TAG == "precedent.champions"
    assert registered_name("default", "category") == "default.category"
    assert Path("data") / "artifact" == DATA_FOLDER


def test_files_of_a_home_and_of_an_artifact_stay():
    home, artifact = Home(Path("/home")), ArtifactFolder(Path("/artifact"))
    assert home.database_url == "sqlite:////home/precedent.db"
    assert home.tracking_uri == "sqlite:////home/mlflow.db"
    assert home.artifacts == Path("/home/artifacts")
    assert artifact.model == Path("/artifact/model.skops")
    assert artifact.card == Path("/artifact/card.json")
    assert artifact.golden == Path("/artifact/golden.jsonl")


@pytest.mark.parametrize(
    ("module", "name"),
    [("models.artifacts.loader", "_load_pyfunc"), ("serving.app", "app_from_environment")],
)
def test_what_others_import_by_name_stays(module: str, name: str):
    assert callable(getattr(import_module(module), name))
