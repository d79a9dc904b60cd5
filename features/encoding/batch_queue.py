"""Encodes the texts of concurrent calls together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition

from features.encoding.onnx_network import Vectors


@dataclass(slots=True, eq=False)
class _Call:
    """One caller's texts, and their vectors or the failure once it is done."""

    texts: Sequence[str]
    vectors: dict[str, Vectors] | None = None
    failure: BaseException | None = None
    is_alone: bool = False

    @property
    def is_done(self) -> bool:
        return self.vectors is not None or self.failure is not None


class BatchQueue:
    """Lets one thread at a time compute, for itself and for all calls that wait meanwhile.

    A call that finds nobody computing starts at once, so that a lone call never waits for others.
    Calls that arrive during a computation become the next batch, first come first served, up to
    `texts_at_once`. A caller with many texts makes one call for each `texts_at_once` of them, so
    that a call with one text waits for one such batch at most.

    >>> from features.encoding.encoder import HashingEncoder
    >>> encode = HashingEncoder().encode
    >>> queue = BatchQueue(lambda texts: dict(zip(texts, encode(texts))), texts_at_once=32)
    >>> sorted(queue.compute(["disk full", "vpn down"]))
    ['disk full', 'vpn down']
    """

    def __init__(
        self, compute: Callable[[Sequence[str]], dict[str, Vectors]], *, texts_at_once: int
    ) -> None:
        self._compute = compute
        self._texts_at_once = texts_at_once
        self._waiting: list[_Call] = []
        self._is_computing = False
        self._changed = Condition()

    def compute(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors by text; raises what the computation raised."""
        call = _Call(texts)
        with self._changed:
            self._waiting.append(call)
        while batch := self._wait_for_turn(call):
            self._compute_batch(batch)
        if call.failure is not None:
            raise call.failure
        return call.vectors or {}

    def _wait_for_turn(self, call: _Call) -> list[_Call]:
        """Wait until the call is done or nobody computes; return the batch to compute, if any."""
        with self._changed:
            self._changed.wait_for(lambda: call.is_done or not self._is_computing)
            if call.is_done:
                return []
            self._is_computing = True
            return self._next_batch()

    def _next_batch(self) -> list[_Call]:
        batch = [self._waiting.pop(0)]
        count = self._texts_at_once if batch[0].is_alone else len(batch[0].texts)
        while self._waiting and count + len(self._waiting[0].texts) <= self._texts_at_once:
            count += len(self._waiting[0].texts)
            batch.append(self._waiting.pop(0))
        return batch

    def _compute_batch(self, batch: Sequence[_Call]) -> None:
        vectors: dict[str, Vectors] | None = None
        failure: BaseException | None = None
        try:
            vectors = self._compute(
                list(dict.fromkeys(text for call in batch for text in call.texts))
            )
        except BaseException as error:
            failure = error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._changed:
                if failure is not None and len(batch) > 1:
                    # The texts of one call must not fail the others: each is computed alone.
                    for call in batch:
                        call.is_alone = True
                    self._waiting[:0] = batch
                else:
                    for call in batch:
                        call.vectors, call.failure = vectors, failure
                self._is_computing = False
                self._changed.notify_all()
