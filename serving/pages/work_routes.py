"""The forms by which people work: acknowledge, edit and resolve incidents, revoke routines."""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from features.domain.report import ResolvedIncident
from features.store.incidents.incident_update import IncidentUpdate, given_in
from serving.api.dependencies import RequestId, SharedContainer
from serving.container import Container
from serving.pages.render.link_filters import incident_path
from serving.pages.render.session_cookie import NAMELESS, clean_name, name_of, remember_name
from serving.pages.route_guard import Form, PageRoute, SignedIn, go_to, own_path
from serving.pages.views import work_updates
from serving.schemas.requests import parse_id
from serving.services.alerts.storms import Storm

work_routes = APIRouter(
    route_class=PageRoute, include_in_schema=False, dependencies=[SignedIn], tags=["page"]
)


@work_routes.post("/acknowledge")
def acknowledge(
    form: Form, request: Request, services: SharedContainer, request_id: RequestId
) -> Response:
    """Store who works on an incident, and show it again."""
    incident = _stored_incident(services, form, request_id)
    update = work_updates.acknowledge(incident, _actor(form, request))
    return _write(services, update, form, request, request_id)


@work_routes.post("/edit")
def edit(
    form: Form, request: Request, services: SharedContainer, request_id: RequestId
) -> Response:
    """Store the fields that a person changed, and show the incident again."""
    incident = _stored_incident(services, form, request_id)
    update = work_updates.edit(services.reader, incident, form, _actor(form, request))
    return _write(services, update, form, request, request_id)


@work_routes.post("/resolve")
def resolve(
    form: Form, request: Request, services: SharedContainer, request_id: RequestId
) -> Response:
    """Store what fixed an incident, and show it again."""
    incident = _stored_incident(services, form, request_id)
    update = work_updates.resolve(services.reader, incident, form, _actor(form, request))
    return _write(services, update, form, request, request_id)


@work_routes.post("/reopen")
def reopen(
    form: Form, request: Request, services: SharedContainer, request_id: RequestId
) -> Response:
    """Open an incident again, and show it."""
    incident = _stored_incident(services, form, request_id)
    update = work_updates.reopen(incident, _actor(form, request))
    return _write(services, update, form, request, request_id)


@work_routes.post("/join")
def join(
    form: Form, request: Request, services: SharedContainer, request_id: RequestId
) -> Response:
    """Make an incident a consequence of another, and show it again."""
    incident = _stored_incident(services, form, request_id)
    head = services.incidents.get(parse_id(form.get("head_id", "")) or "")
    services.storms.join(incident.report.id, head.report.id, _actor(form, request))
    return _back(form, request, incident.report.id)


@work_routes.post("/split")
def split(form: Form, request: Request, services: SharedContainer) -> Response:
    """Make a consequence an incident of its own, and show the page in `next` or the incident."""
    incident = services.incidents.get(parse_id(form.get("incident_id", "")) or "")
    services.storms.split(incident.report.id, _actor(form, request))
    return _back(form, request, incident.report.id)


@work_routes.post("/join-surge")
def join_surge(form: Form, request: Request, services: SharedContainer) -> Response:
    """Make the incidents of a surge consequences of its parent, and show the inbox again."""
    parent = services.surges.join(form.get("surge_id", ""), _actor(form, request))
    return _back(form, request, parent.id)


@work_routes.post("/revoke-routine")
def revoke_routine(form: Form, request: Request, services: SharedContainer) -> Response:
    """Let a routine be flagged again, and show the page in `next` or the list of routines."""
    services.routines.revoke(form.get("routine_id", ""), given_by=_actor(form, request))
    return _go_back(form, request, "/routines")


@work_routes.post("/restore-routine")
def restore_routine(form: Form, request: Request, services: SharedContainer) -> Response:
    """Let a revoked routine be learned again, and show the same page."""
    services.routines.restore(form.get("routine_id", ""), given_by=_actor(form, request))
    return _go_back(form, request, "/routines")


@work_routes.post("/close-consequences")
def close_consequences(
    form: Form, request: Request, services: SharedContainer, request_id: RequestId
) -> Response:
    """Resolve those consequences of a resolved incident whose alerts all ended, with its fix."""
    head = services.incidents.get_tracked(parse_id(form.get("incident_id", "")) or "")
    id_ = head.incident.report.id
    members = services.store.tracked.consequences([id_]).get(id_, ())
    still_open = tuple(member for member in members if member.incident.outcome.is_open)
    if not head.incident.outcome.is_open:
        for member in Storm(head, still_open).ended:
            update = work_updates.close_with(head, member, _actor(form, request))
            services.incidents.upsert(update, request_id)
        services.incident_index.apply_changes()
    return _back(form, request, id_)


def _stored_incident(services: Container, form: Form, request_id: str) -> ResolvedIncident:
    """Return the incident of a form; one that was only triaged is stored first.

    Raises `UnknownIncident`.
    """
    incident = services.incidents.get(parse_id(form.get("incident_id", "")) or "")
    if services.store.incidents.get(incident.report.id) is None:
        update = IncidentUpdate(incident.report, incident.outcome, given_in(incident))
        services.incidents.upsert(update, request_id, queued=False)
    return incident


def _actor(form: Form, request: Request) -> str:
    return clean_name(form.get("given_by", "")) or name_of(request) or NAMELESS


def _write(
    services: Container, update: IncidentUpdate, form: Form, request: Request, request_id: str
) -> Response:
    """Write an update, make the incident findable at once, and return to its page."""
    services.incidents.upsert(update, request_id)
    services.incident_index.apply_changes()
    return _back(form, request, update.report.id)


def _back(form: Form, request: Request, incident_id: str) -> Response:
    """Return to the page in `next`, by default to the incident."""
    return _go_back(form, request, f"{incident_path(incident_id)}#{quote(form.get('at', 'main'))}")


def _go_back(form: Form, request: Request, usual_path: str) -> Response:
    response = go_to(own_path(form["next"]) if form.get("next") else usual_path)
    if form.get("given_by"):
        remember_name(request, response, form["given_by"])
    return response
