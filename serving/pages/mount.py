"""Adds the page to an app: its routes, its static files, and its cache of runbook commands."""

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from features.store.store import Store
from serving.pages.model_routes import accountability_routes
from serving.pages.render.rendering import FOLDER
from serving.pages.routes import page_routes
from serving.pages.sign_in import sign_in_routes
from serving.pages.views.runbook_commands import RunbookCommands
from serving.pages.work_routes import work_routes


class Assets(StaticFiles):
    """Static files that browsers cache but revalidate on each use, so that no file is outdated."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with its security and cache headers."""
        response = await super().get_response(path, scope)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_page(app: FastAPI, store: Store) -> None:
    """Serve the page at `/`, and its style sheet, script and icon below `/static`."""
    app.state.runbook_commands = RunbookCommands(store)
    app.include_router(sign_in_routes)
    app.include_router(page_routes)
    app.include_router(accountability_routes)
    app.include_router(work_routes)
    app.mount("/static", Assets(directory=FOLDER / "static"), name="static")
