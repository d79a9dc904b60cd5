"""Reads YAML files that people write by hand, such as a mapping, a topology or a watch file."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from features.errors import PrecedentError


def read_yaml(file: Path, name: str, error_type: type[PrecedentError]) -> object:
    """Return the content of a YAML file; raises `error_type` with one line that says what to fix.

    `name` is what the message calls the file, such as "the mapping".
    """
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise error_type(f"{file}: {name} cannot be read: {_reason(error)}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "forbidden characters"
        raise error_type(f"{file}:{line} {name} is not valid YAML: {problem}") from error
    # PyYAML raises a plain ValueError for values such as `2020-99-99`.
    except ValueError as error:
        raise error_type(f"{file}: a value cannot be read: {error}; put it in quotes") from error
    except RecursionError:
        raise error_type(f"{file}: {name} is nested too deeply") from None


def explain(error: ValidationError, name: str) -> str:
    """Return the first validation error of a YAML file in words; `name` names the file."""
    details = error.errors()[0]
    key = ".".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        return f"unknown key {key!r}"
    if details["type"] == "missing":
        return f"the key {key!r} is missing"
    if details["type"] in ("model_type", "model_attributes_type"):
        return f"{key or name} must be a section of `key: value` lines"
    return f"{key}: {details['msg'].removeprefix('Value error, ')}".removeprefix(": ")


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return error.strerror or str(error)
