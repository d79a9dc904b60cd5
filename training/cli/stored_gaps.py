"""Finds the incidents of the store that recur without a runbook."""

from features.domain.report import IncidentReport
from features.encoding.encoder_weights import open_encoder
from features.home import find_home
from features.store.store import open_home_store
from models.runbooks.runbook_index import RunbookIndex
from models.runbooks.runbook_model import RunbookModel
from training.pipeline.runbook_gaps import Gap, find_gaps
from training.settings import TrainingSettings


def find_stored_gaps(least: int) -> tuple[Gap, ...]:
    """Return the kinds of at least `least` incidents without a runbook, most frequent first.

    Raises `HomeUnavailable`, `StoreUnavailable` and `EncoderUnavailable`.
    """
    settings = TrainingSettings()
    home = find_home(settings)
    with open_home_store(settings, home) as store:
        incidents, runbooks = tuple(store.incidents.all()), store.runbooks.all()
    index = RunbookIndex(runbooks, open_encoder(settings.encoder))
    model = RunbookModel(encoder=settings.encoder).fit(())

    def has_runbook(report: IncidentReport) -> bool:
        return bool(model.suggest([report], index)[0].runbooks)

    return find_gaps(incidents, has_runbook=has_runbook, least=least)
