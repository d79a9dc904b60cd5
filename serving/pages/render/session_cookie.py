"""The cookies of the page: one proves that the browser holds the key, one keeps a name."""

from hashlib import sha256
from urllib.parse import quote, unquote

from itsdangerous import TimestampSigner
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from features.text.parsing import sanitise_text

KEY_COOKIE = "precedent_session"
NAME_COOKIE = "precedent_name"
NAMELESS = "page"

_SESSION_SECONDS = 7 * 24 * 3_600
_NAME_SECONDS = 365 * 24 * 3_600
_MAX_NAME = 80


def issue_session(key: SecretStr) -> str:
    """Return a signed proof of knowing the key; the proof expires and does not reveal the key.

    >>> key = SecretStr("s3cret")
    >>> proves_key(issue_session(key), key)
    True
    """
    return _signer(key).sign("page").decode()


def proves_key(session: str, key: SecretStr) -> bool:
    """Return whether a proof was signed with this key and has not expired."""
    return _signer(key).validate(session, max_age=_SESSION_SECONDS)


def is_signed_in(request: Request, key: SecretStr) -> bool:
    """Return whether a request carries a valid proof."""
    return proves_key(request.cookies.get(KEY_COOKIE, ""), key)


def sign_in(request: Request, response: Response, key: SecretStr) -> None:
    """Set the cookie that proves the key."""
    _set(request, response, KEY_COOKIE, issue_session(key), _SESSION_SECONDS)


def sign_out(request: Request, response: Response) -> None:
    """Delete the cookie that proves the key."""
    _set(request, response, KEY_COOKIE, "", 0)


def remember_name(request: Request, response: Response, name: str) -> None:
    """Set the cookie that keeps a name; an empty name deletes it."""
    _set(request, response, NAME_COOKIE, quote(clean_name(name)), _NAME_SECONDS if name else 0)


def name_of(request: Request) -> str:
    """Return the name that the browser keeps, empty without one."""
    return clean_name(unquote(request.cookies.get(NAME_COOKIE, ""), errors="ignore"))


def clean_name(name: str) -> str:
    """Return a name on one line, cut to 80 characters.

    >>> clean_name("  Ana\\n Prado ")
    'Ana Prado'
    """
    return " ".join(sanitise_text(name).split())[:_MAX_NAME].strip()


def _signer(key: SecretStr) -> TimestampSigner:
    secret = key.get_secret_value()
    return TimestampSigner(secret, "precedent", key_derivation="hmac", digest_method=sha256)


def _set(request: Request, response: Response, cookie: str, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
