"""Saves a model to a folder without pickle."""

from collections.abc import Sequence
from pathlib import Path

from models.artifacts.fitted_model import dump_fitted_model
from models.artifacts.golden_examples import record_golden
from models.artifacts.manifest import ArtifactFolder, write_manifest
from models.artifacts.plan_files import write_plan
from models.artifacts.training_ids import write_learned_from
from models.base.model_card import Card
from models.base.report_model import ReportModel


def save_artifact(
    model: ReportModel, card: Card, folder: Path, *, learned_from: Sequence[str] = ()
) -> str:
    """Write a fitted model, its card, arrays and golden examples; return the manifest's SHA-256.

    The part that serves is written as a plan of arrays, beside the fitted model itself. `folder` is
    created if it does not exist, and must be empty. `model` is not changed. `learned_from` are the
    ids of the incidents that the model was fitted or evaluated on; only their hashes are saved.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    files = ArtifactFolder(folder)
    predictor = model.predictor()
    files.golden.write_text(record_golden(predictor), encoding="utf-8")
    files.card.write_text(card.to_json(), encoding="utf-8")
    write_learned_from(learned_from, files.learned_from)
    write_plan(predictor, files.scorer)
    dump_fitted_model(model, files)
    return write_manifest(files)
