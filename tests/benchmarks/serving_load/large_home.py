"""A home with 100,000 incidents, made of the texts of real ones with changes."""

from pathlib import Path

import numpy as np
from made_up_past import MadeUpPast

from features.encoding.encoder_weights import MINILM, open_encoder
from features.encoding.vector_cache import EncodingCache
from features.home import Home
from features.store.store import open_store
from features.text.cleaning import clean_text, incident_text

INCIDENTS = 100_000
_AT_ONCE = 4_000


def fill(home: Path, count: int) -> None:
    """Store made-up incidents with a cached vector for each text, so that none is encoded.

    The vectors are those of the texts' halves, which is near enough to measure time and memory.
    """
    places = Home(home)
    past = MadeUpPast(places)
    cache = EncodingCache(places.encodings, open_encoder(MINILM))
    with open_store(places.database_url) as store:
        for start in range(0, count, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, count))
            incidents = [past.incident(number) for number in numbers]
            store.incidents.upsert(incidents)
            reports = [incident.report for incident in incidents]
            texts = {incident_text(report) for report in reports}
            texts |= {clean_text(report.title) for report in reports}
            ordered = sorted(texts)
            cache.keep(ordered, np.asarray(past.encode(ordered), dtype=np.float32))
