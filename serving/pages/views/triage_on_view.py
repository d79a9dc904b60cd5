"""Triages open incidents without an answer when a page shows them, and stores the answers."""

from collections.abc import Collection, Mapping, Sequence

from features.domain.predictions import PredictionRecord
from features.domain.report import ResolvedIncident
from serving.container import Container


def triage_unanswered(
    services: Container, incidents: Collection[ResolvedIncident], request_id: str
) -> Mapping[str, Sequence[PredictionRecord]]:
    """Triage the open incidents without answers; return the latest answers, by incident id.

    The answers about all the given incidents are returned. So `GET /` and `GET /incidents/{id}` are
    not safe methods: they store answers, once for each incident. Raises `StoreUnavailable`.
    """
    ids = [incident.report.id for incident in incidents]
    answers = dict(services.store.predictions.latest(ids))
    unanswered = [
        incident.report
        for incident in incidents
        if incident.outcome.is_open and incident.report.id not in answers
    ]
    if unanswered:
        services.triage.triage(unanswered, include=None, request_id=request_id)
        answers |= services.store.predictions.latest([report.id for report in unanswered])
    return answers
