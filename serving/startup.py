"""What every command of the service does first: read its settings and open its store."""

import os

from features.home import open_home
from features.store.store import Store, open_store
from serving.background.topology_file import TopologyFile
from serving.runtime.settings import ServingSettings


def read_settings(**options: str | int | None) -> ServingSettings:
    """Return the settings; an option that is not None takes the place of its variable.

    Raises pydantic's `ValidationError` for a wrong value.
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
    """Create the home where it is missing, check its files, and return the store.

    Raises a `PrecedentError` that says what cannot be used.
    """
    home = open_home(settings)
    TopologyFile(settings.topology, home.topology)
    return open_store(settings.database_url or home.database_url, settings.tenant)
