"""The service does what its OpenAPI document says: generated requests, valid and not, all checks.

`SCHEMATHESIS_EXAMPLES=500 .venv/bin/pytest tests/e2e/test_schemathesis.py` tries many more.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fakes import HandMovedRegistry, LevelModel
from fastapi import FastAPI

from features.store.store import open_store
from serving.api.idempotency import IDEMPOTENCY_KEY
from serving.app import create_app
from serving.runtime.settings import ServingSettings

pytestmark = [pytest.mark.quality, pytest.mark.timeout(7_200)]

KEY = "s3cret-16-letter"
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "30")


@pytest.fixture
def address(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a service with three champions, a key and an empty store."""
    monkeypatch.setenv("PRECEDENT_ENCODER", "hashing")
    file = shutil.copy(empty_store, tmp_path / "store.db")
    registry = HandMovedRegistry()
    for target, model in (("category", None), ("fields.site", None), ("severity", LevelModel())):
        registry.promote(target, "1", model)
    settings = ServingSettings(home=tmp_path / "home", api_key=KEY, shadow=False)
    app = create_app(settings, registry=registry, store=open_store(f"sqlite:///{file}"))
    _drop_idempotency_keys(app)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join()


def _drop_idempotency_keys(app: FastAPI) -> None:
    """Take the header out of the document: generated keys repeat, with other bodies."""
    for operations in app.openapi()["paths"].values():
        for operation in operations.values():
            parameters = operation.get("parameters", [])
            kept = [one for one in parameters if one["name"] != IDEMPOTENCY_KEY]
            operation["parameters"] = kept


@pytest.mark.skipif(not importlib.util.find_spec("schemathesis"), reason="no schemathesis")
def test_the_service_does_what_its_document_says(address: str, tmp_path: Path) -> None:
    schemathesis = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)]
    options = ["--header", f"Authorization: Bearer {KEY}", "--max-examples", EXAMPLES]
    run = subprocess.run(
        [*schemathesis, "run", f"{address}/openapi.json", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
