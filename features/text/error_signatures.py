"""Extracts error signatures from texts: error codes, exception types and top stack frames."""

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from itertools import chain, islice

from features.text.cleaning import drop_stack_frames
from features.text.memo import cached

_CODES_AT_MOST = 32
_FRAMES_READ_AT_MOST = 100
_FRAMES_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class CodeRule:
    """A pattern for one kind of error code.

    Only texts that contain one of the lower-case `hints` are searched. The pattern is matched
    against the text in lower case, or with its original case if `is_case_sensitive`. `spell`
    returns the usual spelling of a match, None if the match is not an error code.
    """

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    spell: Callable[[re.Match[str]], str | None]
    is_case_sensitive: bool = False

    def codes(self, text: str, lowered: str) -> Iterator[str | None]:
        """Yield the codes in a text, None for each match that is not an error code."""
        if any(hint in lowered for hint in self.hints):
            matches = self.pattern.finditer(text if self.is_case_sensitive else lowered)
            yield from map(self.spell, matches)


@dataclass(frozen=True, slots=True)
class FrameRule:
    """A pattern for the stack frames of one language.

    The pattern has a group `function` and may have a group `file`.
    """

    hint: str
    pattern: re.Pattern[str]
    innermost_last: bool = False


@cached(1024)
def error_signatures(text: str) -> frozenset[str]:
    """Return the error codes and stack frames of a raw text.

    Two incidents that share one of them may have the same cause.

    >>> sorted(error_signatures("Login ends in HTTP status 503, log: ora-600 [17]"))
    ['HTTP 503', 'ORA-00600']
    """
    return error_codes(text) | stack_frames(text)


def error_codes(text: str) -> frozenset[str]:
    """Return error codes and exception types, each in one spelling; at most 32 are returned.

    >>> sorted(error_codes("java.lang.NullPointerException, then exited with code 137"))
    ['NullPointerException', 'exit code 137']
    """
    text = drop_stack_frames(text)
    lowered = text.lower()
    codes = chain.from_iterable(rule.codes(text, lowered) for rule in CODE_RULES)
    return frozenset(islice(filter(None, codes), _CODES_AT_MOST))


def stack_frames(text: str) -> frozenset[str]:
    """Return the innermost functions of the stack traces in a text, at most three.

    Functions of libraries are left out, unless the traces have no others.

    >>> stack_frames("Error: x\\n  at Map.get (node:map:3)\\n  at Basket.add (/app/basket.js:9)")
    frozenset({'at Basket.add'})
    """
    if "\n" not in text:
        return frozenset()
    rules = (rule for rule in FRAME_RULES if rule.hint in text)
    frames = [frame for rule in rules for frame in _frames(text, rule)]
    own_functions = [name for name, is_library in frames if not is_library]
    functions = own_functions or [name for name, _ in frames]
    return frozenset(f"at {name}" for name in functions[:_FRAMES_AT_MOST])


def _frames(text: str, rule: FrameRule) -> list[tuple[str, bool]]:
    """Return each frame's function, innermost first, and whether it belongs to a library."""
    matches = islice(rule.pattern.finditer(text), _FRAMES_READ_AT_MOST)
    frames = [(_function_name(match), bool(_LIBRARY.search(match[0]))) for match in matches]
    return frames[::-1] if rule.innermost_last else frames


def _function_name(match: re.Match[str]) -> str:
    parts = match.groupdict()
    function = _VARYING.sub("", parts["function"])
    return f"{parts['file']}.{function}" if parts.get("file") else function


def _spell_upper_case(match: re.Match[str]) -> str:
    return match[0].upper()


def _spell_unchanged(match: re.Match[str]) -> str:
    return match[0]


def _spell_with_prefix(prefix: str, match: re.Match[str]) -> str:
    return f"{prefix} {match[1].upper()}"


def _spell_oracle(match: re.Match[str]) -> str:
    return f"{match[1].upper()}-{int(match[2]):05}"


