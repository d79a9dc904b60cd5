"""How long training and answers take, each beside something bare that it cannot do without."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from commands import train_command
from data_sets import DATA_SETS, DataSet
from exports import read_rows, write_rows

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import MINILM, find_weights, forget_vectors
from features.encoding.torch_model import load_torch_model
from features.home import Home
from features.imports.column_mapping import load_mapping
from features.imports.load_history import load_history
from features.text.cleaning import incident_text
from models.artifacts.registry import ModelRegistry
from models.classification.calibrated_predictor import CalibratedPredictor

_NEW_SHARE = 0.01
_BATCH = 1000
_PAIRS = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds of one job, and of what is timed beside it.

    That is the bare encoding of the texts that it had to encode, unless the job says otherwise.
    """

    job: str
    seconds: float
    bare_seconds: float

    @property
    def ratio(self) -> float:
        """How many times as long the job takes."""
        return self.seconds / self.bare_seconds


def time_everything(rows: int | None = None) -> list[Timing]:
    """Time training, training again with 1% new rows, batches of 1,000 and what evidence adds."""
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
            *_time_batches(_newest_model(home), encode, all_reports),
            *_time_evidence(_newest_model(home), all_reports),
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
    model = load_torch_model(find_weights(MINILM))
    return lambda texts: model.encode(list(texts), batch_size=32, show_progress_bar=False)


def _training(export: Path, home: Home) -> Callable[[], object]:
    mapping = DATA_SETS["it-tickets"].mapping
    return lambda: train_command(export, mapping, home.root).check_returncode()


def _newest_model(home: Home) -> CalibratedPredictor:
    registry = ModelRegistry(home.tracking_uri, "default")
    return registry.load(registry.versions("category")[0]).model


def _time_batches(
    model: CalibratedPredictor,
    encode: Callable[[Sequence[str]], object],
    reports: Sequence[IncidentReport],
) -> list[Timing]:
    pairs = [
        _pair("", encode, _texts(batch), partial(model.predict, batch))
        for batch in _unmet_batches(model, reports, _BATCH, _PAIRS)
    ]
    pairs.sort(key=lambda pair: pair.ratio)
    job = f"predict {_BATCH:,} tickets (median of {len(pairs)} pairs)"
    return [replace(pair, job=job) for pair in pairs[len(pairs) // 2 :][:1]]


def _time_evidence(model: CalibratedPredictor, reports: Sequence[IncidentReport]) -> list[Timing]:
    """Time answers with evidence beside answers without it, in turn on like batches."""
    timings = []
    for size, pairs in ((1, 50), (_BATCH, _PAIRS)):
        batches = _unmet_batches(model, reports, size, 2 * pairs)
        job = f"predict {size:,} with evidence, beside without (medians of {len(batches) // 2})"
        explained, bare = [], []
        for batch, other in zip(batches[::2], batches[1::2], strict=False):
            explained.append(_seconds(partial(model.predict, batch)))
            bare.append(_seconds(partial(_answer_barely, model, other)))
        if bare:
            timings.append(Timing(job, median(explained), median(bare)))
    return timings


def _answer_barely(model: CalibratedPredictor, reports: Sequence[IncidentReport]) -> None:
    model.predict(reports, with_evidence=False)


def _unmet_batches(
    model: CalibratedPredictor, reports: Sequence[IncidentReport], size: int, count: int
) -> list[Sequence[IncidentReport]]:
    """Return batches of texts that the encoder has not met, so that none is remembered."""
    forget_vectors()
    model.predict(reports[-1:])
    distinct = list({incident_text(report): report for report in reports[:-1]}.values())
    # Neighbours in an export are alike, and batches are to be alike.
    Random(0).shuffle(distinct)
    batches = [distinct[place * size : (place + 1) * size] for place in range(count)]
    return [batch for batch in batches if len(batch) == size]


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
