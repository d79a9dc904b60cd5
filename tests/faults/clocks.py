"""A clock that jumps by days while clients write."""

from pathlib import Path
from random import Random

from .world import Outcome, Trial, Unavailable, World

_PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")
_JUMPS = ("+40d", "-40d", "+2h", "-2h", "+90s", "-90s", "+0")


def clock_jumps(world: World, rounds: int, random: Random, outcome: Outcome) -> None:
    """Set the server's clock forward and back; steady clocks go on as they are."""
    clock = world.folder / "clock"
    _set(clock, "+0")
    with world.serving(_settings(clock)) as service:
        trial = Trial.on(service, random, outcome)
        for _ in range(rounds):
            with trial.writers.writing():
                for _ in range(3):
                    trial.pause(0.2, 1.0)
                    _set(clock, random.choice(_JUMPS))
            if not service.is_running:
                outcome.failures.append("the server ended when its clock jumped")
                service.start()
            trial.expect_writes()
            outcome.rounds += 1
        _set(clock, "+0")
        trial.settle(world.database_url)


def _settings(clock: Path) -> dict[str, str]:
    found = [file for place in _PLACES for file in Path("/").glob(place.removeprefix("/"))]
    if not found:
        raise Unavailable("libfaketime is not installed (Debian: apt-get install libfaketime)")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _set(clock: Path, offset: str) -> None:
    new = clock.with_suffix(".new")
    new.write_text(f"{offset}\n")
    new.replace(clock)
