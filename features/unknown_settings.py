"""Warns of `PRECEDENT_...` variables that are not settings, such as a misspelt name."""

import os
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

_PREFIX = "PRECEDENT_"

SETTINGS = frozenset(
    {
        "ALERTMANAGER_URL",
        "ALERT_STALE_HOURS",
        "ALLOWED_HOSTS",
        "API_KEY",
        "AUDIT_SHARE",
        "AUTO_PRECISION",
        "BODY_SECONDS",
        "COMPUTE_THREADS",
        "DATABASE_URL",
        "ENCODER",
        "ENCODER_PATH",
        "ENCODER_PRECISION",
        "FRESHER_DAYS",
        "HEARTBEAT_ALERTS",
        "HOME",
        "HOST",
        "IDLE_SECONDS",
        "LOG_LEVEL",
        "MAINTAIN_HOURS",
        "MASKING",
        "MAX_BATCH_INCIDENTS",
        "MAX_BODY_BYTES",
        "MAX_CONNECTIONS",
        "MAX_POINTS",
        "MAX_SERIES",
        "MAX_TEXT_CHARACTERS",
        "MAX_WAITING",
        "MAX_WAIT_SECONDS",
        "MOST_ROWS",
        "NOVELTY_AUTO_LEVEL",
        "NOVELTY_LEVEL",
        "POLL_SECONDS",
        "PORT",
        "RETRAIN_DAYS",
        "SHADOW",
        "TENANT",
        "TOPOLOGY",
        "UNDER_RATING_COST",
        "WORKERS",
    }
)
"""The settings of training and serving, without the prefix: both read the same environment."""

# Folders of real data and of real-world inputs for tests and benchmarks.
_ALLOWED = SETTINGS | {"CASES", "DATA"}


def warn_of_unknown_settings() -> None:
    """Write a warning to standard error for each unknown variable; its value is not shown."""
    for line in unknown_setting_warnings(os.environ):
        sys.stderr.write(f"{line}\n")


def unknown_setting_warnings(variables: Iterable[str]) -> Iterator[str]:
    """Return a warning for each `PRECEDENT_...` variable that is not a setting.

    >>> list(unknown_setting_warnings(["PRECEDENT_PROT", "PRECEDENT_HOME", "PATH"]))
    ['warning: PRECEDENT_PROT is not a setting; did you mean PRECEDENT_PORT?']
    """
    for variable in sorted(variables):
        name = variable.upper().removeprefix(_PREFIX)
        if name in _ALLOWED or not variable.upper().startswith(_PREFIX):
            continue
        close_names = get_close_matches(name, SETTINGS, n=1)
        hint = f"; did you mean {_PREFIX}{close_names[0]}?" if close_names else ""
        yield f"warning: {variable} is not a setting{hint}"
