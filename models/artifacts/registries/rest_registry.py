"""Reads and changes the registry of an MLflow server through its REST API.

The API is described at https://mlflow.org/docs/latest/api_reference/rest-api.html.
"""

import json
import os
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from features.errors import RegistryUnavailable, UnknownVersion
from models.artifacts.registries.access import RegisteredModel, RegisteredVersion

_TIMEOUT_SECONDS = 10.0
_PER_PAGE = 1_000
_MODELS, _VERSIONS = "registered-models", "model-versions"


class RestRegistry:
    """The registry of an MLflow server.

    The user, password or token are those of MLflow's own variables: MLFLOW_TRACKING_USERNAME,
    MLFLOW_TRACKING_PASSWORD and MLFLOW_TRACKING_TOKEN.
    """

    def __init__(self, address: str) -> None:
        self._api = f"{address.rstrip('/')}/api/2.0/mlflow/"

    def models(self, prefix: str) -> Sequence[RegisteredModel]:
        """Return the models whose names start with `prefix`, sorted by name."""
        # Other names that match are left out below: LIKE has wildcards and ignores case.
        filters = {"filter": f"name LIKE '{prefix}%'", "max_results": _PER_PAGE}
        versions: dict[str, list[RegisteredVersion]] = defaultdict(list)
        for version in self._pages(f"{_VERSIONS}/search", "model_versions", filters):
            versions[version["name"]].append(_parse_version(version))
        models = (
            RegisteredModel(
                model["name"],
                {alias["alias"]: str(alias["version"]) for alias in model.get("aliases", ())},
                _parse_tags(model),
                sorted(versions[model["name"]], key=lambda version: -version.number),
            )
            for model in self._pages(f"{_MODELS}/search", "registered_models", filters)
            if model["name"].startswith(prefix)
        )
        return sorted(models, key=lambda model: model.name)

    def set_tag(self, name: str, key: str, value: str) -> None:
        """Set a tag of a model."""
        self._send("POST", f"{_MODELS}/set-tag", {"name": name, "key": key, "value": value})

    def set_alias(self, name: str, alias: str, number: str) -> None:
        """Make an alias of a model point to one of its versions."""
        body = {"name": name, "alias": alias, "version": number}
        self._send("POST", f"{_MODELS}/alias", body)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias of a model, if it exists."""
        self._send("DELETE", f"{_MODELS}/alias", {"name": name, "alias": alias})

    def run_folders(self, experiment: str) -> Sequence[str]:
        """Return the address of the folder of each run of an experiment, also of deleted runs."""
        try:
            found = self._get("experiments/get-by-name", {"experiment_name": experiment})
        except UnknownVersion:
            return []
        body = {
            "experiment_ids": [found["experiment"]["experiment_id"]],
            "run_view_type": "ALL",
            "max_results": _PER_PAGE,
        }
        runs = self._pages("runs/search", "runs", body, method="POST")
        return [run["info"].get("artifact_uri", "") for run in runs]

    def run_folder(self, run_id: str) -> str:
        """Return the address of the folder of one run."""
        return str(self._get("runs/get", {"run_id": run_id})["run"]["info"]["artifact_uri"])

    def _pages(
        self, path: str, field: str, fields: Mapping[str, object], method: str = "GET"
    ) -> Iterator[Any]:
        token = ""
        while True:
            page = self._send(method, path, {**fields, **({"page_token": token} if token else {})})
            yield from page.get(field, ())
            token = page.get("next_page_token", "")
            if not token:
                return

    def _get(self, path: str, fields: Mapping[str, object]) -> dict[str, Any]:
        return self._send("GET", path, fields)

    def _send(self, method: str, path: str, fields: Mapping[str, object]) -> dict[str, Any]:
        address, body = self._api + path, None
        if method == "GET":
            address += f"?{urlencode(fields)}"
        else:
            body = json.dumps(fields).encode()
        headers = {"Content-Type": "application/json", **_credentials()}
        request = Request(address, body, headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
                return answer
        except HTTPError as error:
            raise _translate(error, path) from error
        except (OSError, HTTPException, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise RegistryUnavailable(f"the MLflow server does not answer: {reason}") from error


def _credentials() -> Mapping[str, str]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
    return {}


def _translate(error: HTTPError, path: str) -> RegistryUnavailable:
    try:
        answer = json.load(error)
    except ValueError:
        answer = {}
    reason = answer.get("message") or error.reason
    if answer.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
        return UnknownVersion(str(reason))
    return RegistryUnavailable(f"the MLflow server refused {path} ({error.code}): {reason}")


def _parse_version(version: Mapping[str, Any]) -> RegisteredVersion:
    return RegisteredVersion(
        int(version["version"]),
        int(version["creation_timestamp"]),
        version.get("source", ""),
        version.get("run_id", ""),
        _parse_tags(version),
    )


def _parse_tags(described: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in described.get("tags", ())}
