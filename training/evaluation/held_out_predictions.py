"""What a version predicted for incidents it had not seen, kept for comparison with the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from features.home import Home
from models.artifacts.evaluation_files import EvaluationFolder, evaluation_folder
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import hash_ids
from training.evaluation.evaluate import Evaluation


def write_judgement(evaluation: Evaluation, ids: Sequence[str], folder: EvaluationFolder) -> None:
    """Write held-out predictions, with a hash of the incident's id; no text of it is kept.

    `ids` are those of the whole history, which the evaluation's rows number.
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
class HeldOut:
    """A version's held-out predictions by fingerprint, and the labels of then by hash of the id."""

    predicted: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[int, str] = field(default_factory=dict)


def held_out_answers(version: ModelVersion, home: Home) -> HeldOut:
    """Read what a version kept of how it was judged; nothing, where it kept no such file.

    Raises `RegistryUnavailable`.
    """
    file = evaluation_folder(version, home).judged
    if not file.is_file():
        return HeldOut()
    judged = pd.read_parquet(file)
    predicted = dict(zip(judged["fingerprint"].tolist(), judged["predicted"].tolist(), strict=True))
    # The first versions named no incidents.
    ids = judged["incident"].tolist() if "incident" in judged else []
    return HeldOut(predicted, dict(zip(ids, judged["label"].tolist(), strict=False)))
