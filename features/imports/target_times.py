"""Reads the target times by severity, which say when an incident should be resolved."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import UnreadableFile
from features.imports.yaml_files import explain, read_yaml


class TargetTimes(BaseModel):
    """The content of the file: `hours` by severity, spelled as in the history."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    hours: dict[str, float] = Field(default_factory=dict)


def read_target_hours(file: Path) -> Mapping[str, float]:
    """Return the target times in hours by severity, none if there is no such file.

    Raises `UnreadableFile` if the file is malformed or a time is not above 0.
    """
    if not file.exists():
        return {}
    content = read_yaml(file, "the target times", UnreadableFile)
    try:
        hours = TargetTimes.model_validate({} if content is None else content).hours
    except ValidationError as error:
        raise UnreadableFile(f"{file}: {explain(error, 'the target times')}") from None
    for severity, value in hours.items():
        if not value > 0:
            raise UnreadableFile(f"{file}: the target of {severity!r} must be above 0 hours")
    return hours
