"""Writes docs/settings.md from the docstrings of the settings: `make docs`."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from features.encoding.encoder_weights import EncoderSettings
from features.home import HomeSettings
from features.text.masking import MaskingSettings
from serving.runtime.settings import ServingSettings
from training.settings import TrainingSettings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

_SECTIONS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("State", HomeSettings),
    ("Reading texts", MaskingSettings),
    ("Encoder", EncoderSettings),
    ("Training", TrainingSettings),
    ("Service", ServingSettings),
)
_INTRODUCTION = """# Settings

Environment variables; one that is empty counts as not set. One that starts with `PRECEDENT_` and
is none of these is named in a warning when a command starts. This page is written by `make docs`.
"""


def settings_page() -> str:
    """Return the page: a table for each group of settings, none of them twice."""
    named: set[str] = set()
    parts = [_INTRODUCTION]
    for title, settings in _SECTIONS:
        fields = {name: field for name, field in settings.model_fields.items() if name not in named}
        named |= fields.keys()
        table = _table(fields, _meanings(settings))
        parts.append("\n".join([f"## {title}", "", *table]) + "\n")
    return "\n".join(parts)


def _meanings(settings: type[BaseSettings]) -> dict[str, str]:
    """Return the text below each field; to read them at import would slow every start."""
    source = ast.parse(textwrap.dedent(inspect.getsource(settings))).body[0]
    return {
        field.target.id: " ".join(ast.literal_eval(text.value).split())
        for field, text in pairwise(source.body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)
    }


def _table(fields: dict[str, FieldInfo], meanings: dict[str, str]) -> Iterator[str]:
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    for name, field in fields.items():
        yield f"| `PRECEDENT_{name.upper()}` | {_default(field.default)} | {meanings[name]} |"


def _default(value: object) -> str:
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, frozenset):
        return "`all`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(settings_page())
