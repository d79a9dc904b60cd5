"""Trains on one sample and asks it, in the checkout that is first on the path; prints JSON.

Only names that leave the process are used, so that one script serves checkouts of any layout:
`python -m training`, `serving.app:app_from_environment`, the routes and `card.json`.
"""

import json
import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.testclient import TestClient

# What differs between two runs of the same code.
_VOLATILE = frozenset(
    {"request_id", "prediction_id", "run_id", "created_at", "trained_at", "versions", "seconds"}
)


def collect(sample: dict[str, Any]) -> dict[str, Any]:
    """Return the training's report, the cards and every answer of one sample."""
    with TemporaryDirectory(prefix="compare-") as folder:
        home = Path(folder) / "home"
        os.environ["PRECEDENT_HOME"] = str(home)
        report = _train(sample["training"]) if sample["training"] else None
        cards = {card["target"]: card for card in _read_cards(home)}
        collected = {"report": report, "cards": cards, "answers": _ask(sample["requests"])}
        return _stable(collected, str(home))


def _train(arguments: Sequence[str]) -> Any:
    printed = StringIO()
    sys.argv = ["training", *arguments]
    with redirect_stdout(printed):
        try:
            runpy.run_module("training", run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"training ended with {ended.code}") from ended
    text = printed.getvalue()
    return json.loads(text[text.index("{") :]) if "--json" in arguments else None


def _read_cards(home: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(home.glob("artifacts/**/card.json")):
        yield json.loads(path.read_text())


def _ask(requests: Sequence[tuple[str, Any]]) -> list[Any]:
    app = import_module("serving.app").app_from_environment()
    with TestClient(app) as client:
        answers = [client.post(route, json=body) for route, body in requests]
    return [{"status": answer.status_code, "body": answer.json()} for answer in answers]


def _stable(value: Any, home: str) -> Any:
    if isinstance(value, dict):
        stable = {key: content for key, content in value.items() if key not in _VOLATILE}
        return {key: _stable(content, home) for key, content in stable.items()}
    if isinstance(value, list):
        return [_stable(entry, home) for entry in value]
    return value.replace(home, "HOME") if isinstance(value, str) else value


if __name__ == "__main__":
    sample_file, result_file = map(Path, sys.argv[1:3])
    result = collect(json.loads(sample_file.read_text()))
    result_file.write_text(json.dumps(result, indent=1))
