"""What a model's card says of the history that the model learned from."""

from features.domain.history import History
from models.base.model_card import RowCounts


def count_rows(history: History, *, labelled: int = 0) -> RowCounts:
    """Return the numbers of rows read, used and rejected; `labelled` rows have a label."""
    used = len(history.incidents)
    return RowCounts(used + len(history.rejected), used, len(history.rejected), labelled)


def name_provenance(history: History) -> dict[str, str]:
    """Return when the value of each report column was written, in a word."""
    return {column: str(source) for column, source in history.provenance.items()}
