"""The files that a run keeps on how its model was judged, and how an incident leaves them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import ViewType

from features.errors import RegistryUnavailable
from features.home import Home
from models.artifacts.mlflow_client import connect, database_file, local_path, registry_errors
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import hash_ids

EVALUATION_FOLDER = "evaluation"

_RUNS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class EvaluationFolder:
    """The files on how one version was judged; rows are about incidents, without their text.

    >>> EvaluationFolder(Path("evaluation")).judged.as_posix()
    'evaluation/judged.parquet'
    """

    root: Path

    @property
    def judged(self) -> Path:
        """Held-out predictions: `incident` (hash of the id), `fingerprint`, labels, confidence."""
        return self.root / "judged.parquet"

    @property
    def label_noise(self) -> Path:
        """Labels that look mistaken, by the incident's `id`, as csv."""
        return self.root / "label_noise.csv"

    @property
    def verdict(self) -> Path:
        """What the gate said, as JSON; it names no incident."""
        return self.root / "verdict.json"


def evaluation_folder(version: ModelVersion, home: Home) -> EvaluationFolder:
    """Return the folder of what is kept on how a version was judged."""
    with registry_errors():
        run = connect(home.tracking_uri).get_run(version.run_id)
    return _folder_of(run.info.artifact_uri)


def forget_in_snapshots(id: str, home: Home, tenant: str, content: str | None = None) -> int:  # noqa: A002
    """Remove an incident's rows from the files of every run; return how many files held some.

    Rows go by the id. Those written before they had one go by `content`, the fingerprint, and take
    along those of incidents that said the same. A file is replaced whole, so that whoever reads it
    meanwhile sees all of the old or all of the new; two callers at once would undo each other's
    work. Raises `RegistryUnavailable`, after doing what can be done.
    """
    database = database_file(home.tracking_uri)
    if database is not None and not database.exists():
        return 0
    with registry_errors():
        folders = list(_evaluation_folders(connect(home.tracking_uri), tenant))
    found, failed = 0, []
    for file in (file for folder in folders for file in (folder.judged, folder.label_noise)):
        try:
            found += _forget(id, content, file)
        except (OSError, ValueError) as error:
            failed.append(f"{file} ({error})")
    if failed:
        raise RegistryUnavailable(f"{'; '.join(failed)}: cannot be rewritten; mend or remove it")
    return found


def _evaluation_folders(client: MlflowClient, tenant: str) -> Iterator[EvaluationFolder]:
    experiment = client.get_experiment_by_name(tenant)
    token: str | None = None
    while experiment is not None:
        runs = client.search_runs(
            [experiment.experiment_id],
            # The files of a run that was deleted in MLflow stay until it collects its garbage.
            run_view_type=ViewType.ALL,
            max_results=_RUNS_AT_ONCE,
            page_token=token,
        )
        yield from (_folder_of(run.info.artifact_uri) for run in runs)
        token = runs.token
        if not token:
            return


def _folder_of(artifact_uri: str | None) -> EvaluationFolder:
    return EvaluationFolder(local_path(artifact_uri or "") / EVALUATION_FOLDER)


def _forget(id: str, content: str | None, file: Path) -> bool:  # noqa: A002
    if not file.is_file():
        return False
    # Always the same place, so that the next rewriting clears what a crash left there.
    aside = file.with_name(f"{file.name}.part")
    if file.suffix == ".csv":
        is_found = _write_others(id, file, aside)
    else:
        is_found = _write_judged_others(id, content, file, aside)
    if is_found:
        aside.replace(file)
    return is_found


def _write_others(id: str, file: Path, aside: Path) -> bool:  # noqa: A002
    with file.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    at = header.index("id")
    kept = [row for row in rows if row[at] != id]
    if len(kept) == len(rows):
        return False
    with aside.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *kept])
    return True


def _write_judged_others(id: str, content: str | None, file: Path, aside: Path) -> bool:  # noqa: A002
    judged = pd.read_parquet(file)
    if "incident" in judged:
        unwanted = judged["incident"] == hash_ids([id])[0]
    else:
        unwanted = judged["fingerprint"] == content
    if not unwanted.any():
        return False
    judged[~unwanted].to_parquet(aside, index=False)
    return True
