"""Whether what the models read was really known when the incidents opened."""

from features.domain.history import History, Provenance


def why_auto_is_withheld(history: History) -> str | None:
    """Return why no certificate may be given: report columns that may hold later knowledge."""
    doubtful = [
        column for column, known in history.provenance.items() if known is not Provenance.OPENING
    ]
    if not doubtful:
        return None
    return (
        f"auto is withheld: it is not known whether {', '.join(doubtful)} "
        "held these values at opening; confirm it under `columns_known` in the mapping"
    )
