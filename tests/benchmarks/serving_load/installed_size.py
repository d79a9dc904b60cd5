"""The size of the packages that an installation by role brings."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from service_process import REPOSITORY


def installed_bytes(role: str = "serving") -> dict[str, int]:
    """Return the bytes of each package that `precedent[role]` needs, directly or not.

    The sizes are those of the packages that are installed here; a package that is not installed
    counts nothing.
    """
    sizes: dict[str, int] = {}
    waiting = list(_own_requirements(role))
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        if name not in sizes:
            sizes[name] = _size(package)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _needed(package.requires or [], extra)
    return sizes


def _own_requirements(role: str) -> Iterator[Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    yield from map(Requirement, project["dependencies"])
    yield from map(Requirement, project["optional-dependencies"][role])


def _needed(lines: list[str], extra: str) -> list[Requirement]:
    requirements = [Requirement(line) for line in lines]
    return [
        requirement
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra})
    ]


def _size(package: Distribution) -> int:
    files = [file.locate() for file in package.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file())  # type: ignore[attr-defined]
