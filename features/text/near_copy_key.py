"""A key that reports with the same words share, whatever their ids, numbers and times."""

import hashlib

from features.domain.report import IncidentReport
from features.text.cleaning import incident_text
from features.text.variable_masking import mask_variables


def near_copy_key(report: IncidentReport) -> str:
    """Return a hash of the words of a report, or of its facts if it has no text.

    Ids, numbers, hosts' counters and times are masked; the order of words and their case do not
    matter.

    >>> first = IncidentReport(id="1", title="Disk full on db-01: 91%")
    >>> second = IncidentReport(id="2", title="disk full on DB-07: 98%")
    >>> near_copy_key(first) == near_copy_key(second)
    True
    """
    words = set(mask_variables(incident_text(report).casefold()).split())
    facts = (report.service, report.source, *sorted(report.attributes.items()))
    content = " ".join(sorted(words)) or repr(facts)
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
