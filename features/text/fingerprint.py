"""The fingerprint of a report: a hash of its content, equal in every export that contains it."""

import hashlib

from features.domain.report import IncidentReport


def fingerprint(report: IncidentReport) -> str:
    """Return the hash of a report's content, without its id and its time of opening.

    >>> first, second = IncidentReport(id="1", title="a"), IncidentReport(id="2", title="a")
    >>> fingerprint(first) == fingerprint(second)
    True
    """
    facts = repr((report.service, report.source, sorted(report.attributes.items())))
    content = "\x00".join((report.title, report.description, facts))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
