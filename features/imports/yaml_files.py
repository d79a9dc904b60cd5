"""YAML files that people write by hand: a mapping, a topology, what to watch."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from features.errors import PrecedentError


def read_yaml(file: Path, what: str, refuse: type[PrecedentError]) -> object:
    """Return what a YAML file holds; raises `refuse` with one line that says what to fix.

    `what` is what that line calls the file, such as "the mapping".
    """
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(f"{file}: {what} cannot be read: {_reason(error)}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "forbidden characters"
        raise refuse(f"{file}:{line} {what} is no YAML: {problem}") from error
    # PyYAML raises a plain ValueError for values such as `2020-99-99`.
    except ValueError as error:
        raise refuse(f"{file}: a value cannot be read: {error}; put it in quotes") from error
    except RecursionError:
        raise refuse(f"{file}: {what} is nested too deeply") from None


def explain(error: ValidationError, what: str) -> str:
    """Return the first thing that is wrong with the content of a YAML file."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {place!r}"
    if first["type"] == "missing":
        return f"the key {place!r} is missing"
    if first["type"] in ("model_type", "model_attributes_type"):
        return f"{place or what} must be a section of `key: value` lines"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return error.strerror or str(error)
