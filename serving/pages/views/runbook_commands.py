"""Finds which steps of a runbook are commands; an answer does not mark them."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from features.store.store import Store


class RunbookCommands:
    """The commands of every stored runbook, read again after a runbook has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cached: tuple[int | None, Mapping[str, frozenset[str]]] = (None, {})

    def of(self, runbook_ids: Iterable[str]) -> frozenset[str]:
        """Return the commands of these runbooks; raises `StoreUnavailable`."""
        unique_ids = set(runbook_ids)
        if not unique_ids:
            return frozenset()
        commands = self._commands()
        return frozenset().union(*(commands.get(id_, ()) for id_ in unique_ids))

    def _commands(self) -> Mapping[str, frozenset[str]]:
        # The revision is read first: changes made while reading are then read the next time.
        revision = self._store.runbooks.revision()
        cached_revision, commands = self._cached
        if cached_revision != revision:
            commands = {
                runbook.id: frozenset(
                    command for section in runbook.sections for command in section.commands
                )
                for runbook in self._store.runbooks.all()
            }
            self._cached = (revision, commands)
        return commands


async def _commands_of(request: Request) -> RunbookCommands:
    commands: RunbookCommands = request.app.state.runbook_commands
    return commands


SharedCommands = Annotated[RunbookCommands, Depends(_commands_of)]
