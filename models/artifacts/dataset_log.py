"""Describes a run's training data to MLflow by names, counts and a hash, without its content."""

import json
from collections.abc import Sequence

from mlflow.entities import Dataset, DatasetInput, InputTag

from models.artifacts.loader import REPORT_COLUMNS
from models.base.model_card import Card

_LONGEST_DIGEST = 36
_CONTEXT = "mlflow.data.context"


def describe_data(card: Card, tenant: str, attributes: Sequence[str]) -> DatasetInput:
    """Return the description of a history as an MLflow run's input.

    The digest is the data's hash, cut to the length that MLflow allows; the profile holds the
    whole hash and the counts of rows. `attributes` are the columns beyond `REPORT_COLUMNS`. All
    targets of a history share one data set, because MLflow stores only one data set for each pair
    of name and digest.
    """
    columns = [*REPORT_COLUMNS, *attributes]
    fields = [{"type": "string", "name": name, "required": False} for name in columns]
    profile = {
        "rows_read": card.rows.read,
        "rows_used": card.rows.used,
        "cutoff": card.cutoff.isoformat() if card.cutoff else None,
        "sha256": card.data_sha256,
    }
    dataset = Dataset(
        name=f"history of {tenant}",
        digest=card.data_sha256[:_LONGEST_DIGEST],
        source_type="history",
        source=json.dumps({"sha256": card.data_sha256}),
        schema=json.dumps({"mlflow_colspec": fields}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset=dataset, tags=[InputTag(_CONTEXT, "training")])
