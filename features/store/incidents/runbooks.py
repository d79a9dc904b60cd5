"""The repository of runbooks: the folder as it was last read, with a revision."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from features.domain.runbook import Runbook, Section, SectionRole, TableRow
from features.store.counters import move_revision, select_revision
from features.store.database import insert_into
from features.store.repository import Repository
from features.store.tables import RunbookRevisionRow, RunbookRow


@dataclass(frozen=True, slots=True)
class RunbookChanges:
    """The ids of the runbooks that were added, updated and removed, each in order."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class RunbookRepository(Repository):
    """The runbooks of one tenant; they have a revision of their own."""

    def all(self) -> tuple[Runbook, ...]:
        """Return every runbook, ordered by id."""
        with self._database.read() as connection:
            return _select(connection, self._tenant)

    def revision(self) -> int:
        """Return how often the runbooks have changed so far, 0 for a new store."""
        with self._database.read() as connection:
            return select_revision(connection, RunbookRevisionRow, self._tenant)

    def replace_all(
        self, runbooks: Sequence[Runbook], *, keep: Collection[str] = ()
    ) -> RunbookChanges:
        """Replace all stored runbooks by the given ones, and return the changes.

        Stored runbooks whose ids are in `keep` are not removed; an entry that ends in a slash keeps
        all ids that begin with it. Unchanged runbooks are not written. The revision increases only
        if something changes.
        """
        with self._database.write() as connection:
            # Only a lock: nobody else may change the runbooks between comparing and writing them.
            move_revision(connection, RunbookRevisionRow, self._tenant, by=0)
            old = {runbook.id: runbook for runbook in _select(connection, self._tenant)}
            new = {runbook.id: runbook for runbook in runbooks}
            changes = _compare(old, new, keep)
            if changes != RunbookChanges():
                _delete(connection, self._tenant, (*changes.updated, *changes.removed))
                ids = (*changes.added, *changes.updated)
                _insert(connection, self._tenant, [new[runbook_id] for runbook_id in ids])
                move_revision(connection, RunbookRevisionRow, self._tenant)
        return changes


def _select(connection: Connection, tenant: str) -> tuple[Runbook, ...]:
    query = select(RunbookRow.__table__).where(RunbookRow.tenant == tenant).order_by(RunbookRow.id)
    return tuple(_runbook_from(row) for row in connection.execute(query))


def _compare(
    old: Mapping[str, Runbook], new: Mapping[str, Runbook], keep: Collection[str]
) -> RunbookChanges:
    kept_folders = tuple(entry for entry in keep if entry.endswith("/"))
    missing_ids = old.keys() - new.keys() - set(keep)
    common_ids = old.keys() & new.keys()
    return RunbookChanges(
        added=tuple(sorted(new.keys() - old.keys())),
        updated=tuple(sorted(id_ for id_ in common_ids if old[id_] != new[id_])),
        removed=tuple(sorted(id_ for id_ in missing_ids if not id_.startswith(kept_folders))),
    )


def _delete(connection: Connection, tenant: str, ids: Iterable[str]) -> None:
    connection.execute(
        delete(RunbookRow).where(RunbookRow.tenant == tenant, RunbookRow.id.in_(ids))
    )


def _insert(connection: Connection, tenant: str, runbooks: Sequence[Runbook]) -> None:
    if runbooks:
        rows = [{"tenant": tenant} | _columns_of(runbook) for runbook in runbooks]
        connection.execute(insert_into(connection, RunbookRow), rows)


def _columns_of(runbook: Runbook) -> dict[str, Any]:
    return {
        "id": runbook.id,
        "title": runbook.title,
        "sections": [asdict(section) for section in runbook.sections],
        "steps": list(runbook.steps),
        "url": runbook.url,
        "facts": dict(runbook.facts),
    }


def _runbook_from(row: Row[Any]) -> Runbook:
    sections = tuple(_section_from(section) for section in row.sections)
    return Runbook(row.id, row.title, sections, tuple(row.steps), row.url, row.facts)


def _section_from(section: Mapping[str, Any]) -> Section:
    """Return a stored section; one that an older version stored has only the first four fields."""
    return Section(
        section["heading"],
        section["text"],
        SectionRole(section["part"]),
        tuple(section["commands"]),
        section.get("level", 0),
        tuple(section.get("anchors", ())),
        tuple(section.get("steps", ())),
        tuple(TableRow(row["key"], row["step"]) for row in section.get("rows", ())),
    )
