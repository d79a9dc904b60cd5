"""How an incident that was deleted leaves what encoders keep, on disk and in memory."""

from pathlib import Path

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import forget_vectors
from features.encoding.vector_cache import forget_encodings
from features.text.cleaning import clean_text, incident_text
from features.text.memo import clear_cached


def forget_cached(report: IncidentReport, root: Path) -> None:
    """Remove a report's encodings from the caches below `root`, those of every encoder.

    Another report with an equal text is encoded again when it is next read from there.
    """
    texts = {incident_text(report), clean_text(report.title)}
    forget_encodings(root, texts - {""})


def forget_in_memory() -> None:
    """Make this process forget every text and vector that it remembers.

    A process that only learns the id of what was deleted cannot tell which text was its, so all
    go; a memory serves speed alone, and deletions are rare.
    """
    forget_vectors()
    clear_cached()
