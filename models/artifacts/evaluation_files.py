"""The evaluation files of a run, and the removal of an incident from them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.errors import RegistryUnavailable
from features.home import Home
from features.text.csv_cells import unescape_formula
from models.artifacts.registries.open_registry import (
    RESTORE,
    database_is_missing,
    is_in_home,
    local_path,
    open_registry,
)
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import hash_ids

EVALUATION_FOLDER = "evaluation"


@dataclass(frozen=True, slots=True)
class EvaluationFolder:
    """The evaluation files of one version; they contain no text of incidents.

    >>> EvaluationFolder(Path("evaluation")).judged.as_posix()
    'evaluation/judged.csv'
    """

    root: Path

    @property
    def judged(self) -> Path:
        """Held-out predictions as CSV, one row for each incident.

        The columns are `incident` (the hash of its id), `fingerprint` (the hash of its content),
        `label`, `predicted` and `confidence`.
        """
        return self.root / "judged.csv"

    @property
    def judged_parquet(self) -> Path:
        """The held-out predictions as earlier versions wrote them, in Parquet."""
        return self.root / "judged.parquet"

    @property
    def label_noise(self) -> Path:
        """Labels that look mistaken, as CSV; the column `id` is the incident's id."""
        return self.root / "label_noise.csv"

    @property
    def files_with_incidents(self) -> tuple[Path, ...]:
        """The files that have a row for each incident."""
        return self.judged, self.judged_parquet, self.label_noise

    @property
    def verdict(self) -> Path:
        """The gate's verdict as JSON, without ids of incidents."""
        return self.root / "verdict.json"


def evaluation_folder(version: ModelVersion, home: Home) -> EvaluationFolder:
    """Return the folder of a version's evaluation files."""
    return _folder_of(open_registry(home.tracking_uri).run_folder(version.run_id))


def forget_in_snapshots(id: str, home: Home, tenant: str, content: str | None = None) -> int:  # noqa: A002
    """Remove an incident's rows from the files of every run; return the number of changed files.

    Rows are matched by the incident's id. Older files of predictions have no ids: their rows are
    matched by `content`, the report's fingerprint, so rows of other incidents with the same content
    are removed too. Each file is replaced as a whole, so a reader sees either the old or the new
    file. Concurrent calls could restore each other's removed rows, so callers must hold a lock.
    Raises `RegistryUnavailable` if the runs cannot be listed, if their files are in another home,
    or, after trying every file, if a file cannot be rewritten.
    """
    if database_is_missing(home.tracking_uri):
        return 0
    # MLflow keeps the files of deleted runs until `mlflow gc` removes them.
    folders = [_folder_of(uri) for uri in open_registry(home.tracking_uri).run_folders(tenant)]
    for folder in folders:
        if not is_in_home(home.tracking_uri, folder.root):
            raise RegistryUnavailable(
                f"{folder.root} is not in this home, which was copied from another; {RESTORE}"
            )
    changed_files, failures = 0, []
    for file in (file for folder in folders for file in folder.files_with_incidents):
        try:
            changed_files += _remove_rows(id, content, file)
        except (OSError, ValueError, ImportError) as error:
            failures.append(f"{file} ({error})")
    if failures:
        raise RegistryUnavailable(
            f"{'; '.join(failures)}: cannot be rewritten; repair or delete it"
        )
    return changed_files


def _folder_of(artifact_uri: str) -> EvaluationFolder:
    return EvaluationFolder(local_path(artifact_uri) / EVALUATION_FOLDER)


def _remove_rows(id: str, content: str | None, file: Path) -> bool:  # noqa: A002
    if not file.is_file():
        return False
    # The draft's name is fixed, so that the next rewrite overwrites a draft that a crash left.
    draft = file.with_name(f"{file.name}.part")
    write = _write_other_rows if file.suffix == ".csv" else _write_other_parquet_rows
    has_rows = write(id, content, file, draft)
    if has_rows:
        draft.replace(file)
    return has_rows


def _write_other_rows(id: str, content: str | None, file: Path, draft: Path) -> bool:  # noqa: A002
    with file.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    column, unwanted = _find_unwanted(id, content, header)
    place = header.index(column)
    remaining_rows = [row for row in rows if unescape_formula(row[place]) != str(unwanted)]
    if len(remaining_rows) == len(rows):
        return False
    with draft.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *remaining_rows])
    return True


def _write_other_parquet_rows(id: str, content: str | None, file: Path, draft: Path) -> bool:  # noqa: A002
    # Only homes of earlier versions have such files, and PyArrow takes 150 MB of disk.
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("install precedent[training] to read it") from error
    table = parquet.read_table(file)
    column, unwanted = _find_unwanted(id, content, table.column_names)
    is_wanted = [value != unwanted for value in table[column].to_pylist()]
    if all(is_wanted):
        return False
    parquet.write_table(table.filter(is_wanted), draft)
    return True


def _find_unwanted(
    id: str,  # noqa: A002
    content: str | None,
    columns: Sequence[str],
) -> tuple[str, str | int | None]:
    """Return the column that names an incident, and the value that names this one."""
    if "id" in columns:
        return "id", id
    if "incident" in columns:
        return "incident", int(hash_ids([id])[0])
    return "fingerprint", content
