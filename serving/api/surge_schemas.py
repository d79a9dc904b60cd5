"""Responses about surges."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel

from models.surges.streams import StreamKind
from serving.services.surges import OpenSurge


class SurgeStream(BaseModel):
    """What the incidents of a surge have in common: a service, a category, or a word of titles."""

    kind: StreamKind
    value: str


class SurgeParentResponse(BaseModel):
    """The incident that heads a surge, or is proposed for it.

    `joined` is how many other incidents of the surge are its consequences by now.
    """

    id: str
    title: str
    joined: int


class SurgeResponse(BaseModel):
    """Incidents of one stream that came faster than usual for the hour of the week.

    `count` incidents came in `minutes`; `usual_count` in `usual_hours` are usual. If the stream has
    no past, `usual_count` is 0 and `usual_hours` is the whole past. `parent` is null if none of the
    incidents is open.
    """

    id: str
    stream: SurgeStream
    started_at: datetime
    count: int
    minutes: int
    usual_count: int
    usual_hours: float
    incident_ids: list[str]
    sentence: str
    parent: SurgeParentResponse | None


class SurgesResponse(BaseModel):
    """The surges that go on, the first detected first."""

    surges: list[SurgeResponse]
    request_id: str


def shape_surges(surges: Iterable[OpenSurge], request_id: str) -> SurgesResponse:
    """Return the response about surges."""
    return SurgesResponse(surges=[_shape_surge(found) for found in surges], request_id=request_id)


def _shape_surge(found: OpenSurge) -> SurgeResponse:
    surge, parent = found.surge, found.parent
    usual_count, usual_hours = surge.usual
    return SurgeResponse(
        id=surge.id,
        stream=SurgeStream(kind=found.kind, value=found.name),
        started_at=surge.started_at,
        count=surge.count,
        minutes=surge.minutes,
        usual_count=usual_count,
        usual_hours=usual_hours,
        incident_ids=list(surge.incident_ids),
        sentence=found.sentence,
        parent=None
        if parent is None
        else SurgeParentResponse(id=parent.id, title=parent.title, joined=parent.joined),
    )
