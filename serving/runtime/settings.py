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
    port: int = Field(8000, ge=0, le=65_535)
    workers: int = Field(1, ge=1, le=256)
    api_key: SecretStr | None = None
    max_batch_incidents: int = Field(5_000, ge=1)
    max_body_bytes: int = Field(32 * 2**20, ge=1)
    max_points: int = Field(500_000, ge=1)
    max_series: int = Field(5_000, ge=1)
    max_text_characters: int = Field(MAX_TEXT_LENGTH, ge=1)
    poll_seconds: float = Field(2.0, gt=0)
    topology: Path | None = None
    audit_share: float = Field(0.05, ge=0, le=1)
    shadow: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

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
