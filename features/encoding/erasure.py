"""Removes a deleted incident from the caches of encoders, on disk and in memory."""

from pathlib import Path

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import forget_vectors
from features.encoding.vector_cache import forget_encodings
from features.text.cleaning import clean_text, incident_text
from features.text.memo import clear_cached


def forget_cached(report: IncidentReport, root: Path) -> None:
    """Remove a report's vectors from the caches of all encoders below `root`.

    If another report has the same text, that text will be encoded again.
    """
    texts = {incident_text(report), clean_text(report.title)}
    forget_encodings(root, texts - {""})


def forget_in_memory() -> None:
    """Clear all caches of texts and vectors in this process.

    A process is told only the id of a deleted incident, so it cannot find the incident's texts.
    Clearing everything only costs time, and deletions are rare.
    """
    forget_vectors()
    clear_cached()
