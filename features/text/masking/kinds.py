"""The kinds of secrets and personal data, and which of them are masked."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Secret(StrEnum):
    """The kinds of data that can be masked; a placeholder is the kind's name in angle brackets."""

    PRIVATE_KEY = "private_key"
    CREDENTIALS = "credentials"
    TOKEN = "token"  # noqa: S105  # the name of a placeholder
    PASSWORD = "password"  # noqa: S105  # the name of a placeholder
    EMAIL = "email"
    IP = "ip"
    MAC = "mac"
    CARD = "card"
    IBAN = "iban"
    NATIONAL_ID = "national_id"
    BIRTH_DATE = "birth_date"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Masking:
    """The kinds of data to mask; by default all of them.

    >>> Secret.EMAIL in Masking().secrets
    True
    """

    secrets: frozenset[Secret] = frozenset(Secret)


class MaskingSettings(BaseSettings):
    """`PRECEDENT_MASKING`: names of `Secret` separated by commas, `all` (the default) or `none`."""

    model_config = SettingsConfigDict(
        env_prefix="PRECEDENT_", env_ignore_empty=True, extra="ignore"
    )

    masking: Annotated[frozenset[Secret], NoDecode] = frozenset(Secret)
    """Which secrets and personal data are masked when texts are read: names separated by commas,
    `all` or `none`. The names are `private_key`, `credentials` (in URLs), `token`, `password`,
    `email`, `ip`, `mac`, `card`, `iban`, `national_id`, `birth_date` and `phone`.
    """

    @field_validator("masking", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = [name.strip().lower() for name in value.split(",") if name.strip()]
        if names == ["all"]:
            return frozenset(Secret)
        return [] if names == ["none"] else names


def configured_masking(settings: MaskingSettings | None = None) -> Masking:
    """Return the masking that the settings state; raises `ValidationError` for an unknown name."""
    return Masking((settings or MaskingSettings()).masking)
