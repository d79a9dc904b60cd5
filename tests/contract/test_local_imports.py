"""Benchmarks and test support import only names that the other file has; nothing runs them here."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
FOLDERS = (TESTS / "benchmarks", TESTS / "support")
MODULES = {file.stem: file for folder in FOLDERS for file in folder.glob("*.py")}


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def names_of(module: ast.Module) -> set[str]:
    """Return the names that a module defines or imports at its top level."""
    names = set()
    for node in ast.walk(module):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case ast.Import() | ast.ImportFrom():
                names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return names


def test_names_imported_from_files_beside_exist() -> None:
    trees = {name: parse(file) for name, file in MODULES.items()}
    defined = {name: names_of(tree) for name, tree in trees.items()}
    missing = [
        f"{importer} imports {alias.name} from {node.module}"
        for importer, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES and not node.level
        for alias in node.names
        if alias.name not in defined[node.module]
    ]
    assert not missing
