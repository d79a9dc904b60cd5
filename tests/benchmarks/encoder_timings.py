"""What encoding costs with onnxruntime and torch: `python tests/benchmarks/encoder_timings.py`.

Each engine runs in a process of its own, on one thread and in turns with the others, because the
machine is shared: what counts are CPU seconds and their ratios. With `--loss`, the int8 export is
compared with float32 on real texts (PRECEDENT_DATA): the cosine of a text's two vectors, and how
often a nearest neighbour has the same label.
"""

import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

from features.encoding.encoder import SentenceEncoder
from features.encoding.encoder_export import read_export
from features.encoding.encoder_weights import MINILM, find_weights
from features.encoding.onnx_export import GOLDEN_TEXTS, export_encoder
from features.encoding.torch_model import load_torch_model

ENGINES = ("torch", "float32", "int8")
_ROUNDS = 5
_SINGLES = 40
_BATCHES = 6
_LONG_BATCHES = 10
_WORDS = 14
_LOSS_TEXTS = 4_000

Encode = Callable[[Sequence[str]], np.ndarray]


def main() -> None:
    """Measure every engine and print a table; `--engine` measures one in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--exports", type=Path)
    parser.add_argument("--loss", action="store_true")
    chosen = parser.parse_args()
    if chosen.engine is not None:
        sys.stdout.write(json.dumps(measure(chosen.engine, chosen.exports)))
        return
    with TemporaryDirectory() as folder:
        for precision in ("float32", "int8"):
            export_encoder(find_weights(MINILM), Path(folder) / precision, precision)
        if chosen.loss:
            sys.stdout.write(json.dumps(measure_loss(Path(folder)), indent=2) + "\n")
        for line in table_lines(Path(folder)):
            sys.stdout.write(f"{line}\n")


def table_lines(exports: Path) -> Iterator[str]:
    """Run the engines in turns, and yield a table of each one's median."""
    rounds = [
        {engine: _in_a_process(engine, exports) for engine in ENGINES} for _ in range(_ROUNDS)
    ]
    yield f"| median of {_ROUNDS} rounds | {' | '.join(ENGINES)} | float32 / torch |"
    yield "| --- |" + " --- |" * (len(ENGINES) + 1)
    for name in rounds[0]["torch"]:
        values = {engine: [costs[engine][name] for costs in rounds] for engine in ENGINES}
        ratio = np.median(np.divide(values["float32"], values["torch"]))
        cells = [f"{np.median(values[engine]):.1f}" for engine in ENGINES]
        yield f"| {name} | {' | '.join(cells)} | {ratio:.2f} |"


def measure(engine: str, exports: Path) -> dict[str, float]:
    """Return what one engine costs in this process."""
    started = process_time()
    encode = _open(engine, exports)
    texts = _texts()
    encode(texts[:1])
    costs = {
        "load, CPU s": process_time() - started,
        "resident after the first text, MB": _resident_megabytes(),
    }
    costs |= _cost("one text", encode, [[text] for text in texts[:_SINGLES]])
    batches = [texts[32 * n : 32 * n + 32] for n in range(_BATCHES)]
    costs |= _cost("32 texts", encode, batches)
    long_batch = [f"{text} " * 20 for text in texts[:32]]
    encode(long_batch)
    costs["resident after 32 long texts, MB"] = _resident_megabytes()
    for _ in range(_LONG_BATCHES):
        encode(long_batch)
    costs["resident after 10 times 32 long texts, MB"] = _resident_megabytes()
    costs["highest resident, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return costs


def measure_loss(exports: Path) -> dict[str, float]:
    """Return the cosine of int8 and float32 vectors, and each one's recall of the label."""
    file = Path(os.environ["PRECEDENT_DATA"]) / "it-tickets" / "tickets.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    chosen = np.random.default_rng(0).permutation(len(table))[:_LOSS_TEXTS]
    texts = [table[row]["Document"] for row in chosen]
    labels = np.array([table[row]["Topic_group"] for row in chosen])
    vectors = {engine: _open(engine, exports)(texts) for engine in ("float32", "int8")}
    cosines = np.einsum("ij,ij->i", *vectors.values())
    nearest = {engine: _nearest(rows) for engine, rows in vectors.items()}
    alone = np.vstack([_open("int8", exports)([text]) for text in texts[:100]])
    beside = np.einsum("ij,ij->i", alone, vectors["int8"][:100])
    return {
        "texts": len(texts),
        "cosine, median": float(np.median(cosines)),
        "cosine, 1st percentile": float(np.quantile(cosines, 0.01)),
        "int8 alone and in a batch: cosine, lowest of 100": float(beside.min()),
        "same nearest neighbour": float((nearest["float32"] == nearest["int8"]).mean()),
        **{
            f"recall@1 of the label, {engine}": float((labels[rows] == labels).mean())
            for engine, rows in nearest.items()
        },
    }


def _nearest(vectors: np.ndarray) -> np.ndarray:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1)
    return scores.argmax(axis=1)


def _open(engine: str, exports: Path) -> Encode:
    if engine == "torch":
        import torch

        torch.set_num_threads(1)
        model = load_torch_model(find_weights(MINILM))
        return lambda texts: model.encode(
            list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False
        )
    return SentenceEncoder(read_export(exports / engine / MINILM)).compute


def _cost(name: str, encode: Encode, calls: Sequence[Sequence[str]]) -> dict[str, float]:
    costs = []
    for texts in calls:
        wall, cpu = perf_counter(), process_time()
        encode(texts)
        costs.append((perf_counter() - wall, process_time() - cpu))
    wall, cpu = 1000 * np.median(costs, axis=0)
    return {f"{name}, ms": float(wall), f"{name}, CPU ms": float(cpu)}


def _texts() -> list[str]:
    words = GOLDEN_TEXTS[-1].split()
    random = np.random.default_rng(0)
    lengths = random.integers(_WORDS // 2, 2 * _WORDS, 32 * _BATCHES)
    return [" ".join(random.choice(words, length)) for length in lengths]


def _in_a_process(engine: str, exports: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--engine", engine, "--exports", str(exports)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(answer.stdout.splitlines()[-1])


def _resident_megabytes() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
