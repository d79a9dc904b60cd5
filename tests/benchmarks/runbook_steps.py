"""How many steps of a folder of runbooks are no instructions: links, contents, cells of tables.

`python tests/benchmarks/runbook_steps.py [FOLDER ...]` counts them; without a folder it reads the
public runbooks of the data set. A step counts as a link if it is nothing but one on the page, as
contents if it repeats a heading, and as a cell if it is one whole cell of a table.
"""

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from data_sets import data_folder
from rich.console import Console

from features.imports.runbooks.markdown import parse_runbook

_LINK = re.compile(r"\[([^\]\n]{1,300})\]\([^)\n]{0,500}\)")
_LINK_ITEM = re.compile(
    r"^\s*(?:[-*+]|\d+\.)\s+"
    r"(?:(?:also |please )?see(?: also)?:? )?\[([^\]\n]+)\]\([^)\n]*\)\W*$",
    re.MULTILINE | re.IGNORECASE,
)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_ROW = re.compile(r"^\s*\|(.+)\|\s*$", re.MULTILINE)
_ADDRESS = re.compile(r"\s*\(https?://[^)\s]*\)")
_NO_LETTER = re.compile(r"[\W_]+")


def count_steps(pages: Iterator[tuple[str, str]]) -> Counter[str]:
    """Return the counts of pages, pages with steps, steps, and steps that are no instructions."""
    counts: Counter[str] = Counter()
    for name, text in pages:
        try:
            steps = parse_runbook(text, name).steps
        except ValueError:
            continue
        links = {_plain(_LINK.sub(r"\1", link)) for link in _LINK_ITEM.findall(text)}
        headings = {_plain(heading) for heading in _HEADING.findall(text)}
        cells = {_plain(cell) for row in _ROW.findall(text) for cell in row.split("|")}
        plain_steps = [
            _plain(re.sub(r"^see (?:also )?", "", step, flags=re.IGNORECASE)) for step in steps
        ]
        counts += Counter(
            {
                "pages": 1,
                "pages with steps": bool(steps),
                "steps": len(steps),
                "links": sum(step in links for step in plain_steps),
                "contents": sum(step in headings for step in plain_steps),
                "cells": sum(step in cells for step in plain_steps),
            }
        )
    return counts


def _plain(text: str) -> str:
    return _NO_LETTER.sub("", _ADDRESS.sub("", text)).lower() or "-"


def _pages(folders: list[Path]) -> Iterator[tuple[str, str]]:
    if not folders:
        path = data_folder() / "runbooks" / "runbooks.jsonl.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for page in map(json.loads, file):
                yield page["runbook_id"], page["text"]
    for folder in folders:
        for path in sorted(folder.rglob("*.md")):
            yield path.stem, path.read_text(encoding="utf-8")


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    counts = count_steps(_pages(parser.parse_args().folders))
    Console().print(" | ".join(f"{name} {count:,}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
