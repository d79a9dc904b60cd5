"""Rules for private keys, and for users and passwords in URLs."""

import re

from features.text.masking.kinds import Secret
from features.text.masking.rule import MaskingRule, RuleGroup, always

_BEGIN, _END = r"-----BEGIN [A-Z0-9 ]{0,30}", r"-----END [A-Z0-9 ]{0,30}"

_PRIVATE_KEY_RULES = (
    MaskingRule(
        Secret.PRIVATE_KEY,
        ("private key",),
        re.compile(
            rf"{_BEGIN}PRIVATE KEY(?: BLOCK)?-----"
            rf"(?:(?:[^-]|-(?!----))*+{_END}PRIVATE KEY(?: BLOCK)?-----"
            r"|(?:(?!-----)[\s\w+/=\\:,-])*+)"
        ),
        "<private_key>",
    ),
    MaskingRule(
        Secret.PRIVATE_KEY,
        ("putty-user-key-file",),
        re.compile(r"(Private-Lines: \d{1,4}\s{1,2})(?:[A-Za-z0-9+/=]{1,80}\s{0,2}){1,400}"),
        r"\1<private_key>",
    ),
)

_HOST = r"[\w.\[-][\w.:\[\]-]{0,255}"
_CREDENTIAL_RULES = (
    # A password may contain any character, so it ends at the last @ before the host. A port and a
    # path with an @ are no password.
    MaskingRule(
        Secret.CREDENTIALS,
        ("://",),
        re.compile(
            r"://(?!\d{1,5}[/?#])[^\s/@:\"'<>]{0,128}:(?!\d{1,5}(?:[/?#]|$))"
            rf"(?:(?!://)[^\s\"'<>]){{1,256}}@(?={_HOST})"
        ),
        "://<credentials>@",
    ),
    MaskingRule(
        Secret.CREDENTIALS,
        ("://",),
        re.compile(r"(?<!ssh)(?<!sftp)://(?!git@|hg@|svn@)[^\s/@\"'<>:]{1,256}@"),
        "://<credentials>@",
    ),
    MaskingRule(
        Secret.CREDENTIALS,
        ("jdbc:oracle",),
        re.compile(r"(jdbc:oracle:\w{2,8}:)[^\s/@\"'<>]{1,64}/[^\s\"'<>]{1,128}@"),
        r"\1<credentials>@",
    ),
)

CREDENTIAL_GROUPS: tuple[RuleGroup, ...] = (
    RuleGroup(always, (*_PRIVATE_KEY_RULES, *_CREDENTIAL_RULES)),
)
