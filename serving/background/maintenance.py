"""Runs `precedent maintain` every so many hours, as a process of its own."""

import os
import subprocess
import sys
from contextlib import suppress

from features.store.operations.leases import new_holder
from features.store.store import Store
from serving.background.poller import Poller
from serving.runtime.settings import ServingSettings

LEASE = "maintain"
COMMAND = (sys.executable, "-m", "training", "maintain")

_POLL_SECONDS = 60.0
_SECONDS_BETWEEN_CHECKS = 0.5
_GRACE_SECONDS = 2.0
_NICENESS = 10


class MaintenanceRunner(Poller):
    """Starts `precedent maintain` and logs its message.

    A lease in the store lasts for the hours between two runs, and is not released. So of all
    workers and machines that share the store one runs the command, and a restart of the service
    does not run it again. When the service stops, the command is terminated; champions then stay.
    """

    failure = "maintenance cannot be started"

    def __init__(self, settings: ServingSettings, store: Store) -> None:
        # The start of the service does not wait for the first run.
        super().__init__(_POLL_SECONDS, "maintenance", patience_seconds=0.0)
        self._settings = settings
        self._store = store

    def _poll(self) -> None:
        leases = self._store.leases
        holder = new_holder()
        if leases.take(LEASE, holder, self._settings.maintain_hours * 3600):
            self._run_command()
            if self._stopping.is_set():
                # Another worker, or this service after its restart, runs the command instead.
                leases.release(LEASE, holder)

    def _run_command(self) -> None:
        with subprocess.Popen(  # noqa: S603 - the command is constant
            COMMAND,
            env=os.environ | self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            # Requests come first.
            os.setpriority(os.PRIO_PROCESS, child.pid, _NICENESS)
            output, errors = self._wait_for(child)
        fields: dict[str, object] = {"report": output.strip(), "exit_code": child.returncode}
        if child.returncode == 0:
            self._log.info("maintenance ended", extra={"fields": fields})
        elif not self._stopping.is_set():
            fields["error"] = errors.strip().rpartition("\n")[2]
            self._log.warning("maintenance failed", extra={"fields": fields})

    def _wait_for(self, child: "subprocess.Popen[str]") -> tuple[str, str]:
        """Return what the child wrote; terminate it when the service stops."""
        while not self._stopping.is_set():
            with suppress(subprocess.TimeoutExpired):
                return child.communicate(timeout=_SECONDS_BETWEEN_CHECKS)
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=_GRACE_SECONDS)
        child.kill()
        return child.communicate()

    def _environment(self) -> dict[str, str]:
        """Return the variables that name the service's state; an empty one counts as not set."""
        return {
            "PRECEDENT_HOME": str(self._settings.home.absolute()),
            "PRECEDENT_TENANT": self._settings.tenant,
            "PRECEDENT_DATABASE_URL": self._settings.database_url or "",
        }
