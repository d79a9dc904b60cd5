"""The file that tells which service depends on which, read again when it was changed."""

import logging
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.domain.topology import NO_TOPOLOGY, Topology
from features.errors import UnreadableFile
from features.imports.yaml_files import explain, read_yaml

_log = logging.getLogger(__name__)

_Stamp = tuple[int, int] | None


class ServiceEntry(BaseModel):
    """What the file says of one service."""

    model_config = ConfigDict(extra="forbid")

    depends_on: list[str] = Field(default_factory=list)
    aliases: list[str] = Field(default_factory=list)


class TopologyEntries(BaseModel):
    """The file: `services`, by name."""

    model_config = ConfigDict(extra="forbid")

    services: dict[str, ServiceEntry | None] = Field(default_factory=dict)


def read_topology(file: Path) -> Topology:
    """Return the topology that a file holds; raises `UnreadableFile`."""
    given = read_yaml(file, "the topology", UnreadableFile)
    try:
        services = TopologyEntries.model_validate({} if given is None else given).services
    except ValidationError as error:
        raise UnreadableFile(f"{file}: {explain(error, 'the topology')}") from None
    known: Mapping[str, ServiceEntry] = {name: each for name, each in services.items() if each}
    return Topology(
        {name: each.depends_on for name, each in known.items()},
        {name: each.aliases for name, each in known.items()},
    )


class TopologyFile:
    """Follows a topology file: the chosen one, which must be there, or else the usual one.

    Raises `UnreadableFile` when made. A file that is broken later leaves what was known before.
    """

    def __init__(self, chosen: Path | None, usual: Path) -> None:
        self._file = chosen or usual
        self._stamp: _Stamp = self._look()
        is_read = chosen is not None or self._stamp is not None
        self._topology = read_topology(self._file) if is_read else NO_TOPOLOGY

    def current(self) -> Topology:
        """Return what the file holds now."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._topology = NO_TOPOLOGY if stamp is None else read_topology(self._file)
            except UnreadableFile as error:
                facts = {"reason": str(error)}
                _log.warning("the topology stays as it was", extra={"fields": facts})
        return self._topology

    def _look(self) -> _Stamp:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
