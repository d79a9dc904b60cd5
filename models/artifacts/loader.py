"""The loader module for `mlflow.pyfunc.load_model`: a model of data frames instead of reports."""

from collections.abc import Hashable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.domain.report import IncidentReport
from models.artifacts.load_artifact import load_artifact
from models.artifacts.trusted_types import SERVED_TYPES
from models.base.predictions import Prediction
from models.base.report_model import ReportPredictor

REPORT_COLUMNS = ("id", "title", "description", "service", "source", "opened_at")


class FrameModel:
    """A report model whose input and output are data frames.

    The input's columns are those of `REPORT_COLUMNS`, each optional, and further columns are
    attributes. The output has the same index and the columns label, confidence and decision. The
    models of similar incidents and of runbooks search the store, which is not part of an artifact.
    So when loaded here they find nothing: the label is empty, the confidence 0 and the decision
    abstain.
    """

    def __init__(self, model: ReportPredictor) -> None:
        self._model = model

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Return one answer for each row of `model_input`, in order."""
        reports = parse_reports(model_input)
        answers = [_answer_row(answer) for answer in self._model.predict(reports)]
        columns = ["label", "confidence", "decision"]
        return pd.DataFrame(answers, columns=columns, index=model_input.index)


def parse_reports(frame: pd.DataFrame) -> list[IncidentReport]:
    """Read one report from each row; times without a zone are UTC.

    Nulls and unreadable times are left out.

    >>> parse_reports(pd.DataFrame({"title": ["VPN down"], "site": ["Graz"]}))[0].attributes
    {'site': 'Graz'}
    """
    return [_parse_report(row, n) for n, row in enumerate(frame.to_dict("records"), start=1)]


def _parse_report(row: Mapping[Hashable, Any], number: int) -> IncidentReport:
    values = {str(column): value for column, value in row.items() if not pd.isna(value)}
    facts = {column: str(values[column]) for column in values if column != "opened_at"}
    return IncidentReport(
        id=facts.get("id", f"row-{number}"),
        opened_at=_parse_time(values["opened_at"]) if "opened_at" in values else None,
        title=facts.get("title", ""),
        description=facts.get("description", ""),
        service=facts.get("service"),
        source=facts.get("source"),
        attributes={name: facts[name] for name in facts if name not in REPORT_COLUMNS},
    )


def _parse_time(value: str | datetime) -> datetime | None:
    moment = pd.to_datetime(value, utc=True, errors="coerce")
    return None if pd.isna(moment) else moment.to_pydatetime()


def _answer_row(answer: Prediction) -> tuple[str, float, str]:
    return answer.label, answer.confidence, str(answer.decision)


def _load_pyfunc(data_path: str) -> FrameModel:
    # MLflow passes no expected hash. Only ModelRegistry detects that a whole folder was replaced.
    loaded = load_artifact(Path(data_path), expected_sha256=None, trusted=SERVED_TYPES)
    return FrameModel(loaded.model)
