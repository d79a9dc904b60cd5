"""Gives freed memory back to the system every few seconds."""

from serving.background.poller import Poller
from serving.runtime.memory import return_freed_memory

_SECONDS = 2.0


class MemoryTrimmer(Poller):
    """Returns what answers have freed; meanwhile, the next answers use it again.

    A return takes one to six milliseconds. It is the last task to start, so that what is loaded at
    the start is returned at once.
    """

    failure = "freed memory cannot be returned"

    def __init__(self) -> None:
        super().__init__(_SECONDS, "memory")

    def _poll(self) -> None:
        return_freed_memory()
