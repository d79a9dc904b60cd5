"""Which modules of the product a piece of code enters, and how often a call climbs a layer."""

import inspect
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PACKAGES = ("features", "models", "training", "serving")
ROOT = Path(__file__).parents[2]


class Layers:
    """The heights of modules, as import-linter's contracts in pyproject.toml order them."""

    def __init__(self, pyproject: Path = ROOT / "pyproject.toml") -> None:
        contracts = tomllib.loads(pyproject.read_text())["tool"]["importlinter"]["contracts"]
        self._heights: dict[str, int] = {}
        for contract in contracts:
            if contract["type"] == "layers":
                (container,) = contract.get("containers", [""])
                for height, layer in enumerate(reversed(contract["layers"]), start=1):
                    for name in layer.split("|"):
                        self._heights[f"{container}.{name.strip(' ()')}".lstrip(".")] = height

    def of(self, module: str) -> tuple[int, int]:
        """Return the height of a module's package, and that of its room inside it.

        What stands in no contract is below all others, and a program's `__main__` above.

        >>> Layers().of("models.kinds") > Layers().of("models.base.report_model")
        True
        """
        package, _, rest = module.partition(".")
        room = f"{package}.{rest.partition('.')[0]}"
        top = 99 if room.endswith("__main__") else 0
        return self._heights[package], self._heights.get(room, top)


class WalkTracer:
    """Follows calls in every thread that starts while it is installed, as long as it records.

    A call from one of our functions into another counts, also by way of a library. A climb is a
    pair of functions where the called one lives in a higher layer: a callback, or a cut in the
    wrong place. `rename` gives a module the name that its place is looked up by.
    """

    def __init__(self, rename: Callable[[str], str] = str, layers: Layers | None = None) -> None:
        self.modules: set[str] = set()
        self.climbs: set[tuple[str, str]] = set()
        self._calls: set[tuple[str, str]] = set()
        self._rename = rename
        self._layers = layers or Layers()
        self._is_recording = False
        self._busy: set[int] = set()

    @property
    def rooms(self) -> set[str]:
        """The first two levels of the modules."""
        return {".".join(self._rename(module).split(".")[:2]) for module in self.modules}

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Follow this thread and those that it starts."""
        threading.setprofile(self._follow)
        sys.setprofile(self._follow)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what happens meanwhile, except in threads that were busy with something else."""
        self._busy = {
            thread
            for thread, frame in sys._current_frames().items()
            if any(is_ours(outer) for outer in stack(frame))
        }
        self._is_recording = True
        try:
            yield
        finally:
            self._is_recording = False

    def _follow(self, frame: FrameType, event: str, _argument: object) -> None:
        if not self._is_recording or event != "call" or not is_ours(frame):
            return
        if threading.get_ident() not in self._busy:
            self._enter(frame)

    def _enter(self, frame: FrameType) -> None:
        module = frame.f_globals["__name__"]
        self.modules.add(module)
        # A generator's frame is entered by whoever takes its next value, which is no call.
        if frame.f_code.co_flags & inspect.CO_GENERATOR:
            return
        caller = next((outer for outer in stack(frame.f_back) if is_ours(outer)), None)
        if caller is not None:
            call = named(caller), named(frame)
            if call not in self._calls:
                self._calls.add(call)
                below = self._layers.of(self._rename(caller.f_globals["__name__"]))
                if below < self._layers.of(self._rename(module)):
                    self.climbs.add(call)


def stack(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and those that called it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_ours(frame: FrameType) -> bool:
    """Whether the frame runs a function of the product, rather than the body of a module."""
    name = frame.f_globals.get("__name__", "")
    is_body = frame.f_code.co_name == "<module>"
    return name.partition(".")[0] in PACKAGES and not is_body


def named(frame: FrameType) -> str:
    """The function that a frame runs."""
    return f"{frame.f_globals['__name__']}:{frame.f_code.co_qualname}"
