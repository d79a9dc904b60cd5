"""What a version predicted for incidents it had not seen, kept for comparison with the next."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlparse

import pandas as pd

from features.home import Home
from models.artifacts.registry import ModelRegistry, ModelVersion
from models.artifacts.tracking import connect, registry_errors
from training.evaluate import Evaluation
from training.register import EVALUATION_FOLDER

_FILE = "judged.parquet"


def write_judgement(evaluation: Evaluation, folder: Path) -> None:
    """Write held-out predictions by fingerprint; no text of an incident is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    judged = evaluation.judged
    pd.DataFrame(
        {
            "fingerprint": evaluation.fingerprints,
            "label": [evaluation.classes[number] for number in judged.labels],
            "predicted": [evaluation.classes[number] for number in judged.predicted],
            "confidence": judged.confidence,
        }
    ).to_parquet(folder / _FILE, index=False)


def champion_judgement(home: Home, tenant: str, target: str) -> Mapping[str, str] | None:
    """Return the champion's held-out predictions by fingerprint, None without a champion."""
    champion = ModelRegistry(home.tracking_uri, tenant).champions().get(target)
    if champion is None:
        return None
    folder = evaluation_folder(champion, home)
    if not (folder / _FILE).is_file():
        return {}
    judged = pd.read_parquet(folder / _FILE)
    return dict(zip(judged["fingerprint"].tolist(), judged["predicted"].tolist(), strict=True))


def evaluation_folder(version: ModelVersion, home: Home) -> Path:
    """Return the folder of what is kept on how a version was judged."""
    with registry_errors():
        run = connect(home.tracking_uri).get_run(version.run_id)
    return Path(unquote(urlparse(run.info.artifact_uri).path)) / EVALUATION_FOLDER
