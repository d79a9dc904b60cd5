"""What a version predicted for incidents it had not seen, kept for comparison with the next."""

from collections.abc import Mapping, Sequence

import pandas as pd

from features.home import Home
from models.artifacts.learned_from import hash_ids
from models.artifacts.registry import ModelRegistry
from models.artifacts.snapshots import EvaluationFolder, evaluation_folder
from training.evaluate import Evaluation


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


def champion_judgement(home: Home, tenant: str, target: str) -> Mapping[str, str] | None:
    """Return the champion's held-out predictions by fingerprint, None without a champion."""
    champion = ModelRegistry(home.tracking_uri, tenant).champions().get(target)
    if champion is None:
        return None
    file = evaluation_folder(champion, home).judged
    if not file.is_file():
        return {}
    judged = pd.read_parquet(file)
    return dict(zip(judged["fingerprint"].tolist(), judged["predicted"].tolist(), strict=True))
