"""Reads the file of service dependencies, and reads it again when it changes."""

import logging
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.domain.telemetry.topology import NO_TOPOLOGY, Topology
from features.errors import UnreadableFile
from features.imports.yaml_files import explain, read_yaml

_log = logging.getLogger(__name__)

_Stamp = tuple[int, int] | None


class ServiceEntry(BaseModel):
    """The entry of one service."""

    model_config = ConfigDict(extra="forbid")

    depends_on: list[str] = Field(default_factory=list)
    aliases: list[str] = Field(default_factory=list)


class TopologyEntries(BaseModel):
    """The content of the file: `services` by name."""

    model_config = ConfigDict(extra="forbid")

    services: dict[str, ServiceEntry | None] = Field(default_factory=dict)


def read_topology(file: Path) -> Topology:
    """Return the topology that a file holds; raises `UnreadableFile`."""
    content = read_yaml(file, "the topology", UnreadableFile)
    try:
        services = TopologyEntries.model_validate({} if content is None else content).services
    except ValidationError as error:
        raise UnreadableFile(f"{file}: {explain(error, 'the topology')}") from None
    entries: Mapping[str, ServiceEntry] = {name: entry for name, entry in services.items() if entry}
    return Topology(
        {name: entry.depends_on for name, entry in entries.items()},
        {name: entry.aliases for name, entry in entries.items()},
    )


class TopologyFile:
    """Keeps the topology up to date with its file: a chosen one, which must exist, or the default.

    The constructor raises `UnreadableFile`. If the file becomes unreadable later, the last topology
    stays in use; if the file is deleted, the topology is empty.
    """

    def __init__(self, chosen: Path | None, default: Path) -> None:
        self._file = chosen or default
        self._stamp: _Stamp = self._read_stamp()
        must_read = chosen is not None or self._stamp is not None
        self._topology = read_topology(self._file) if must_read else NO_TOPOLOGY

    def current(self) -> Topology:
        """Return the topology that the file holds now."""
        stamp = self._read_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._topology = NO_TOPOLOGY if stamp is None else read_topology(self._file)
            except UnreadableFile as error:
                fields = {"reason": str(error)}
                _log.warning("the topology stays as it was", extra={"fields": fields})
        return self._topology

    def _read_stamp(self) -> _Stamp:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size
