"""Which steps of a runbook are commands; an answer holds them beside sentences, alike."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from features.store.store import Store


class RunbookCommands:
    """The commands of every stored runbook, read again when one has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: tuple[int | None, Mapping[str, frozenset[str]]] = (None, {})

    def of(self, runbook_ids: Iterable[str]) -> frozenset[str]:
        """Return the commands of these runbooks; raises `StoreUnavailable`."""
        wanted = set(runbook_ids)
        if not wanted:
            return frozenset()
        known = self._known()
        return frozenset().union(*(known.get(each, ()) for each in wanted))

    def _known(self) -> Mapping[str, frozenset[str]]:
        # The revision first: what changes meanwhile is read again the next time.
        revision = self._store.runbooks.revision()
        read, known = self._read
        if read != revision:
            known = {
                runbook.id: frozenset(
                    command for section in runbook.sections for command in section.commands
                )
                for runbook in self._store.runbooks.all()
            }
            self._read = (revision, known)
        return known


async def _commands_of(request: Request) -> RunbookCommands:
    commands: RunbookCommands = request.app.state.runbook_commands
    return commands


SharedCommands = Annotated[RunbookCommands, Depends(_commands_of)]
