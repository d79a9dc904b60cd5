"""Stores a version's held-out predictions, to compare the next version with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from features.home import Home
from models.artifacts.evaluation_files import EvaluationFolder, evaluation_folder
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import hash_ids
from training.evaluation.evaluate import Evaluation

_COLUMNS = {
    "incident": "uint64",
    "fingerprint": "str",
    "label": "str",
    "predicted": "str",
    "confidence": "float64",
}


def write_held_out_predictions(
    evaluation: Evaluation, ids: Sequence[str], folder: EvaluationFolder
) -> None:
    """Write held-out predictions, with a hash of each incident's id and without its text.

    `ids` has the id of each incident in the history; the evaluation's `rows` are indices into it.
    """
    folder.root.mkdir(parents=True, exist_ok=True)
    predictions = evaluation.judged
    pd.DataFrame(
        {
            "incident": hash_ids([ids[row] for row in evaluation.rows]),
            "fingerprint": evaluation.fingerprints,
            "label": [evaluation.classes[number] for number in predictions.labels],
            "predicted": [evaluation.classes[number] for number in predictions.predicted],
            "confidence": predictions.confidence,
        }
    ).to_csv(folder.judged, index=False)


def read_held_out_predictions(folder: EvaluationFolder) -> pd.DataFrame:
    """Return the rows that `write_held_out_predictions` wrote, none if there is no file."""
    if folder.judged.is_file():
        return pd.read_csv(
            folder.judged,
            dtype=_COLUMNS,
            keep_default_na=False,  # a label may be "null" or "NA"
        )
    if folder.judged_parquet.is_file():
        return pd.read_parquet(folder.judged_parquet)
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _COLUMNS.items()})


@dataclass(frozen=True, slots=True)
class StoredPredictions:
    """A version's held-out predictions by fingerprint, and the correct labels by hashed id."""

    predicted: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[int, str] = field(default_factory=dict)


def held_out_answers(version: ModelVersion, home: Home) -> StoredPredictions:
    """Read the held-out predictions of a version, empty if none are stored.

    Raises `RegistryUnavailable`.
    """
    table = read_held_out_predictions(evaluation_folder(version, home))
    predicted = dict(zip(table["fingerprint"].tolist(), table["predicted"].tolist(), strict=True))
    # Old files have no column of incident ids.
    ids = table["incident"].tolist() if "incident" in table else []
    return StoredPredictions(predicted, dict(zip(ids, table["label"].tolist(), strict=False)))
