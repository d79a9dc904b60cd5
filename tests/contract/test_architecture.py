"""The page of the architecture names modules and folders that exist, and every folder there is."""

import re
from pathlib import Path

from structure import modules_by_folder

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
SECTION = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([\w/]+)/` \|(.*?)\|(.*?)\|$", re.MULTILINE)


def named_folders() -> dict[str, bool]:
    """Return the folders that the tables name, by whether something stands there today."""
    return {
        f"{package}/{folder}": bool(today.strip())
        for package, text in SECTION.findall(PAGE)
        for folder, today, _planned in ROW.findall(text)
    }


def test_every_module_that_is_named_exists():
    modules = re.findall(r"`((?:features|models|training|serving|tests)/[\w/]+\.py)`", PAGE)
    assert len(modules) > 40
    assert [module for module in modules if not (ROOT / module).is_file()] == []


def test_every_folder_is_named_and_those_that_hold_something_exist():
    folders = {folder for folder in modules_by_folder(ROOT) if "/" in folder}
    named = named_folders()
    within = {folder for folder in folders if folder not in named}
    assert {folder for folder in within if folder.rpartition("/")[0] not in named} == set()
    assert [
        folder for folder, is_built in named.items() if is_built and folder not in folders
    ] == []
