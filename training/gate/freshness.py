"""What a challenger knows that the champion could not."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from features.domain.history import History
from features.formatting import counted
from models.artifacts.manifest import ArtifactFolder
from models.artifacts.registry import ModelVersion
from models.artifacts.training_ids import hash_ids, were_learned_from
from models.base.model_card import Card
from training.dataset.targets import data_end
from training.evaluation.evaluate import Evaluation


def find_news(
    ours: Evaluation,
    history: History,
    learned_from: Sequence[str],
    champion: ModelVersion,
    known: Mapping[int, str],
    fresher_days: float,
) -> str | None:
    """Say what makes a challenger fresher than the champion; None where nothing does.

    Data that end `fresher_days` later do, and so do incidents with a label that the champion never
    saw, or was judged by another. `learned_from` are the ids of the challenger's, `known` the
    labels that the champion was judged by, by hash of the id.
    """
    files = ArtifactFolder(champion.folder)
    end = data_end(history, champion.target)
    cutoff = Card.from_json(files.card.read_text(encoding="utf-8")).cutoff
    if end and cutoff and end - cutoff >= timedelta(days=fresher_days):
        return f"its data end {counted((end - cutoff).days, 'day')} later"
    unseen = int((~were_learned_from(learned_from, files.learned_from)).sum())
    if unseen:
        return f"it learned from {counted(unseen, 'incident')} that the champion never saw"
    ids = hash_ids([history.incidents[int(row)].report.id for row in ours.rows])
    changed = sum(
        known.get(name, ours.classes[label]) != ours.classes[label]
        for name, label in zip(ids.tolist(), ours.judged.labels.tolist(), strict=True)
    )
    return f"it learned from {counted(changed, 'corrected label')}" if changed else None
