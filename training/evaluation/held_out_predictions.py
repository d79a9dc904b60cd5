"""A version's predictions for incidents it had not seen, kept to compare the next version with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from features.home import Home
from models.artifacts.evaluation_files import EvaluationFolder, evaluation_folder
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import hash_ids
from training.evaluation.evaluate import Evaluation


def write_held_out_predictions(
    evaluation: Evaluation, ids: Sequence[str], folder: EvaluationFolder
) -> None:
    """Write held-out predictions, each with a hash of the incident's id and without its text.

    `ids` are the ids of the whole history; the evaluation's rows are places in it.
    """
    folder.root.mkdir(parents=True, exist_ok=True)
    judged = evaluation.judged
    pd.DataFrame(
        {
            "incident": hash_ids([ids[row] for row in evaluation.rows]),
            "fingerprint": evaluation.fingerprints,
            "label": [evaluation.classes[number] for number in judged.labels],
            "predicted": [evaluation.classes[number] for number in judged.predicted],
            "confidence": judged.confidence,
        }
    ).to_parquet(folder.judged, index=False)


@dataclass(frozen=True, slots=True)
class StoredPredictions:
    """A version's held-out predictions by fingerprint, and its labels by hash of the id."""

    predicted: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[int, str] = field(default_factory=dict)


def held_out_answers(version: ModelVersion, home: Home) -> StoredPredictions:
    """Read the held-out predictions that a version kept; empty where it kept none.

    Raises `RegistryUnavailable`.
    """
    file = evaluation_folder(version, home).judged
    if not file.is_file():
        return StoredPredictions()
    judged = pd.read_parquet(file)
    predicted = dict(zip(judged["fingerprint"].tolist(), judged["predicted"].tolist(), strict=True))
    # Files of the first versions have no column of incident ids.
    ids = judged["incident"].tolist() if "incident" in judged else []
    return StoredPredictions(predicted, dict(zip(ids, judged["label"].tolist(), strict=False)))
