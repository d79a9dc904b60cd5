"""Warns of `PRECEDENT_...` variables that no setting reads: a typing error must not be silent."""

import os
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

_PREFIX = "PRECEDENT_"

SETTINGS = frozenset(
    {
        "API_KEY",
        "AUDIT_SHARE",
        "AUTO_PRECISION",
        "DATABASE_URL",
        "ENCODER",
        "ENCODER_PATH",
        "FRESHER_DAYS",
        "HOME",
        "HOST",
        "LOG_LEVEL",
        "MASKING",
        "MAX_BATCH_INCIDENTS",
        "MAX_BODY_BYTES",
        "MAX_POINTS",
        "MAX_SERIES",
        "MAX_TEXT_CHARACTERS",
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
"""The settings of all commands: training and serving, which share an environment."""

# Names the folder of real data for tests and benchmarks.
_KNOWN = SETTINGS | {"DATA"}


def warn_of_unknown_settings() -> None:
    """Write a line on standard error for each variable that is no setting; never its value."""
    for line in unknown_setting_warnings(os.environ):
        sys.stderr.write(f"{line}\n")


def unknown_setting_warnings(variables: Iterable[str]) -> Iterator[str]:
    """Return a line for each variable of this program that is no setting.

    >>> list(unknown_setting_warnings(["PRECEDENT_PROT", "PRECEDENT_HOME", "PATH"]))
    ['warning: PRECEDENT_PROT is no setting; did you mean PRECEDENT_PORT?']
    """
    for variable in sorted(variables):
        name = variable.upper().removeprefix(_PREFIX)
        if name in _KNOWN or not variable.upper().startswith(_PREFIX):
            continue
        nearest = get_close_matches(name, SETTINGS, n=1)
        hint = f"; did you mean {_PREFIX}{nearest[0]}?" if nearest else ""
        yield f"warning: {variable} is no setting{hint}"
