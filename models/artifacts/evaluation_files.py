"""The evaluation files of a run, and the removal of an incident from them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import ViewType

from features.errors import RegistryUnavailable
from features.home import Home
from features.text.csv_cells import unescape_formula
from models.artifacts.mlflow_client import connect, database_file, local_path, registry_errors
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import hash_ids

EVALUATION_FOLDER = "evaluation"

_RUNS_PER_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class EvaluationFolder:
    """The evaluation files of one version; they contain no text of incidents.

    >>> EvaluationFolder(Path("evaluation")).judged.as_posix()
    'evaluation/judged.parquet'
    """

    root: Path

    @property
    def judged(self) -> Path:
        """Held-out predictions as Parquet, one row for each incident.

        The columns are `incident` (the hash of its id), `fingerprint` (the hash of its content),
        `label`, `predicted` and `confidence`.
        """
        return self.root / "judged.parquet"

    @property
    def label_noise(self) -> Path:
        """Labels that look mistaken, as CSV; the column `id` is the incident's id."""
        return self.root / "label_noise.csv"

    @property
    def verdict(self) -> Path:
        """The gate's verdict as JSON, without ids of incidents."""
        return self.root / "verdict.json"


def evaluation_folder(version: ModelVersion, home: Home) -> EvaluationFolder:
    """Return the folder of a version's evaluation files."""
    with registry_errors():
        run = connect(home.tracking_uri).get_run(version.run_id)
    return _folder_of(run.info.artifact_uri)


def forget_in_snapshots(id: str, home: Home, tenant: str, content: str | None = None) -> int:  # noqa: A002
    """Remove an incident's rows from the files of every run; return the number of changed files.

    Rows are matched by the incident's id. Older files of predictions have no ids: their rows are
    matched by `content`, the report's fingerprint, so rows of other incidents with the same content
    are removed too. Each file is replaced as a whole, so a reader sees either the old or the new
    file. Concurrent calls could restore each other's removed rows, so callers must hold a lock.
    Raises `RegistryUnavailable` if the runs cannot be listed, or, after trying every file, if a
    file cannot be rewritten.
    """
    database = database_file(home.tracking_uri)
    if database is not None and not database.exists():
        return 0
    with registry_errors():
        folders = list(_evaluation_folders(connect(home.tracking_uri), tenant))
    changed_files, failures = 0, []
    for file in (file for folder in folders for file in (folder.judged, folder.label_noise)):
        try:
            changed_files += _remove_rows(id, content, file)
        except (OSError, ValueError) as error:
            failures.append(f"{file} ({error})")
    if failures:
        raise RegistryUnavailable(
            f"{'; '.join(failures)}: cannot be rewritten; repair or delete it"
        )
    return changed_files


def _evaluation_folders(client: MlflowClient, tenant: str) -> Iterator[EvaluationFolder]:
    experiment = client.get_experiment_by_name(tenant)
    token: str | None = None
    while experiment is not None:
        runs = client.search_runs(
            [experiment.experiment_id],
            # MLflow keeps the files of deleted runs until `mlflow gc` removes them.
            run_view_type=ViewType.ALL,
            max_results=_RUNS_PER_PAGE,
            page_token=token,
        )
        yield from (_folder_of(run.info.artifact_uri) for run in runs)
        token = runs.token
        if not token:
            return


def _folder_of(artifact_uri: str | None) -> EvaluationFolder:
    return EvaluationFolder(local_path(artifact_uri or "") / EVALUATION_FOLDER)


def _remove_rows(id: str, content: str | None, file: Path) -> bool:  # noqa: A002
    if not file.is_file():
        return False
    # The draft's name is fixed, so that the next rewrite overwrites a draft that a crash left.
    draft = file.with_name(f"{file.name}.part")
    if file.suffix == ".csv":
        has_rows = _write_other_labels(id, file, draft)
    else:
        has_rows = _write_other_predictions(id, content, file, draft)
    if has_rows:
        draft.replace(file)
    return has_rows


def _write_other_labels(id: str, file: Path, draft: Path) -> bool:  # noqa: A002
    with file.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    id_column = header.index("id")
    remaining_rows = [row for row in rows if unescape_formula(row[id_column]) != id]
    if len(remaining_rows) == len(rows):
        return False
    with draft.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *remaining_rows])
    return True


def _write_other_predictions(id: str, content: str | None, file: Path, draft: Path) -> bool:  # noqa: A002
    judged = pd.read_parquet(file)
    if "incident" in judged:
        unwanted = judged["incident"] == hash_ids([id])[0]
    else:
        unwanted = judged["fingerprint"] == content
    if not unwanted.any():
        return False
    judged[~unwanted].to_parquet(draft, index=False)
    return True
