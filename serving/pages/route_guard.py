"""Guards every page: sign-in, refusal of forms from other sites, error pages and headers."""

import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from features.errors import PrecedentError
from serving.api.auth import is_from_own_page, read_bearer
from serving.api.dependencies import SharedContainer
from serving.api.lane_choice import lane_of, run_in_lane
from serving.api.problems import explain_error, problem_headers, unexpected_problem
from serving.pages.render.rendering import SECURITY_HEADERS, address_of, render, render_problem
from serving.pages.render.session_cookie import is_signed_in
from serving.runtime.errors import ForeignForm, MalformedBody, Unauthorised, UnsupportedMediaType

_log = logging.getLogger(__name__)

_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 50


class PageRoute(APIRoute):
    """A route whose responses and errors are pages with security headers."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Response],
        **options: Any,  # noqa: ANN401
    ) -> None:
        lane = lane_of(endpoint, frozenset(options.get("methods") or ()))
        super().__init__(path, run_in_lane(endpoint, lane, lambda page: page), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which logs unexpected errors."""
        answer = super().get_route_handler()

        async def answer_guarded(request: Request) -> Response:
            try:
                response = await answer(request)
            except Unauthorised:
                response = _ask_for_key(request)
            except PrecedentError as error:
                problem = explain_error(request, error)
                response = render_problem(request, problem)
                response.headers.update(problem_headers(problem, error))
            except ClientDisconnect:
                raise
            except Exception:
                request_id = request.state.request_id
                _log.exception("a page failed", extra={"fields": {"request_id": request_id}})
                response = render_problem(request, unexpected_problem(request_id))
            response.headers.update(SECURITY_HEADERS)
            return response

        return answer_guarded


async def require_sign_in(request: Request, services: SharedContainer) -> None:
    """Raise `Unauthorised` if a key is configured and no cookie or header proves it.

    Raises `TooManyGuesses` too.
    """
    key = services.settings.api_key
    if key is None or await run_in_threadpool(
        is_signed_in, request, key, services.store.ended_sessions
    ):
        return
    if not await services.key_check.accept(request, read_bearer(request)):
        raise Unauthorised("sign in with the key")


async def read_form(request: Request) -> dict[str, str]:
    """Return the first value of each filled field of a form that a page of this service sent.

    Raises `ForeignForm`, `UnsupportedMediaType`, `BodyTooLarge` or `MalformedBody`.
    """
    if not is_from_own_page(request):
        raise ForeignForm("this form was not sent from this page")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UnsupportedMediaType(f"send a form as {_FORM}")
    body = await request.body()
    try:
        fields = parse_qs(body.decode(errors="replace"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise MalformedBody(f"a form has at most {_MAX_FIELDS} fields") from None
    return {name: values[0] for name, values in fields.items()}


def own_path(path: str | None) -> str:
    """Return a path if it belongs to this service, else the path of the inbox.

    >>> own_path("/incidents/1"), own_path("//evil.example"), own_path("https://evil.example")
    ('/incidents/1', '/', '/')
    """
    is_path = path is not None and path.startswith("/") and path[1:2] not in {"/", "\\"}
    # Browsers remove tabs and newlines from an address before they parse it.
    return path if path is not None and is_path and path.isprintable() else "/"


def go_to(path: str) -> Response:
    """Return a redirect to a page after a form, so that reloading does not send the form again."""
    return RedirectResponse(path, 303)


def _ask_for_key(request: Request) -> Response:
    # A request from a link on another site carries no SameSite=Strict cookie. The page `again.html`
    # opens the address again from this site, with the cookie.
    target = own_path(address_of(request))
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        return render(request, "again.html", target=target)
    return go_to(f"/sign-in?next={quote(target, safe='')}")


Form = Annotated[dict[str, str], Depends(read_form)]
SignedIn: Any = Depends(require_sign_in)
