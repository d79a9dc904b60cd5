"""The cookies of the page: one proves that the browser holds the key, one keeps a name."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import quote, unquote

from itsdangerous import BadSignature, TimestampSigner
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from features.store.operations.ended_sessions import EndedSessionRepository
from features.text.parsing import sanitise_text

KEY_COOKIE = "precedent_session"
NAME_COOKIE = "precedent_name"
NAMELESS = "page"

_SESSION_SECONDS = 7 * 24 * 3_600
_NAME_SECONDS = 365 * 24 * 3_600
_MAX_NAME = 80
_ID_BYTES = 16


def issue_session(key: SecretStr) -> str:
    """Return a signed id of a new session; it expires, and does not reveal the key.

    >>> key = SecretStr("a key of at least 16 characters")
    >>> read_session(issue_session(key), key) is None
    False
    """
    return _signer(key).sign(token_urlsafe(_ID_BYTES)).decode()


def read_session(session: str, key: SecretStr) -> str | None:
    """Return the id of a session that was signed with this key and has not expired, else None."""
    try:
        return _signer(key).unsign(session, max_age=_SESSION_SECONDS).decode()
    except BadSignature:
        return None


def is_signed_in(request: Request, key: SecretStr, ended: EndedSessionRepository) -> bool:
    """Return whether a request carries a session that was not ended."""
    session = read_session(request.cookies.get(KEY_COOKIE, ""), key)
    return session is not None and not ended.is_ended(session)


def end_session(request: Request, key: SecretStr, ended: EndedSessionRepository) -> None:
    """End the session of a request at the server, in all workers."""
    session = read_session(request.cookies.get(KEY_COOKIE, ""), key)
    if session is not None:
        ended.end(session, datetime.now(UTC) + timedelta(seconds=_SESSION_SECONDS))


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
    return TimestampSigner(secret, "precedent.session", key_derivation="hmac", digest_method=sha256)


def _set(request: Request, response: Response, cookie: str, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
