"""Rules of the code that neither ruff nor import-linter checks."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "training", "serving")
MODULES_PER_FOLDER = 20
# Commands import inside their functions, so that `--help` of every command is quick. The registry
# is also asked by commands that load no model, and what loads one takes seconds to import.
IMPORTING_LATE = {
    "features/cli",
    "training/cli",
    "serving/cli",
    "training/__main__.py",
    "models/artifacts/registry.py",
}


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def located(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(ROOT)}:{node.lineno}"


def classes() -> Iterator[tuple[str, str]]:
    """Names of all classes, also of those inside functions, with their places."""
    for file in sources(*PACKAGES):
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.ClassDef):
                yield node.name, located(file, node)


def plain_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What runs on import, without what only type checkers read."""
    for statement in body:
        if is_for_types(statement):
            continue
        if isinstance(statement, ast.If):
            yield from plain_statements([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.With):
            yield from plain_statements(statement.body)
        elif isinstance(statement, ast.Try):
            yield from plain_statements([*statement.body, *statement.orelse, *statement.finalbody])
        else:
            yield statement


def is_overload(statement: ast.stmt) -> bool:
    decorators = getattr(statement, "decorator_list", [])
    return any(ast.unparse(decorator).endswith("overload") for decorator in decorators)


def assigned_names(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module gives something to."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (name for target in targets for name in stored_names(target))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)


def stored_names(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def is_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)


def imported(node: ast.AST) -> Iterator[str]:
    """The packages that a statement imports from."""
    if isinstance(node, ast.ImportFrom):
        yield (node.module or "").split(".")[0]
    elif isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)


def late_imports(file: Path) -> Iterator[ast.AST]:
    """Imports of the product below the top of a module; heavy libraries may come when needed."""
    for block in parsed(file).body:
        for node in ast.walk(block) if not is_for_types(block) else ():
            if node is not block and set(imported(node)) & set(PACKAGES):
                yield node


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_holds_few_modules(package: str) -> None:
    modules = Counter(
        str(file.parent.relative_to(ROOT))
        for file in sources(package)
        if file.name != "__init__.py"
    )
    assert {folder for folder, count in modules.items() if count > MODULES_PER_FOLDER} == set()


def test_a_class_name_has_one_meaning() -> None:
    places: dict[str, list[str]] = {}
    for name, place in classes():
        places.setdefault(name, []).append(place)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_name_of_a_module_is_assigned_once() -> None:
    twice = {}
    for file in sources(*PACKAGES):
        statements = plain_statements(parsed(file).body)
        names = Counter(
            name
            for statement in statements
            if not is_overload(statement)
            for name in assigned_names(statement)
        )
        if repeated := {name for name, count in names.items() if count > 1 and name != "_"}:
            twice[str(file.relative_to(ROOT))] = repeated
    assert twice == {}


def test_commands_live_in_the_folders_that_may_import_late() -> None:
    modules = {entry.module for entry in entry_points(group="precedent.commands")}
    folders = {module.rpartition(".")[0].replace(".", "/") for module in modules}
    assert folders == {"training/cli", "serving/cli"}


def test_imports_of_the_product_stand_at_the_top() -> None:
    files = {str(file.relative_to(ROOT)): file for file in sources(*PACKAGES)}
    late = [
        located(file, node)
        for name, file in files.items()
        if not IMPORTING_LATE & {name, name.rpartition("/")[0]}
        for node in late_imports(file)
    ]
    assert late == []


def test_tests_keep_out_of_each_others_private_names() -> None:
    own = {file.stem for file in sources("tests")} | {"tests"}
    private = [
        f"{located(file, node)} {alias.name}"
        for file in sources("tests")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in own
        for alias in node.names
        if alias.name.startswith("_")
    ]
    assert private == []
