"""The settings of the service, read from environment variables `PRECEDENT_...`."""

from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from features.home import HomeSettings
from features.text.masking import MaskingSettings
from features.text.parsing import MAX_TEXT_LENGTH
from serving.runtime.allowed_hosts import AllowedHosts
from serving.runtime.http_client import parse_address

_SHORTEST_KEY = 16


class ServingSettings(HomeSettings, MaskingSettings):
    """The address, key, limits and intervals of the service.

    Raises pydantic's `ValidationError` for an invalid value, and if other machines can reach the
    address but no key is set.

    >>> ServingSettings(port=9000).host
    '127.0.0.1'
    """

    # The messages of errors must not show the key.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    host: str = "127.0.0.1"
    """The address to listen on; any address but loopback needs a key."""
    port: int = Field(8000, ge=0, le=65_535)
    """The port to listen on; 0 takes a free one."""
    workers: int = Field(1, ge=1, le=256)
    """The number of worker processes."""
    api_key: SecretStr | None = None
    """The key that every `/v1` and `/hooks` call carries as `Authorization: Bearer KEY`; at least
    16 characters.
    """
    allowed_hosts: str = ""
    """The host names under which the service answers, separated by commas, without ports;
    `*.example.com` stands for all names below `example.com`, `*` for any name. Loopback names and
    the address that the service listens on are always accepted. If not set, other names are
    accepted only on an address that is not loopback, where a key is required.
    """
    max_batch_incidents: int = Field(5_000, ge=1)
    """The most incidents in one batch."""
    max_body_bytes: int = Field(32 * 2**20, ge=1)
    """The largest body of a request, in bytes."""
    max_points: int = Field(500_000, ge=1)
    """The most points of all series in one call."""
    max_series: int = Field(5_000, ge=1)
    """The most series in one call."""
    compute_threads: int = Field(0, ge=0, le=256)
    """The threads of one worker that compute answers, at least 2; 0 is the number of cores over the
    number of workers, also at least 2. Half of them are for batches, the others for single calls,
    so that neither waits for the other.
    """
    max_waiting: int = Field(32, ge=1)
    """The most calls that wait for a thread that computes, per worker. Further ones are answered
    503 at once.
    """
    max_wait_seconds: float = Field(1.0, gt=0)
    """The longest time that a call waits for a thread that computes. One that has not begun by then
    is answered 503. A batch may wait 30 times as long.
    """
    max_connections: int = Field(1_000, ge=1)
    """The most open connections of one worker. A further one closes the connection that has waited
    longest for its client.
    """
    idle_seconds: float = Field(15.0, gt=0)
    """The time after which a connection ends on which no request, or no whole head of a request,
    arrives.
    """
    body_seconds: float = Field(60.0, gt=0)
    """The time within which the whole body of a request must arrive, else it is answered 408; and
    after which a connection ends whose client does not read its answer.
    """
    max_text_characters: int = Field(MAX_TEXT_LENGTH, ge=1)
    """The longest text, in characters."""
    poll_seconds: float = Field(2.0, gt=0)
    """The interval at which champions, modes and stored incidents are read again, in seconds."""
    topology: Path | None = None
    """The file that says which service depends on which; by default `topology.yaml` in the home."""
    audit_share: float = Field(0.05, ge=0, le=1)
    """The share of the answers to be acted on that are held back until a person has decided
    without seeing them; 0 turns this audit off, and with it the check of certificates.
    """
    shadow: bool = True
    """Whether challengers answer the same incidents for comparison when the server is idle."""
    alert_stale_hours: float = Field(5.0, gt=0)
    """The hours after which an alert's incident is stale if nothing was heard of its alerts; more
    than Alertmanager's `repeat_interval`, which is 4 hours by default.
    """
    alertmanager_url: str | None = None
    """The address of Alertmanager, such as `http://127.0.0.1:9093`. Before an incident counts as
    stale, Alertmanager is asked whether its alerts still exist, for example silenced.
    """
    heartbeat_alerts: str = "Watchdog,DeadMansSwitch"
    """The names of alerts that must always fire, separated by commas: they open no incident, and
    the page says when they are silent.
    """
    maintain_hours: float = Field(0.0, ge=0)
    """The hours between two runs of `precedent maintain`, which the service starts as a process of
    its own; 0 starts none. Needs the libraries of training.
    """
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that is logged on standard error."""

    @field_validator("api_key", "topology", "alertmanager_url", mode="before")
    @classmethod
    def _empty_to_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("alertmanager_url")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        return None if value is None else parse_address(value)

    @field_validator("compute_threads")
    @classmethod
    def _check_threads(cls, value: int) -> int:
        if value == 1:
            raise ValueError("write 0 or at least 2: batches use half of the threads")
        return value

    @field_validator("api_key")
    @classmethod
    def _check_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        # A header cannot hold them, and files of secrets often end with a newline.
        key = value.get_secret_value().strip()
        if not key.isprintable():
            raise ValueError("the key has control characters: use printable ones")
        if len(key) < _SHORTEST_KEY:
            raise ValueError(
                f"the key has fewer than {_SHORTEST_KEY} characters and can be guessed: "
                "make one with `openssl rand -hex 32`"
            )
        return SecretStr(key)

    @property
    def hosts(self) -> AllowedHosts:
        """The host names under which the service answers."""
        # A page under another name has no key, so on other addresses any name is safe.
        usual = "" if is_loopback(self.host) else "*"
        return AllowedHosts.of(self.allowed_hosts.strip() or usual, self.host)

    @property
    def heartbeat_names(self) -> frozenset[str]:
        """The names of the alerts that must always fire, casefolded."""
        names = (name.strip().casefold() for name in self.heartbeat_alerts.split(","))
        return frozenset(name for name in names if name)

    @model_validator(mode="after")
    def _require_key_if_reachable(self) -> Self:
        if self.api_key is None and not is_loopback(self.host):
            raise ValueError(
                f"other machines can reach host {self.host!r}: set PRECEDENT_API_KEY, "
                "or listen on 127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address.

    >>> is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
