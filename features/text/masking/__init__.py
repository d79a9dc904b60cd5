"""Replaces secrets and personal data by placeholders, before anything is stored or learned."""

from features.text.masking.kinds import (
    Masking,
    MaskingSettings,
    Secret,
    configured_masking,
)
from features.text.masking.rules import MASKING_GROUPS, mask_text

__all__ = [
    "MASKING_GROUPS",
    "Masking",
    "MaskingSettings",
    "Secret",
    "configured_masking",
    "mask_text",
]
