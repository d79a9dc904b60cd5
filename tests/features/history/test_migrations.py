"""The schema: created once, by whoever is first, and never downgraded by old code."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

import features.history.migrate as migrate_module
from features.errors import StoreUnavailable
from features.history.database import Database
from features.history.migrate import migrate
from features.history.store import open_store
from features.history.tables import VERSION_TABLE, Base

OURS = {*Base.metadata.tables, VERSION_TABLE}


def tables(url: str) -> set[str]:
    return set(inspect(create_engine(url)).get_table_names())


def test_the_migrations_lead_to_the_tables_in_the_code(database_url: str) -> None:
    migrate(database_url)
    assert tables(database_url) == OURS
    with Database(database_url).read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []


def test_every_table_has_the_tenant_first_in_its_key() -> None:
    keys = {name: list(table.primary_key) for name, table in Base.metadata.tables.items()}
    assert {name: key[0].name for name, key in keys.items()} == dict.fromkeys(keys, "tenant")


def test_answers_from_before_there_were_modes_count_as_monitored(database_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "features.history:migrations")
    with Database(database_url).write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO predictions VALUES ('x', 'p1', 'category', 'r1', 'INC1', '7', "
                "'Network', 0.5, 'auto', '{}', '2026-03-01 12:00:00+00:00')"
            )
        )
    with open_store(database_url, tenant="x") as store:
        assert store.prediction("p1")[0].mode == "monitor"


def test_migrating_again_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    assert tables(database_url) == OURS


def test_threads_that_migrate_at_once_all_succeed(database_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(migrate, [database_url] * 6))
    assert tables(database_url) == OURS


def test_another_owner_of_the_database_is_left_alone(database_url: str) -> None:
    with Database(database_url).write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('of mlflow')"))
    migrate(database_url)
    with Database(database_url).read() as connection:
        versions = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    assert versions == ["of mlflow"]


def test_a_newer_database_is_refused(database_url: str) -> None:
    migrate(database_url)
    with Database(database_url).write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match=r"schema 9999, which is newer .* upgrade"):
        open_store(database_url)


def test_a_migration_that_breaks_off_leaves_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = migrate_module.command.upgrade

    def break_off(*arguments: object) -> None:
        upgrade(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(migrate_module.command, "upgrade", break_off)
    with pytest.raises(KeyboardInterrupt):
        migrate(database_url)
    assert tables(database_url) == set()
    monkeypatch.undo()
    migrate(database_url)
    assert tables(database_url) == OURS
