"""Signs users in with the key, if a key is configured, and signs them out."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.api.dependencies import SharedContainer
from serving.pages.render.rendering import render
from serving.pages.render.session_cookie import end_session, sign_in, sign_out
from serving.pages.route_guard import Form, PageRoute, go_to, own_path

sign_in_routes = APIRouter(route_class=PageRoute, include_in_schema=False)


@sign_in_routes.get("/sign-in")
def sign_in_form(request: Request, services: SharedContainer) -> Response:
    """Show the form for the key; without a configured key, go straight to the page."""
    target = own_path(request.query_params.get("next"))
    if services.settings.api_key is None:
        return go_to(target)
    return render(request, "sign_in.html", target=target, is_wrong=False)


async def _is_right_key(form: Form, request: Request, services: SharedContainer) -> bool:
    return await services.key_check.accept(request, form.get("key", "").strip().encode())


@sign_in_routes.post("/sign-in")
def check_key(
    form: Form,
    request: Request,
    services: SharedContainer,
    is_right: Annotated[bool, Depends(_is_right_key)],
) -> Response:
    """Sign the user in if the key is correct."""
    key, target = services.settings.api_key, own_path(form.get("next"))
    if not is_right:
        return render(request, "sign_in.html", status=401, target=target, is_wrong=True)
    response = go_to(target)
    if key is not None:
        sign_in(request, response, key)
    return response


@sign_in_routes.post("/sign-out")
def leave(_form: Form, request: Request, services: SharedContainer) -> Response:
    """Sign out; a copy of the cookie proves nothing any more."""
    response, key = go_to("/sign-in"), services.settings.api_key
    if key is not None:
        end_session(request, key, services.store.ended_sessions)
    sign_out(request, response)
    return response
