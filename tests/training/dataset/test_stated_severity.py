"""A severity that may have been entered later is not learned from."""

import pytest
from factories import incident

from features.domain.history import History, Provenance
from features.errors import NotEnoughHistory
from training.dataset.stated_severity import without_late_severity
from training.pipeline.fit import why_auto_is_withheld


def history(provenance: dict[str, Provenance], title: str = "disk full") -> History:
    stated = incident(title=title, attributes={"u_priority": "P1"}, category="Disk")
    return History((stated,), provenance=provenance)


@pytest.mark.parametrize("provenance", [Provenance.UNKNOWN, Provenance.EDITED, None])
def test_late_severity_is_left_out(provenance: Provenance | None) -> None:
    columns = {} if provenance is None else {"u_priority": provenance}
    learned = without_late_severity(history({"title": Provenance.OPENING, **columns}))
    assert learned.incidents[0].report.attributes == {}
    assert learned.incidents[0].report.title == "disk full"
    assert learned.provenance == {"title": Provenance.OPENING}


def test_severity_of_the_opening_is_kept() -> None:
    known = history({"u_priority": Provenance.OPENING})
    assert without_late_severity(known) is known


def test_column_that_is_not_learned_from_does_not_withhold_auto() -> None:
    columns = {"title": Provenance.OPENING, "u_priority": Provenance.UNKNOWN}
    assert why_auto_is_withheld(history(columns)) is None


def test_history_of_nothing_else_is_refused_in_words() -> None:
    with pytest.raises(NotEnoughHistory, match="nothing but u_priority"):
        without_late_severity(history({}, title=""))
