"""How good answers are after 50 to 5,000 labels: ours beside peers, over several drawings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from data_sets import DATA_SETS, load_data_set
from peers import TEXT_PEERS, encode_for_peers
from scipy.stats import t as student

from features.domain.report import IncidentReport, ResolvedIncident
from features.encoding.encoder_weights import MINILM, open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.home import Home
from features.text.cleaning import incident_text
from models.base.estimate import Estimate
from models.base.target_labels import label_of
from models.classification.choice import ChoiceModel
from models.classification.learning.cross_validation import Rows, report_copy_groups
from training.evaluation.bootstrap import Floats
from training.evaluation.metrics import (
    HeldOutPredictions,
    accuracy,
    coverage_at_wanted_accuracy,
    expected_calibration_error,
)

SIZES = (50, 100, 200, 500, 1000, 2000, 5000)
SOURCES = {"it-tickets": ("category", 3000), "assignment": ("assignment", 900)}
"""The target of each source, and how many rows are judged at least."""

_OURS = "Precedent"
_PEERS = ("TF-IDF + LR", "MiniLM + LR")
_SEEDS = 5
_SEEDS_WHEN_MANY = 3
_MANY = 1000
_TOP = 3

Answer = Callable[[Sequence[ResolvedIncident], Sequence[IncidentReport]], Floats]
"""Learns from labelled incidents; returns probabilities of the sorted labels for each report."""


@dataclass(frozen=True, slots=True)
class LabelCount:
    """A contender's figures after so many labels: means and 95% intervals over drawings.

    Of one drawing alone nothing is known of the interval: its ends are the value.
    """

    labels: int
    contender: str
    drawings: int
    figures: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Rows to judge on, and the others in the order in which they get their labels."""

    judged: Rows
    learned: Rows


class Source:
    """A visible history of labelled texts, with its near-copy groups."""

    def __init__(self, name: str, home: Home) -> None:
        self.target, self._judged = SOURCES[name]
        self.incidents = load_data_set(DATA_SETS[name]).incidents
        reports = [incident.report for incident in self.incidents]
        self.copies = report_copy_groups(reports)
        self._home = home

    def encode(self, rows: Rows) -> None:
        """Encode what ours will read of these rows, or find it in the cache."""
        encoder = open_encoder(MINILM)
        texts = [incident_text(self.incidents[row].report) for row in rows]
        cache = EncodingCache(self._home.encodings, encoder)
        encode_ahead(encoder, [text for text in texts if text], cache, lambda _: None)

    def draw(self, seed: int) -> Drawing:
        """Draw whole groups of near-copies to judge on; the remaining rows may be learned."""
        rng = np.random.default_rng(seed)
        place = rng.permutation(self.copies.max() + 1)[self.copies]
        last = np.sort(place)[self._judged]
        judged = np.flatnonzero(place <= last)
        return Drawing(judged, rng.permutation(np.flatnonzero(place > last)))

    def measure(self, answer: Answer, drawing: Drawing, labels: int) -> dict[str, float]:
        """Return the figures of a contender that learned from the first labels of a drawing."""
        seen = [self.incidents[row] for row in np.sort(drawing.learned[:labels])]
        reports = [self.incidents[row].report for row in drawing.judged]
        classes = sorted({str(label_of(incident.outcome, self.target)) for incident in seen})
        place = {label: number for number, label in enumerate(classes)}
        # A label that nobody could know is numbered beyond all others, and never right.
        wanted = [
            place.get(str(label_of(self.incidents[row].outcome, self.target)), len(classes))
            for row in drawing.judged
        ]
        return _figures(answer(seen, reports), np.array(wanted))


def measure_label_counts(name: str, home: Home, rows: int | None = None) -> list[LabelCount]:
    """Measure ours and the peers at each number of labels, up to `rows`."""
    source = Source(name, home)
    source.encode(np.arange(len(source.incidents)))
    encode_for_peers([incident.report for incident in source.incidents], home)
    contenders = {_OURS: _ours(source.target), **{n: _peer(n, source.target) for n in _PEERS}}
    sizes = [size for size in SIZES if rows is None or size <= rows]
    return [
        average(size, contender, [source.measure(answer, drawn, size) for drawn in drawings])
        for size in sizes
        for drawings in [[source.draw(seed) for seed in range(_drawings(size))]]
        for contender, answer in contenders.items()
    ]


def measure_ours(
    name: str, home: Home, sizes: Sequence[int], *, judged: int
) -> dict[int, dict[str, float]]:
    """Measure ours alone at each number of labels, on so many judged rows of the first drawing."""
    source = Source(name, home)
    drawing = source.draw(0)
    drawing = replace(drawing, judged=drawing.judged[:judged])
    source.encode(np.concatenate([drawing.judged, drawing.learned[: max(sizes)]]))
    answer = _ours(source.target)
    return {size: source.measure(answer, drawing, size) for size in sizes}


def average(labels: int, contender: str, found: Sequence[Mapping[str, float]]) -> LabelCount:
    """Return means and their Student intervals over drawings."""
    figures = {name: _interval(np.array([drawing[name] for drawing in found])) for name in found[0]}
    return LabelCount(labels, contender, len(found), figures)


def labels_of(seen: Sequence[ResolvedIncident], target: str) -> Rows:
    """Number the labels in their sorted order."""
    return np.unique(
        [label_of(incident.outcome, target) for incident in seen], return_inverse=True
    )[1]


def _drawings(labels: int) -> int:
    return _SEEDS if labels < _MANY else _SEEDS_WHEN_MANY


def _ours(target: str) -> Answer:
    def answer(seen: Sequence[ResolvedIncident], asked: Sequence[IncidentReport]) -> Floats:
        return ChoiceModel(target=target).fit(seen).predict_proba(asked)

    return answer


def _peer(name: str, target: str) -> Answer:
    def answer(seen: Sequence[ResolvedIncident], asked: Sequence[IncidentReport]) -> Floats:
        peer = TEXT_PEERS[name]().fit(
            [incident.report for incident in seen], labels_of(seen, target)
        )
        return np.asarray(peer.predict_proba(asked))

    return answer


def _figures(probabilities: Floats, labels: Rows) -> dict[str, float]:
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    weight = np.ones(len(labels))
    classes = probabilities.shape[1] + 1
    judged = HeldOutPredictions(
        labels, predicted, confidence, weight, np.arange(len(labels)), classes
    )
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :_TOP]
    return {
        "accuracy": accuracy(judged, weight),
        "top-3": float((best == labels[:, None]).any(axis=1).mean()),
        "ECE": expected_calibration_error(judged, weight),
        "coverage at 92%": coverage_at_wanted_accuracy(judged, weight),
    }


def _interval(values: Floats) -> Estimate:
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, mean, mean)
    reach = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Estimate(mean, float(mean - reach), float(mean + reach))
