"""Reads the settings and opens the store: the first steps of the service's commands."""

import os

from features.home import open_home
from features.store.store import Store, open_home_store
from serving.background.topology_file import TopologyFile
from serving.runtime.settings import ServingSettings


def read_settings(**options: str | int | None) -> ServingSettings:
    """Return the settings; an option that is not None replaces its environment variable.

    Raises pydantic's `ValidationError` for an invalid value.
    """
    # Worker processes inherit the environment and read their settings from it.
    os.environ.update(
        {
            f"PRECEDENT_{name.upper()}": str(value)
            for name, value in options.items()
            if value is not None
        }
    )
    return ServingSettings()


def open_state(settings: ServingSettings) -> Store:
    """Create the home if it is missing, check the topology file, and return the opened store.

    Raises a `PrecedentError` that says what cannot be used.
    """
    home = open_home(settings)
    TopologyFile(settings.topology, home.topology)
    return open_home_store(settings, home)
