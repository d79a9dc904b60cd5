"""What every command of the service does first: read the settings, open the state, or refuse."""

import os
import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from features.errors import PrecedentError
from features.home import open_home
from features.store.store import Store, open_store
from serving.background.topology_file import TopologyFile
from serving.runtime.settings import ServingSettings


def read_settings(**given: str | int | None) -> ServingSettings:
    """Return the settings, those given put before the environment; refuses wrong ones by name."""
    # Workers read the same settings from the environment that they inherit.
    os.environ.update(
        {
            f"PRECEDENT_{name.upper()}": str(value)
            for name, value in given.items()
            if value is not None
        }
    )
    try:
        return ServingSettings()
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"PRECEDENT_{part}: ".upper() for part in first["loc"])
        refuse(where + first["msg"].removeprefix("Value error, "))


def open_state(settings: ServingSettings) -> Store:
    """Return the store, after making the home; refuses what cannot be used."""
    try:
        home = open_home(settings)
        TopologyFile(settings.topology, home.topology)
        return open_store(settings.database_url or home.database_url, settings.tenant)
    except PrecedentError as error:
        refuse(str(error))


def refuse(reason: str) -> NoReturn:
    """End the command with exit code 2 and one line that tells what to mend."""
    sys.stderr.write(f"error: {reason}\n")
    raise typer.Exit(2)
