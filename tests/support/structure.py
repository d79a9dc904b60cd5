"""Measures the structure of a checkout: `python tests/support/structure.py [CHECKOUT]`."""

import ast
import io
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("features", "models", "training", "serving")

_SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def product_modules(checkout: Path) -> tuple[Path, ...]:
    """Return the modules of the product, but for migrations."""
    paths = (path for package in PACKAGES for path in (checkout / package).rglob("*.py"))
    return tuple(sorted(path for path in paths if "migrations" not in path.parts))


def modules_by_folder(checkout: Path) -> Counter[str]:
    """Count the modules of each folder, without `__init__`."""
    return Counter(
        path.parent.relative_to(checkout).as_posix()
        for path in product_modules(checkout)
        if path.name != "__init__.py"
    )


def classes_by_name(checkout: Path) -> dict[str, list[str]]:
    """Return where each class is defined, by its name; private ones too."""
    places = defaultdict(list)
    for path in product_modules(checkout):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path.relative_to(checkout).as_posix())
    return dict(places)


def code_lines(path: Path) -> int:
    """Count the lines of a module that hold code: no blanks, comments or docstrings."""
    text = path.read_text()
    docstrings = {line for start, end in _docstrings(text) for line in range(start, end + 1)}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {
        line
        for token in tokens
        if token.type not in _SILENT and token.type != tokenize.ENDMARKER
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - docstrings)


def _docstrings(text: str) -> Iterator[tuple[int, int]]:
    for node in ast.walk(ast.parse(text)):
        value = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield node.lineno, node.end_lineno or node.lineno


def describe(checkout: Path) -> Iterator[str]:
    """Yield the figures, a line each."""
    folders = modules_by_folder(checkout)
    folder, most = folders.most_common(1)[0]
    repeated = {name for name, places in classes_by_name(checkout).items() if len(places) > 1}
    public = sum(not name.startswith("_") for name in repeated)
    yield f"modules: {folders.total()} in {len(folders)} folders, at most {most} ({folder})"
    yield f"class names with two meanings: {public} public, {len(repeated) - public} private"
    lines = sum(code_lines(path) for path in product_modules(checkout))
    yield f"lines of code without docstrings, comments and blanks: {lines:,}"


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2]
    sys.stdout.write("\n".join(describe(root.absolute())) + "\n")
