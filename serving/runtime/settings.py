"""What can be set about the service, read from `PRECEDENT_...` when constructed."""

from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from features.home import HomeSettings
from features.text.masking import MaskingSettings
from features.text.parsing import MAX_TEXT_LENGTH


class ServingSettings(HomeSettings, MaskingSettings):
    """Where the service listens, who may ask, and how much at once.

    Raises pydantic's `ValidationError`, also for an address that others can reach while no key
    protects it.

    >>> ServingSettings(port=9000).host
    '127.0.0.1'
    """

    host: str = "127.0.0.1"
    """Address to listen on; any other than loopback needs a key."""
    port: int = Field(8000, ge=0, le=65_535)
    """Port to listen on; 0 takes a free one."""
    workers: int = Field(1, ge=1, le=256)
    """Processes that answer."""
    api_key: SecretStr | None = None
    """The key that every `/v1` call carries as `Authorization: Bearer KEY`."""
    max_batch_incidents: int = Field(5_000, ge=1)
    """The most incidents in one batch."""
    max_body_bytes: int = Field(32 * 2**20, ge=1)
    """The largest body of a request, in bytes."""
    max_points: int = Field(500_000, ge=1)
    """The most points of all series in one call."""
    max_series: int = Field(5_000, ge=1)
    """The most series in one call."""
    max_text_characters: int = Field(MAX_TEXT_LENGTH, ge=1)
    """The longest text, in characters."""
    poll_seconds: float = Field(2.0, gt=0)
    """How often champions, modes and stored incidents are looked for, in seconds."""
    topology: Path | None = None
    """The file that says which service depends on which; `topology.yaml` in the home where it is
    not set.
    """
    audit_share: float = Field(0.05, ge=0, le=1)
    """The share of answers to be acted upon that a person decides first, without seeing them; 0
    turns the audit off, and with it the proof that certificates hold.
    """
    shadow: bool = True
    """Whether a challenger answers the same incidents without being shown, when the server is
    idle.
    """
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What is logged on standard error."""

    @field_validator("api_key", "topology", mode="before")
    @classmethod
    def _empty_is_none(cls, given: object) -> object:
        return None if isinstance(given, str) and not given.strip() else given

    @model_validator(mode="after")
    def _refuse_exposure(self) -> Self:
        if self.api_key is None and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host!r} can be reached by others; set PRECEDENT_API_KEY, "
                "or listen on 127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address.

    >>> is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
