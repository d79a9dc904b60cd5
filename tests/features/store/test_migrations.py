"""The schema: created once by the first process, and never downgraded by old code."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.schema import SchemaItem

from features.errors import StoreUnavailable
from features.store.database import Database
from features.store.incidents.incident_search import InboxQuery
from features.store.store import open_store
from features.store.tables import VERSION_TABLE, Base

OURS = {*Base.metadata.tables, VERSION_TABLE}


def open_and_close(url: str) -> None:
    open_store(url).close()


def tables(url: str) -> set[str]:
    return set(inspect(create_engine(url)).get_table_names())


def test_the_migrations_lead_to_the_tables_in_the_code(database_url: str) -> None:
    open_and_close(database_url)
    assert tables(database_url) == OURS
    with Database(database_url).read() as connection:
        options = {"version_table": VERSION_TABLE, "include_object": meant_for(connection)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def meant_for(connection: Connection) -> Callable[..., bool]:
    """Return a filter that leaves out the indexes that are for the other database."""

    def include(item: SchemaItem, *_facts: object) -> bool:
        rule = getattr(item, "_ddl_if", None)
        return rule is None or rule.dialect == connection.dialect.name

    return include


def test_every_table_has_the_tenant_first_in_its_key() -> None:
    keys = {name: list(table.primary_key) for name, table in Base.metadata.tables.items()}
    assert {name: key[0].name for name, key in keys.items()} == dict.fromkeys(keys, "tenant")


def create_old(url: str, version: str, *statements: str) -> None:
    """Create the tables of an earlier version, and fill them."""
    config = Config()
    config.set_main_option("script_location", "features.store:migrations")
    with Database(url).write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        for statement in statements:
            connection.execute(text(statement))


def test_answers_from_before_there_were_modes_count_as_monitored(database_url: str) -> None:
    create_old(
        database_url,
        "0001",
        "INSERT INTO predictions VALUES ('x', 'p1', 'category', 'r1', 'INC1', '7', "
        "'Network', 0.5, 'auto', '{}', '2026-03-01 12:00:00+00:00')",
    )
    with open_store(database_url, tenant="x") as store:
        assert store.predictions.get("p1")[0].mode == "monitor"


def test_a_store_from_before_there_were_runbooks_keeps_all_that_it_holds(
    database_url: str,
) -> None:
    create_old(
        database_url,
        "0002",
        "INSERT INTO incidents (tenant, id, opened_at, title, description, attributes, category, "
        "duplicate_of, fields, resolved, revision) VALUES "
        "('x', 'INC1', '2026-03-01 12:00:00+00:00', 'VPN', '', '{}', 'Network', NULL, '{}', true, "
        "3), ('x', 'INC2', NULL, '', '', '{}', NULL, 'INC1', '{}', true, 3)",
        "INSERT INTO revisions VALUES ('x', 3)",
        "INSERT INTO predictions VALUES ('x', 'p1', 'category', 'r1', 'INC1', '7', 'Network', "
        """0.5, 'auto', '{"label": "Network"}', '2026-03-01 12:00:00+00:00', 'recommend')""",
        "INSERT INTO modes VALUES ('x', 'category', '', 'auto', '2026-03-01 12:00:00+00:00')",
    )
    with open_store(database_url, tenant="x") as store:
        (shown,) = store.inbox.page(InboxQuery(decision="auto")).incidents
        assert shown.report.opened_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert shown == store.incidents.get("INC1")
        assert store.inbox.page(InboxQuery(state="open")).incidents == (
            store.incidents.get("INC2"),
        )
        assert store.predictions.latest(["INC1"])["INC1"] == store.predictions.get("p1")
        assert store.predictions.get("p1")[0].mode == "recommend"
        assert store.modes.current().of("category") == "auto"
        assert (store.incidents.revision(), store.runbooks.revision()) == (3, 0)
        assert (store.runbooks.all(), store.feedback.select()) == ((), ())


def test_migrating_again_changes_nothing(database_url: str) -> None:
    open_and_close(database_url)
    open_and_close(database_url)
    assert tables(database_url) == OURS


def test_threads_that_migrate_at_once_all_succeed(database_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(open_and_close, [database_url] * 6))
    assert tables(database_url) == OURS


def test_another_owner_of_the_database_is_left_alone(database_url: str) -> None:
    with Database(database_url).write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('of mlflow')"))
    open_and_close(database_url)
    with Database(database_url).read() as connection:
        versions = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    assert versions == ["of mlflow"]


def test_a_newer_database_is_refused(database_url: str) -> None:
    open_and_close(database_url)
    with Database(database_url).write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match=r"schema 9999, which is newer .* upgrade"):
        open_store(database_url)


def test_a_migration_that_breaks_off_leaves_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def break_off(*arguments: object) -> None:
        upgrade(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "upgrade", break_off)
    with pytest.raises(KeyboardInterrupt):
        open_and_close(database_url)
    assert tables(database_url) == set()
    monkeypatch.undo()
    open_and_close(database_url)
    assert tables(database_url) == OURS
