"""Leaves out of the reports what may state the severity only after the opening."""

from dataclasses import replace

from features.domain.history import History, Provenance
from features.domain.report import IncidentReport, ResolvedIncident
from features.errors import NotEnoughHistory
from models.classification.stated_severity import states_severity


def without_late_severity(history: History) -> History:
    """Return the history without attributes that state a severity which may be of a later time.

    A stated severity, such as the column `priority`, is learned from only if its provenance is
    `opening`: a value that was entered with the outcome would give the outcome away. Raises
    `NotEnoughHistory` if the reports say nothing else.

    >>> from features.domain.report import Outcome
    >>> report = IncidentReport("1", attributes={"priority": "P1", "site": "Graz"})
    >>> history = History((ResolvedIncident(report, Outcome()),))
    >>> dict(without_late_severity(history).incidents[0].report.attributes)
    {'site': 'Graz'}
    """
    names = {name for incident in history.incidents for name in incident.report.attributes}
    late_names = {
        name
        for name in names
        if states_severity(name) and history.provenance.get(name) is not Provenance.OPENING
    }
    if not late_names:
        return history
    incidents = tuple(_without(incident, late_names) for incident in history.incidents)
    if not any(_says_something(incident.report) for incident in incidents):
        raise NotEnoughHistory(
            f"the incidents state nothing but {', '.join(sorted(late_names))}; if it was known at "
            "opening, confirm it under `columns_known` in the mapping"
        )
    return replace(
        history,
        incidents=incidents,
        provenance={
            name: provenance
            for name, provenance in history.provenance.items()
            if name not in late_names
        },
    )


def _without(incident: ResolvedIncident, names: set[str]) -> ResolvedIncident:
    attributes = {
        name: value for name, value in incident.report.attributes.items() if name not in names
    }
    return replace(incident, report=replace(incident.report, attributes=attributes))


def _says_something(report: IncidentReport) -> bool:
    texts = (report.title, report.description, report.service, report.source)
    return any(texts) or any(report.attributes.values())
