"""Every command that a message or template quotes is one that the command line takes."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import typer

import features
import models
import serving
import training
from features.cli.console import GROUP, console
from serving.__main__ import cli
from training.cli.app import app

PACKAGES = (features, models, serving, training)
FOLDERS = [Path(str(package.__file__)).parent for package in PACKAGES]
COMMAND_LINES = {
    "precedent": typer.main.get_command(console(entry_points(group=GROUP))),
    "python -m training": typer.main.get_command(app),
    "python -m serving": typer.main.get_command(cli),
}
COMMANDS = "|".join(COMMAND_LINES["precedent"].commands)
MODES = {"off", "monitor", "recommend", "auto"}
PLACEHOLDER = "PLACEHOLDER"
QUOTED = re.compile(
    rf"(python -m training|python -m serving|precedent(?= (?:{COMMANDS})\b))"
    r"\b((?: (?![,;])[^\s<>()`;,]+)*)"
)
WITHOUT_PROGRAM = re.compile(rf"(?<!-m )\btraining (?:{COMMANDS}) +(?:--|[a-z]+ --)")


@cache
def texts() -> tuple[str, ...]:
    """Return every string literal and template, with a placeholder for what is filled in."""
    found: list[str] = []
    for folder in FOLDERS:
        for module in folder.rglob("*.py"):
            found += literals(ast.parse(module.read_text(encoding="utf-8")))
        for template in folder.rglob("*.html"):
            found.append(re.sub(r"{{.*?}}", PLACEHOLDER, template.read_text(encoding="utf-8")))
    return tuple(found)


def literals(node: ast.AST) -> Iterator[str]:
    """Yield the literals below a node but docstrings; the parts of an f-string are one."""
    if isinstance(node, ast.Expr):
        yield from () if isinstance(node.value, ast.Constant) else literals(node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
        yield "".join(PLACEHOLDER if part is None else str(part) for part in parts)
    else:
        for child in ast.iter_child_nodes(node):
            yield from literals(child)


def quoted_commands() -> list[str]:
    return sorted({match[0] for text in texts() for match in QUOTED.finditer(text)})


def assert_taken(line: str) -> None:
    program = next(program for program in COMMAND_LINES if line.startswith(program))
    arguments = shlex.split(line.removeprefix(program))
    command = COMMAND_LINES[program]
    if arguments and not arguments[0].startswith("-"):
        command = command.commands[arguments.pop(0)]
    context = command.make_context(line, arguments)
    mode = context.params.get("mode")
    assert mode is None or mode.isupper() or mode in MODES, line


def test_quoted_commands_are_taken() -> None:
    lines = quoted_commands()
    assert len(lines) > 5
    for line in lines:
        assert_taken(line)


def test_commands_are_quoted_as_they_are_typed() -> None:
    assert [match[0] for text in texts() for match in WITHOUT_PROGRAM.finditer(text)] == []
