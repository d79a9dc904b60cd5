"""Renders templates to responses; defines their security headers, which `route_guard` adds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from features.formatting import figure
from models.timeseries.announced_routines import sentence_of
from serving.api.problems import Problem
from serving.pages.render import (
    link_filters,
    number_filters,
    resolution_words,
    text_filters,
    time_filters,
    wording,
)
from serving.pages.render.session_cookie import name_of

FOLDER = Path(__file__).parents[1]
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, a browser would send the forms of this page with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FILTERS = (
    time_filters.age,
    time_filters.clock,
    time_filters.exact,
    wording.field_name,
    figure,
    number_filters.gain,
    wording.gain_sentence,
    time_filters.hours,
    link_filters.incident_path,
    text_filters.isolate,
    link_filters.linked_pieces,
    number_filters.measure,
    wording.measure_wording,
    time_filters.moment,
    number_filters.percent,
    resolution_words.resolution_words,
    sentence_of,
    text_filters.severity_class,
    text_filters.shorten,
    number_filters.signed,
    wording.target_name,
    link_filters.version_path,
    link_filters.web_address,
    text_filters.certificate_sentence,
    wording.wording,
)
_ADVICE: Mapping[int, str] = {
    HTTPStatus.FORBIDDEN: "Go back, reload the page and send the form again from there.",
    HTTPStatus.NOT_FOUND: "It may have been deleted. Search the inbox for a word of its text.",
    HTTPStatus.CONFLICT: "Go back to the models and choose another version.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Go back and send less text.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Go back and correct the field that is named above.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Wait a few seconds and reload. Until it is back, work from "
    "your runbooks. Nothing that was stored is lost.",
}
_USUAL_ADVICE = (
    "Reload the page. If the error stays, ask whoever runs this service to read its log."
)


def render(
    request: Request, template: str, *, status: int = HTTPStatus.OK, **values: object
) -> Response:
    """Return a page made from a template and its values; HTML in values is escaped."""
    settings = request.app.state.container.settings
    text = (
        _templates()
        .get_template(template)
        .render(
            now=datetime.now(UTC),
            name=name_of(request),
            has_key=settings.api_key is not None,
            path=request.scope["path"],
            address=address_of(request),
            **values,
        )
    )
    return HTMLResponse(text, status)


def address_of(request: Request) -> str:
    """Return the path and query of a request, ready for a link; `/` if it is not a GET."""
    if request.method != "GET":
        return "/"
    path, query = quote(request.scope["path"]), request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def render_problem(request: Request, problem: Problem) -> Response:
    """Return the page that explains an error and says what to do about it."""
    advice = _ADVICE.get(problem.status, _USUAL_ADVICE)
    return render(request, "problem.html", status=problem.status, problem=problem, advice=advice)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        # Answers that an older version stored may lack fields that a template shows.
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in _FILTERS}
    environment.globals |= {
        "AUDIT_SAMPLE": wording.AUDIT_SAMPLE,
        "VOCABULARIES": wording.VOCABULARIES,
    }
    return environment
