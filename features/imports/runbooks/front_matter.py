"""Reads the front matter of a page: YAML between `---`, TOML between `+++`, or a JSON object."""

import json
import re
import tomllib
from collections.abc import Callable
from typing import TypeVar

import yaml

# Other addresses of the page, as Hugo, Jekyll and MkDocs name them.
ADDRESS_FACTS = ("aliases", "alias", "redirect_from", "permalink", "slug", "url")
_FENCED = re.compile(
    r"\A(---|\+\+\+|;;;)[ \t]*\n(.*?)(?:\A|(?<=\n))(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_COMMENTS = re.compile(r"\A(?:\s*<!--.*?-->)*\s*(?=---[ \t]*\n|\+\+\+[ \t]*\n)", re.DOTALL)
_PLAIN_LINE = re.compile(r"([A-Za-z_][\w -]{0,50}):[ \t]+([^\[\]{}!&*|>%@`].*)")
_MOST_ADDRESSES = 50
_LONGEST_ADDRESS = 500


Parsed = TypeVar("Parsed")


class BadRunbook(ValueError):
    """A text is not a readable runbook; the message says why."""


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """Return the facts of a page's front matter, and the page without it.

    Lists and mappings are left out, except lists of addresses. Raises `BadRunbook` if the front
    matter cannot be parsed or is not a mapping.

    >>> split_front_matter('+++' + chr(10) + 'title = "Disk full"' + chr(10) + '+++')
    ({'title': 'Disk full'}, '')
    """
    # A comment for a linter may stand above the front matter.
    text = _COMMENTS.sub("", text, count=1)
    fenced = _FENCED.match(text)
    if fenced:
        language, parse = _LANGUAGES[fenced[1]]
        return _facts(_parsed(parse, fenced[2], language)), text[fenced.end() :]
    if re.match(r"\{\s*\n?\s*\"", text):
        content, end = _parsed(json.JSONDecoder().raw_decode, text, "JSON")
        return _facts(content), text[end:]
    return {}, text


def _yaml(content: str) -> object:
    """Return the YAML; if it is not valid, as where a title holds a colon, line by line."""
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError:
        lines = [line for line in content.splitlines() if line.strip() and line.strip()[0] != "#"]
        plain = [_PLAIN_LINE.fullmatch(line.rstrip()) for line in lines]
        if not lines or None in plain:
            raise
        return {line[1]: line[2].strip().strip("\"'") for line in plain if line}


_LANGUAGES: dict[str, tuple[str, Callable[[str], object]]] = {
    "---": ("YAML", _yaml),
    "+++": ("TOML", tomllib.loads),
    ";;;": ("JSON", json.loads),
}


def _parsed(parse: Callable[[str], Parsed], content: str, language: str) -> Parsed:
    try:
        return parse(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadRunbook(f"has front matter that is not valid {language}") from error


def _facts(content: object) -> dict[str, str]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadRunbook("has front matter that is not a mapping of names to values")
    facts = {str(name): _fact(str(name), value) for name, value in content.items()}
    return {name: fact for name, fact in facts.items() if fact is not None}


def _fact(name: str, value: object) -> str | None:
    """Return a value as text; None for a list or mapping, which is not shown and may be huge."""
    if isinstance(value, list) and name in ADDRESS_FACTS:
        texts = [entry for entry in value[:_MOST_ADDRESSES] if isinstance(entry, str)]
        return "\n".join(text[:_LONGEST_ADDRESS] for text in texts)
    return None if value is None or isinstance(value, list | dict) else str(value)
