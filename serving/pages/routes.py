"""The pages about incidents: each route reads its request, calls a view and renders a template."""

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.api.dependencies import RequestId, SharedContainer
from serving.api.lane_choice import in_lane
from serving.pages.render.link_filters import incident_path
from serving.pages.render.rendering import render
from serving.pages.render.session_cookie import NAMELESS, name_of, remember_name
from serving.pages.route_guard import Form, PageRoute, SignedIn, go_to, own_path
from serving.pages.views.inbox import open_inbox, read_query, read_state
from serving.pages.views.incident import answer_again, open_incident, try_report
from serving.pages.views.runbook_commands import SharedCommands
from serving.pages.views.saved_notice import find_saved_label, with_saved_params
from serving.runtime.errors import FieldError, InvalidFields
from serving.runtime.lanes import LaneName
from serving.schemas.cursors import write_routine_cursor
from serving.schemas.requests import FeedbackRequest, IncidentInput, RoutinesQuery, parse_id

page_routes = APIRouter(
    route_class=PageRoute, include_in_schema=False, dependencies=[SignedIn], tags=["page"]
)

_TRY_FIELDS = ("title", "description", "service", "source")
_HELPED = {"yes": True, "no": False}


@page_routes.get("/")
def inbox(request: Request, services: SharedContainer) -> Response:
    """Show a list of incidents, by default the open ones."""
    params = request.query_params
    number = params.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 1
    shown = open_inbox(services, read_query(params), read_state(params), max(1, page))
    return render(request, "inbox.html", inbox=shown)


@page_routes.get("/incidents/{id:path}")
def incident(
    id: str,  # noqa: A002
    request: Request,
    services: SharedContainer,
    commands: SharedCommands,
) -> Response:
    """Show one incident and all answers about it."""
    page = open_incident(services, commands, parse_id(id) or id)
    saved = find_saved_label(services, request.query_params)
    return render(request, "incident.html", page=page, saved=saved)


@page_routes.get("/routines")
def routines(request: Request, services: SharedContainer) -> Response:
    """Show what watched series do again and again, to revoke it."""
    query = RoutinesQuery(cursor=request.query_params.get("cursor"))
    page = services.routines.page(query.limit, query.parse_cursor())
    older = None if page.next is None else f"/routines?cursor={write_routine_cursor(page.next)}"
    return render(request, "routines.html", page=page, older=older)


@page_routes.get("/try")
def try_form(request: Request) -> Response:
    """Show the form to paste a ticket into."""
    return render(request, "try.html", fields={}, page=None, error=None)


@page_routes.post("/try")
@in_lane(LaneName.COMPUTE)
def try_answer(
    form: Form,
    request: Request,
    services: SharedContainer,
    commands: SharedCommands,
    request_id: RequestId,
) -> Response:
    """Show the whole answer about a pasted ticket, which is not stored as an incident."""
    fields = {name: form[name] for name in _TRY_FIELDS if form.get(name, "").strip()}
    try:
        report = services.reader.report(services.reader.form(IncidentInput, fields))
    except InvalidFields as refusal:
        error = _first_message(refusal)
        return render(request, "try.html", status=422, fields=fields, page=None, error=error)
    page = try_report(services, commands, report, request_id)
    return render(request, "try.html", fields=fields, page=page, error=None)


@page_routes.post("/feedback")
def give_feedback(form: Form, request: Request, services: SharedContainer) -> Response:
    """Store feedback about an answer; show the page in `next`, by default the incident again."""
    fields = {
        "prediction_id": form.get("prediction_id", ""),
        "target": form.get("target", ""),
        "action": form.get("action", ""),
        "label": _correct_label(form),
        "subject": form.get("subject"),
        "helped": _HELPED.get(form.get("helped", "")),
        "given_by": form.get("given_by") or name_of(request),
    }
    body = services.reader.form(FeedbackRequest, fields)
    incident_id = parse_id(form.get("incident_id", ""))
    record = services.feedback.give(**body.model_dump(), incident_id=incident_id, source="page")
    next_ = own_path(form["next"]) if form.get("next") else incident_path(record.incident_id)
    fragment = "" if form.get("next") else f"#{quote(form.get('at', 'main'))}"
    response = go_to(with_saved_params(next_, record) + fragment)
    if form.get("given_by"):
        remember_name(request, response, form["given_by"])
    return response


@page_routes.post("/reveal")
def reveal(form: Form, request: Request, services: SharedContainer) -> Response:
    """Reveal an answer of the audit sample, log who needed it, and show the incident again."""
    revealed = services.reveals.reveal(
        form.get("prediction_id", ""),
        form.get("target", ""),
        given_by=name_of(request) or NAMELESS,
        reason="needed before a decision",
    )
    target = quote(revealed.record.target)
    return go_to(f"{incident_path(revealed.record.incident_id)}#{target}")


@page_routes.post("/again")
@in_lane(LaneName.COMPUTE)
def triage_again(form: Form, services: SharedContainer, request_id: RequestId) -> Response:
    """Triage an incident again with the current champions, and show it."""
    tracked = services.incidents.get_tracked(parse_id(form.get("incident_id", "")) or "")
    report = tracked.incident.report
    for_people = (report.id,) if tracked.tracking.is_touched_by_person else ()
    answer_again(services, report, request_id, for_people=for_people)
    return go_to(incident_path(report.id))


@page_routes.post("/name")
def set_name(form: Form, request: Request) -> Response:
    """Keep the user's name in a cookie."""
    response = go_to(own_path(form.get("next")))
    remember_name(request, response, form.get("name", ""))
    return response


def _correct_label(form: Mapping[str, str]) -> str | None:
    """Return the label chosen or typed; raises `InvalidFields` if two different labels are sent."""
    chosen, typed = form.get("label", "").strip(), form.get("other", "").strip()
    if chosen and typed and chosen != typed:
        message = f"you chose {chosen!r} and typed {typed!r}: give one of them"
        raise InvalidFields([FieldError("label", message)])
    return typed or chosen or None


def _first_message(error: InvalidFields) -> str:
    field = error.errors[0].path.rpartition(".")[2]
    return f"{field}: {error.errors[0].message}"