def _spell_windows(match: re.Match[str]) -> str | None:
    """Return a Windows result code, None for a number that is more likely a memory address.

    Result codes begin with 80 or C0, or follow a word such as "error".
    """
    error_word, number = match[1], match[2].upper()
    return f"0x{number}" if error_word or number.startswith(("80", "C0")) else None


def _spell_capitals(match: re.Match[str]) -> str | None:
    """Return a word in capitals if it is an errno name or has the form of an error code."""
    word = match[0]
    return word if word in _ERRNO_NAMES or _SYMBOL.fullmatch(word) else None


def _spell_number(match: re.Match[str]) -> str | None:
    word, number = match[1], int(match[2])
    if number == 0:
        return None
    if number <= -(2**16):
        return f"0x{number % 2**32:08X}"
    if word == "errno":
        return errno.errorcode.get(number, f"errno {number}")
    kind = next((kind for start, kind in _KINDS if word.startswith(start)), "error")
    if kind == "error" and number in _HTTP_ERRORS:
        return f"HTTP {number}"
    is_unlikely = word.startswith("status") or number >= 2**16
    return None if is_unlikely else f"{kind} {number}"


_ERRNO_NAMES = frozenset(errno.errorcode.values()) | {"ENOTFOUND", "EAI_AGAIN"}
_HTTP_PHRASES = {status.phrase.lower(): int(status) for status in HTTPStatus if status >= 400}
_HTTP_ERRORS = frozenset(_HTTP_PHRASES.values()) | set(range(520, 528))
_KINDS = (
    ("exit", "exit code"),
    ("return", "exit code"),
    ("rc", "exit code"),
    ("event", "event"),
    ("sqlcode", "SQLCODE"),
    ("stop", "stop code"),
)
_SYMBOL = re.compile(
    r"E-?\d{3,5}|(?:[A-Z0-9]{1,20}_){0,6}(?:ERR|ERROR|STATUS|PROBE|EXCEPTION|FAULT|E)_[A-Z0-9_]+"
    r"|[A-Z0-9_]+_(?:ERROR|EXCEPTION|FAILURE|VIOLATION|FAULT|DENIED|REFUSED|TIMEOUT)"
    r"|SIG(?:SEGV|KILL|TERM|ABRT|BUS|ILL|FPE|PIPE)"
)

