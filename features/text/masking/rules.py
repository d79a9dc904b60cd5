"""All rules in their order, and the function that applies them."""

from functools import cache

from features.text.masking.accounts import CARD_RULE, IBAN_RULE
from features.text.masking.commands import COMMAND_GROUPS
from features.text.masking.credentials import CREDENTIAL_GROUPS
from features.text.masking.kinds import Masking
from features.text.masking.national_ids import (
    IDS_AFTER_KEYWORDS,
    IDS_AFTER_LETTERS,
    NATIONAL_IDS,
)
from features.text.masking.network import NETWORK_GROUPS
from features.text.masking.passwords import PASSWORD_GROUPS
from features.text.masking.people import (
    BIRTH_DATE_RULE,
    NATIONAL_PHONES,
    PHONES_AFTER_KEYWORDS,
)
from features.text.masking.rule import (
    RuleGroup,
    has_digit,
    has_letter_before_digits,
    has_number,
    has_number_anywhere,
    lower,
)
from features.text.masking.tokens import SETTING_GROUPS, TOKEN_GROUPS

# The order matters: a pattern whose match may contain another secret comes first.
MASKING_GROUPS: tuple[RuleGroup, ...] = (
    *CREDENTIAL_GROUPS,
    *TOKEN_GROUPS,
    *COMMAND_GROUPS,
    *PASSWORD_GROUPS,
    *SETTING_GROUPS,
    *NETWORK_GROUPS,
    RuleGroup(has_digit, (BIRTH_DATE_RULE,)),
    RuleGroup(has_letter_before_digits, (IBAN_RULE, *IDS_AFTER_LETTERS)),
    RuleGroup(has_number_anywhere, (*IDS_AFTER_KEYWORDS, *PHONES_AFTER_KEYWORDS)),
    RuleGroup(has_number, (CARD_RULE, *NATIONAL_IDS, *NATIONAL_PHONES)),
)


@cache
def _groups_of(masking: Masking) -> tuple[RuleGroup, ...]:
    groups = (
        RuleGroup(group.gate, tuple(rule for rule in group.rules if rule.secret in masking.secrets))
        for group in MASKING_GROUPS
    )
    return tuple(group for group in groups if group.rules)


def mask_text(text: str, masking: Masking) -> str:
    """Replace secrets and personal data by placeholders such as `<email>`.

    >>> mask_text("INC0012345: 10.1.2.3 down since 12:30:45, version 1.2.3.4", Masking())
    'INC0012345: <ip> down since 12:30:45, version 1.2.3.4'
    >>> mask_text("mail bob@example.com, pwd=hunter2", Masking())
    'mail <email>, pwd=<password>'
    """
    lowered, passed = lower(text), dict[object, bool]()
    for group in _groups_of(masking):
        # Masking only removes what gates look for, so they are asked once about the given text.
        if group.gate not in passed:
            passed[group.gate] = bool(group.gate(text))
        if not passed[group.gate]:
            continue
        for rule in group.rules:
            for hint in rule.hints:
                if hint in lowered:
                    masked = rule.mask(text, lowered)
                    if masked != text:
                        text, lowered = masked, lower(masked)
                    break
    return text
