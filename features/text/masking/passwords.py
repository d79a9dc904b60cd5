"""Rules for passwords in settings, sentences and files."""

import re

from features.text.masking.kinds import Secret
from features.text.masking.no_value import NO_VALUE
from features.text.masking.rule import MaskingRule, RuleGroup, always

# The keywords begin with the hints, and what must precede a short one is looked up behind it.
_PASSWORD_HINTS = (
    *("pass", "pw", "kennwort", "contrase", "senha", "wachtwoord", "hasło", "пароль", "redis"),
    *("clientsecret", "client_secret", "client-secret", "secretkey", "secret_key"),
)
_KEYWORD = (
    r"(?:pass(?:word|wort|wd|phrase)|(?:(?<=mot de )|(?<=motde))passe"
    r"|(?:(?<=[A-Za-z0-9]_)|(?<=ssh)|(?<=require))pass|(?<![\w.-])pass(?==)"
    r"|pwd|(?:(?<=_)|(?<![\w-]))pw|kennwort|contrase[ñn]a|senha|wachtwoord|hasło|пароль"
    r"|client[_-]?secret|secret_?key|redis(?:cli)?_auth)\d{0,2}"
)
_ASSIGNED = r"(?:\\?[\"'])?\s{0,3}(?:=>|:=|[:=])\s{0,3}(?:\\[\"'])?"
_IS = r"(?:is|was|ist|lautet|war|est|es|è|é)"
_QUOTED = r"\"[^\"\n]{1,256}\"|'[^'\n]{1,256}'"
# A separator ends the value only if another setting, a space or the end of the text follows.
_UNQUOTED = r"(?:[^\s\"'<>\\,;&]|[,;&](?![\w .-]{1,40}[=:]|\s|$)){1,256}"
# The id of a ticket or an error, such as INC0012345.
_TICKET = r"(?!(?-i:[A-Z]{2,6}-?\d{3,})(?!\w))"
_MIXED = r"(?=[^\s]{0,64}(?:\d|[!@#$%^&*+=?][^\s]))(?=[^\s]{0,64}[^\W\d])"
_SECRET_BLOCK = re.compile(
    r"((?<![\w.-])\"?[\w.-]{1,253}\"?\s{0,2}:[ \t]{1,8}(?:[|>][+-]?[ \t]*\n[ \t]{1,20})?|"
    r"(?<=[{,\s])\"[\w.-]{1,253}\"\s{0,2}:\s{0,2})"
    r"(\"[^\"\n<>]{1,100000}\"|[^\s\"{}<>|,]{1,100000})"
)


def _mask_block(match: re.Match[str]) -> str:
    return match[1] + _SECRET_BLOCK.sub(r"\1<password>", match[2])


_FILE_RULES = (
    MaskingRule(
        Secret.PASSWORD,
        ("kind: secret", 'kind":"secret', 'kind": "secret', 'kind: "secret'),
        re.compile(
            r"((?<![\w-])\"?(?:stringData|data)\"?\s{0,2}:\s{0,4}(?:\{|\n))"
            r"((?:[ \t]{1,20}[^\s:{}]{1,253}:[^\n]{0,100000}\n?|(?<=\{)[^{}]{1,200000}){1,200})"
        ),
        _mask_block,
    ),
    MaskingRule(
        Secret.PASSWORD,
        ("$",),
        re.compile(
            r"(?<![\w$])\$(?:apr1|[1567]|2[abxy]?|y|gy|md5|sha1|argon2(?:id|i|d)|scrypt|P|H|S"
            r"|pbkdf2-sha\d{1,3})\$[./A-Za-z0-9$=,+-]{8,300}|\bpbkdf2_sha\d{1,3}\$\d{1,9}\$[\w./+=$-]{20,200}"
        ),
        "<password>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        ("sha}", "sha256}", "sha512}", "crypt}"),
        re.compile(r"\{(?:S?SHA(?:256|512)?|CRYPT)\}[A-Za-z0-9+/=$.]{13,200}", re.IGNORECASE),
        "<password>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        (":::",),
        re.compile(r"(\b\w[\w.$-]{0,63}:\d{1,6}:)[0-9a-fA-F]{32}:[0-9a-fA-F]{32}(?=:::)"),
        r"\1<password>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        (":543", ":6432:", ":*:", "pgpass"),
        re.compile(
            r"((?<![\w:/.*-])(?:[\w.-]{1,255}|\*):(?:\d{4,5}|\*):[\w*.-]{1,63}:[\w*.-]{1,63}:)"
            r"(?=\S)[^\s<>]{1,256}"
        ),
        r"\1<password>",
    ),
)
_WORD_RULES = (
    MaskingRule(
        Secret.PASSWORD,
        _PASSWORD_HINTS,
        re.compile(
            rf"({_KEYWORD}(?:\s{_IS})?{_ASSIGNED}){NO_VALUE}(?:{_QUOTED}|{_UNQUOTED})",
            re.IGNORECASE,
        ),
        r"\1<password>",
        at_hint=True,
    ),
    MaskingRule(
        Secret.PASSWORD,
        _PASSWORD_HINTS,
        re.compile(
            rf"({_KEYWORD}\s{{1,3}}(?:(?:{_IS}|to|auf|mit|with)\s{{0,3}}:?\s{{1,3}})?)"
            rf"{NO_VALUE}{_TICKET}{_MIXED}[^\s<>:=][^\s<>]{{5,256}}",
            re.IGNORECASE,
        ),
        r"\1<password>",
        at_hint=True,
    ),
    MaskingRule(
        Secret.PASSWORD,
        ("</",),
        re.compile(
            rf"(<(?:\w{{1,30}}:)?{_KEYWORD}(?:\s[^<>]{{0,100}})?>)[^<]{{1,256}}(?=</)",
            re.IGNORECASE,
        ),
        r"\1<password>",
    ),
    MaskingRule(
        Secret.PASSWORD,
        ("value=",),
        re.compile(
            rf"((?:key|name)=\"[\w.:-]{{0,64}}{_KEYWORD}\"\s{{1,3}}value=)\"[^\"<>\n]{{1,256}}\"",
            re.IGNORECASE,
        ),
        r"\1<password>",
    ),
)

PASSWORD_GROUPS: tuple[RuleGroup, ...] = (RuleGroup(always, (*_FILE_RULES, *_WORD_RULES)),)