# Some patterns begin with a character set and then a look-behind: this order is much faster.
CODE_RULES: tuple[CodeRule, ...] = (
    CodeRule(
        ("ora-", "tns-", "pls-", "rman-", "ora 0"),
        re.compile(r"\b(ora|tns|pls|rman)[- ](\d{2,5})\b"),
        _spell_oracle,
    ),
    CodeRule(
        ("aadsts", "cve-", "kb", "sql0", "sql1", "cs0", "cs1", "nu1", "lnk", "msb"),
        re.compile(
            r"\b(?:aadsts\d{5,7}|cve-\d{4}-\d{4,7}|kb\d{6,7}|sql\d{4,5}[ncw]"
            r"|(?:cs|nu|lnk|msb)\d{4})\b"
        ),
        _spell_upper_case,
    ),
    CodeRule(
        ("0x",),
        re.compile(r"(?:\b(error|code|hresult|status|fehler)\W{1,4})?\b0x([0-9a-f]{8})\b"),
        _spell_windows,
    ),
    CodeRule(
        ("http",),
        re.compile(
            r"\bhttps?(?:/\d(?:\.\d)?)?\W{1,3}(?:(?:response|status|error|code)\W{1,3}){0,3}"
            r"([45]\d\d)\b"
        ),
        partial(_spell_with_prefix, "HTTP"),
    ),
    CodeRule(
        ("40", "41", "42", "43", "45", "50", "51"),
        re.compile(rf"([45](?<!\w.)\d\d)\W{{1,3}}(?:{'|'.join(map(re.escape, _HTTP_PHRASES))})\b"),
        partial(_spell_with_prefix, "HTTP"),
    ),
    CodeRule(
        (" 5.", " 4.", "-5.", "-4.", "#5.", "#4."),
        re.compile(r"[45](?<!\w.)\d\d[ -]#?([45]\.\d{1,3}\.\d{1,3})\b"),
        partial(_spell_with_prefix, "SMTP"),
    ),
    CodeRule(
        ("sqlstate",),
        re.compile(r"\bsqlstate\W{1,4}([0-9a-z]{5})\b"),
        partial(_spell_with_prefix, "SQLSTATE"),
    ),
    CodeRule(
        ("err", "exit", "code", "rc=", "rc ", "event", "fehler"),
        re.compile(
            r"\b(exit(?:ed)?(?:[ -](?:with|code|status|value)){0,3}|exitcode"
            r"|return(?:ed)?[ -]?code|rc|event[ -]?id|sqlcode|errno|stop[ -]?code"
            r"|(?:error|fehler|status)[ -]?(?:code|number|nummer|no\.?|nr\.?)?|err)"
            r"(?: is| was| of)?[ \t:=#(\[]{0,4}(-?\d{1,10})(?![\w-]|[.,:]\d)"
        ),
        _spell_number,
    ),
    CodeRule(
        ("e", "_", "sig"),
        re.compile(r"[A-Z](?<!\w.)[A-Z0-9_-]{2,60}\b"),
        _spell_capitals,
        is_case_sensitive=True,
    ),
    CodeRule(
        ("backoff", "errimagepull", "oomkilled"),
        re.compile(r"\b(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|OOMKilled)\b"),
        _spell_unchanged,
        is_case_sensitive=True,
    ),
    CodeRule(
        ("exception", "error"),
        re.compile(
            r"\b(?:[A-Za-z][A-Za-z0-9]{2,60}[Ee]xception|[A-Z][A-Za-z0-9]{1,60}[a-z0-9]Error)\b"
        ),
        _spell_unchanged,
        is_case_sensitive=True,
    ),
)

# Line numbers, addresses, and suffixes that a compiler or proxy appends to a name.
_VARYING = re.compile(r"\$\$[\w$]*|\+?0x[0-9a-fA-F]+|\$?\d+")
_LIBRARY = re.compile(
    r"^\W{0,20}(?:at )?(?:async |new )?(?:[\w.@-]{1,80}/)?"
    r"(?:java|javax|jdk|sun|com\.sun|kotlin|scala|org\.springframework|org\.apache|org\.hibernate"
    r"|io\.netty|System|Microsoft|runtime)\."
    r"|site-packages|dist-packages|lib/python|node_modules|\(node:|internal/"
)
FRAME_RULES: tuple[FrameRule, ...] = (
    FrameRule(
        "at ",
        re.compile(
            r"^[ \t]{0,20}at (?:async |new )?(?:[\w.@-]{1,80}/)?(?P<function>[\w.$<>`~]{1,300})"
            r" ?\(.{0,300}$",
            re.MULTILINE,
        ),
    ),
    FrameRule(
        ", line ",
        re.compile(
            r'^[ \t]{0,20}File "(?:[^"\n]{0,300}[/\\])?(?P<file>[^"\n/\\]{1,80}?)(?:\.py)?", '
            r"line \d+, in (?P<function>\S{1,200})$",
            re.MULTILINE,
        ),
        innermost_last=True,
    ),
    FrameRule(
        "#0",
        re.compile(
            r"^[ \t]{0,20}#\d{1,3}[ \t]{1,4}(?:0x[0-9a-f]{1,16} in )?"
            r"(?P<function>[\w:~<>]{2,200}) ?\(.{0,300}$",
            re.MULTILINE,
        ),
    ),
    FrameRule(
        "goroutine ",
        re.compile(
            r"^(?P<function>[\w./-]{1,200}(?:\.\(\*?\w{1,100}\))?\.\w{1,100})\(.{0,300}$",
            re.MULTILINE,
        ),
    ),
)
