"""Rules for passwords in the arguments of commands."""

import re

from features.text.masking.kinds import Secret
from features.text.masking.no_value import NO_VALUE
from features.text.masking.rule import MaskingRule, RuleGroup, always

_VALUE = r"(?:\"[^\"\n]{1,256}\"|'[^'\n]{1,256}'|[^\s\"'<>|;]{1,256})"
# How a command begins, and what stands between that and the password.
_COMMANDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("mysql", "mariadb"), r"(?:mysql|mariadb)[\w-]{0,12}\s[^\n|;]{0,200}?(?<=\s)-p(?=\S)"),
    (("sshpass",), r"sshpass\s[^\n|;]{0,40}?-p\s{0,2}"),
    (
        ("curl", "wget"),
        r"(?:curl|wget)\s[^\n|]{0,300}?(?<=\s)(?:-u|-U|--user|--proxy-user)"
        r"[ =]{0,2}[\"']?(?!\d{1,7}:\d{1,7}\b)[^\s:\"'<>]{1,128}:(?=\S)",
    ),
    (("redis-cli",), r"redis-cli\s[^\n|;]{0,200}?(?<=\s)-a\s{1,2}"),
    (("ldap",), r"ldap\w{2,12}\s[^\n|;]{0,200}?(?<=\s)-w\s{0,2}(?=\S)"),
    (("mongo",), r"mongo\w{0,8}\s[^\n|;]{0,200}?(?<=\s)-p\s{1,2}"),
    (("sqlcmd", "bcp ", "osql"), r"(?:sqlcmd|bcp|osql)\s[^\n|;]{0,200}?(?<=\s)-P\s{0,2}"),
    (
        ("docker login", "podman login", "registry login", "az login", "oc login", "mosquitto_"),
        r"(?:\w{2,8} login|mosquitto_\w{3})\s[^\n|;]{0,200}?(?<=\s)-[pP]\s{1,2}",
    ),
    (("-u ",), r"-U\s[\w.\\/@-]{1,128}%"),
    (("plink", "pscp", "psftp"), r"(?:plink|pscp|psftp)\S{0,4}\s[^\n|;]{0,200}?-pw\s"),
    (("psexec",), r"psexec\S{0,6}\s[^\n|;]{0,200}?(?<=\s)-p\s{1,2}"),
    (("ipmitool",), r"ipmitool\s[^\n|;]{0,200}?(?<=\s)-P\s{0,2}"),
    (("snmp",), r"snmp\w{2,12}\s[^\n|;]{0,200}?(?<=\s)-[AX]\s{1,2}"),
    (
        ("htpasswd",),
        r"htpasswd\s{1,2}-\w{0,4}b\w{0,4}\s{1,2}(?:[^\s-]\S{0,200}\s{1,2}){1,2}?"
        r"(?=\S{1,256}(?:\s{0,4}$|\s{0,2}[|;&\n]))",
    ),
    (("/p:", "/pass:", "/password:", "/pw:"), r"(?<=\s)/p(?:ass(?:word)?|w)?:"),
    (("schtasks",), r"schtasks\s[^\n]{0,300}?/r?p\s{1,2}"),
    (("7z",), r"7z\w?\s[^\n|;]{0,200}?(?<=\s)-p(?=\S)"),
    (("zip ", "unzip "), r"(?:un)?zip\s[^\n|;]{0,100}?(?<=\s)-P\s{1,2}"),
    (
        ("-pass", "-storepass", "-keypass", "-srcstorepass", "-deststorepass"),
        r"(?<=\s)-(?:pass(?:in|out)?|(?:src|dest)?storepass|keypass)\s{1,2}(?:pass:)?",
    ),
    (
        ("convertto-securestring",),
        r"(?i:ConvertTo-SecureString)\s{1,2}(?:-String\s{1,2})?(?=[\"'])",
    ),
)
_COMMANDS_WITHOUT_OPTIONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("sqlplus", "impdp", "expdp", "rman "),
        r"(?:sqlplus|impdp|expdp|rman)\s[^\n|;/]{0,60}?\w/",
    ),
    (("snmp-server community",), r"snmp-server community\s"),
    (("echo ",), r"echo\s{1,2}[\"']?[\w.-]{1,64}:(?=[^\n]{1,128}chpasswd)"),
    (("echo ",), r"echo\s{1,2}(?=[^\n|]{1,128}\|\s?(?:sudo )?(?:passwd --stdin|sudo -S))"),
    (
        ("net use",),
        r"(?i:net use)\s{1,2}(?:\S{1,8}:\s{1,2}|\*\s{1,2})?\\\\\S{1,256}\s{1,2}(?=[^\s/*])",
    ),
    (("net use",), r"(?i:net use)\s[^\n]{0,200}?/user:\S{1,128}\s{1,2}(?=[^\s/*])"),
    (("net user",), r"(?i:net user)\s{1,2}[\w.-]{1,64}\s{1,2}(?=[^\s/*])"),
    (("wifi connect",), r"wifi connect\s\S{1,64}\spassword\s{1,2}"),
    (("login ",), r"login\s{1,4}[^\s]{1,128}\s{1,8}password\s{1,4}(?=\S)"),
    (
        ("identified ",),
        r"(?i:identified) (?:(?i:with) \S{1,64} )?(?i:by)\s{1,3}(?:(?i:password)\s{1,2})?(?=[\"'])",
    ),
)
_OPTION = (
    r"-(?<![\w-]-)-?(?:[A-Za-z]\w{0,20}-){0,3}\w{0,20}?(?:password|passwd|passwort|pass|pwd"
    r"|passphrase|token|secret|(?:api|access|secret|account|auth|private)-?key)(?:[ =:]\s{0,2})"
)
# What stands before an option; the few commands without options are rules of their own.
_BEFORE_OPTIONS = (" -", " /", "\t-", "\n-", "'-", '"-')


def _command_rule(hints: tuple[str, ...], before: str) -> MaskingRule:
    pattern = re.compile(rf"((?<!\w){before}){NO_VALUE}(?!<){_VALUE}")
    return MaskingRule(Secret.PASSWORD, hints, pattern, r"\1<password>", at_hint=True)


def _has_option(text: str) -> bool:
    return text.startswith("-") or any(map(text.__contains__, _BEFORE_OPTIONS))


COMMAND_GROUPS: tuple[RuleGroup, ...] = (
    RuleGroup(always, tuple(_command_rule(*command) for command in _COMMANDS_WITHOUT_OPTIONS)),
    RuleGroup(
        _has_option,
        (
            *(_command_rule(*command) for command in _COMMANDS),
            MaskingRule(
                Secret.PASSWORD,
                ("pass", "pwd", "token", "secret", "key"),
                re.compile(rf"({_OPTION}){NO_VALUE}(?![-<$(@|]){_VALUE}", re.IGNORECASE),
                r"\1<password>",
            ),
        ),
    ),
)
