"""Computes vectors with onnxruntime from an exported encoder."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.encoding.encoder_export import NETWORK_FILE, TOKENIZER_FILE, EncoderExport

if TYPE_CHECKING:
    from tokenizers import Encoding

_TOKENS_AT_ONCE = 512
_PADDING = ("direction", "pad_id", "pad_type_id", "pad_token")

Vectors = NDArray[np.float32]


class OnnxNetwork:
    """A tokenizer and one onnxruntime session; `encode` may be called by one thread at a time.

    A run takes up to 512 tokens of texts of similar length: more take longer per token, since what
    is computed then no longer fits the processor's cache. A session runs on one thread, which takes
    less processor time per text than two; the runs of a batch are shared by the processors. Memory
    is returned after each run, so that one batch of long texts does not stay in memory.
    """

    def __init__(self, export: EncoderExport) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._prompt = export.description.prompt
        self._tokenizer = Tokenizer.from_file(str(export.folder / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(
            export.description.token_limit,
            direction=(self._tokenizer.truncation or {})["direction"],
        )
        padding = self._tokenizer.padding or {}
        self._padding = {name: padding[name] for name in _PADDING}
        self._tokenizer.no_padding()
        self._session = onnxruntime.InferenceSession(
            str(export.folder / NETWORK_FILE), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = tuple(node.name for node in self._session.get_inputs())
        self._threads = ThreadPoolExecutor(_processors(), thread_name_prefix="encoder")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (texts, dimension) of at least one text."""
        encodings = self._tokenize(texts)
        lengths = np.array([len(encoding.ids) for encoding in encodings])
        runs = list(_runs_of_similar_length(lengths))
        batches = [[encodings[row] for row in rows] for rows in runs]
        results: Iterable[Vectors] = (
            self._threads.map(self._run, batches) if len(runs) > 1 else map(self._run, batches)
        )
        order = np.concatenate(runs)
        return np.vstack(list(results))[np.argsort(order)]

    def run(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts that are padded to one length and computed in one run."""
        return self._run(self._tokenize(texts))

    def _tokenize(self, texts: Sequence[str]) -> "list[Encoding]":
        return self._tokenizer.encode_batch([self._prompt + text for text in texts])

    def _run(self, encodings: "Sequence[Encoding]") -> Vectors:
        length = max(len(encoding.ids) for encoding in encodings)
        for encoding in encodings:
            encoding.pad(length, **self._padding)
        columns = {
            "input_ids": [encoding.ids for encoding in encodings],
            "attention_mask": [encoding.attention_mask for encoding in encodings],
            "token_type_ids": [encoding.type_ids for encoding in encodings],
        }
        inputs = {name: np.array(columns[name], dtype=np.int64) for name in self._inputs}
        return np.asarray(self._session.run(None, inputs)[0], dtype=np.float32)


def _runs_of_similar_length(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each run, longest first, so that padding stays short."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        count = max(1, _TOKENS_AT_ONCE // int(lengths[order[start]]))
        yield order[start : start + count]
        start += count


def _processors() -> int:
    """Return how many processors may be used; OMP_NUM_THREADS limits them, as for other libraries.

    >>> _processors() >= 1
    True
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(available or 1, int(limit) if limit.isdigit() else available or 1))
