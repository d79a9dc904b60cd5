"""The pages for the owners of models: champions, cards, labels and the audit log."""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from models.artifacts.registry import ModelVersion
from serving.api.dependencies import SharedContainer
from serving.api.lane_choice import in_lane
from serving.container import Container
from serving.pages.render.rendering import render
from serving.pages.render.session_cookie import NAMELESS, name_of, remember_name
from serving.pages.route_guard import Form, PageRoute, SignedIn, go_to
from serving.pages.views.audit import open_audit, read_question
from serving.pages.views.label_queue import open_labels
from serving.pages.views.model_card import open_card
from serving.pages.views.models import open_models
from serving.pages.views.saved_notice import find_saved_label
from serving.runtime.errors import FieldError, InvalidFields
from serving.runtime.lanes import LaneName
from serving.schemas.requests import PromoteRequest

accountability_routes = APIRouter(
    route_class=PageRoute, include_in_schema=False, dependencies=[SignedIn], tags=["page"]
)


@accountability_routes.get("/models")
def models(request: Request, services: SharedContainer) -> Response:
    """Show the champions and the accuracy of their answers."""
    return render(request, "models.html", page=open_models(services))


@accountability_routes.get("/models/{target:path}/{version}")
def model(target: str, version: str, request: Request, services: SharedContainer) -> Response:
    """Show the card of a version."""
    return render(request, "model.html", page=open_card(services, target, version))


@accountability_routes.post("/models")
def move_champion(form: Form, request: Request, services: SharedContainer) -> Response:
    """Promote a version or roll back, log it under the user's name, and show the models again."""
    given_by = form.get("given_by") or name_of(request)
    champion = _move(services, form, given_by or NAMELESS)
    response = go_to(f"/models#{quote(champion.target)}")
    if form.get("given_by"):
        remember_name(request, response, form["given_by"])
    return response


@accountability_routes.get("/audit")
def audit(request: Request, services: SharedContainer) -> Response:
    """Show champions at a given time and answers about an incident, or the latest log events."""
    page = open_audit(services, read_question(request.query_params))
    return render(request, "audit.html", page=page)


@accountability_routes.get("/labels")
@in_lane(LaneName.COMPUTE)
def labels(request: Request, services: SharedContainer) -> Response:
    """Show the incidents to label next."""
    page = open_labels(services, request.query_params.get("target", ""))
    saved = find_saved_label(services, request.query_params)
    return render(request, "label_queue.html", page=page, saved=saved)


def _move(services: Container, form: Form, actor: str) -> ModelVersion:
    fields = {"version": form.get("version"), "given_by": actor, "reason": form.get("reason", "")}
    body = services.reader.form(PromoteRequest, fields)
    target, reason = form.get("target", ""), (body.reason or "").strip()
    if not reason:
        raise InvalidFields([FieldError("reason", "give a reason for the log")])
    if form.get("move") == "rollback":
        return services.promotions.roll_back(target, actor=actor, reason=reason)
    if not body.version:
        raise InvalidFields([FieldError("version", "name the version to promote")])
    return services.promotions.promote(target, body.version, actor=actor, reason=reason)
