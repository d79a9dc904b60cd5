"""As many past incidents as one likes, recombined from real tickets, with their vectors."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
from data_sets import DATA_SETS, load_data_set

from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.encoding.encoder import Vectors
from features.encoding.encoder_weights import MINILM, open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.home import Home
from features.text.cleaning import clean_text, incident_text

_TITLE_WORDS = 8
_SERVICES, _SITES, _CALLERS = 300, 20, 5_000
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_MINUTES_APART = 10


class MadeUpPast:
    """Incident number `n` is a ticket, or once these are used up the halves of two.

    As an encoder it knows its own texts: the halves' vectors are the sum of the tickets' vectors.
    """

    reference = "made up"
    dimension = 384

    def __init__(self, home: Home) -> None:
        incidents = load_data_set(DATA_SETS["it-tickets"]).incidents
        reports = {incident_text(incident.report): incident.report for incident in incidents}
        encoder = open_encoder(MINILM)
        cache = EncodingCache(home.encodings, encoder)
        encode_ahead(encoder, list(reports), cache, lambda _: None)
        self._vectors = encoder.encode(list(reports))
        encoder.forget()
        self._documents = [report.description for report in reports.values()]
        self._made_of: dict[str, tuple[int, int]] = {}

    def incident(self, number: int) -> ResolvedIncident:
        """Return one incident; the higher its number, the later it was opened."""
        rng = Random(number)
        halves = (number, number)
        if number >= len(self._documents):
            halves = (rng.randrange(len(self._documents)), rng.randrange(len(self._documents)))
        words = _join(*(self._documents[half].split() for half in halves))
        report = IncidentReport(
            id=f"INC{number:07}",
            opened_at=_BEGIN + timedelta(minutes=_MINUTES_APART * number),
            title=" ".join(words[:_TITLE_WORDS]),
            description=" ".join(words),
            service=f"service {rng.randrange(_SERVICES)}",
            attributes={
                "site": f"site {rng.randrange(_SITES)}",
                "caller": f"caller {rng.randrange(_CALLERS)}",
            },
        )
        self._made_of[incident_text(report)] = self._made_of[clean_text(report.title)] = halves
        fix = f"Restarted the {words[-1]} service." if rng.random() < 1 / 2 else "done"
        return ResolvedIncident(report, Outcome(resolution=fix))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of texts that were made up before."""
        halves = np.array([self._made_of[text] for text in texts])
        vectors = self._vectors[halves[:, 0]] + self._vectors[halves[:, 1]]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _join(first: Sequence[str], second: Sequence[str]) -> list[str]:
    if first == second:
        return list(first)
    return [*first[: -(-len(first) // 2)], *second[len(second) // 2 :]]
