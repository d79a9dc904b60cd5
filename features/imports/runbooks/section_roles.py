"""What a section of a runbook is about, told from the words of its heading."""

import re

from features.domain.runbook import SectionRole

# In order: "root cause analysis" diagnoses though a cause explains, "possible fixes" mitigate.
_PARTS: tuple[tuple[SectionRole, re.Pattern[str]], ...] = tuple(
    (part, re.compile(rf"\b(?:{words})", re.IGNORECASE))
    for part, words in (
        (
            SectionRole.MITIGATION,
            r"mitigat|remed|resol|fix|solution|solv|recover|repair|restor|workaround|rollback"
            r"|roll[- ]back|what to do|next steps|possible actions|actions?\b(?! items)"
            r"|how to (?:solve|resolve|mitigate|recover)|escalat|procedure|instructions"
            r"|behebung|lösung|maßnahme|massnahme|abhilfe|wiederherstell|atténuation|mesures"
            r"|solución|mitigación|resolución|acciones|correction|correção|mitigação|solução",
        ),
        (
            SectionRole.DIAGNOSIS,
            r"diagno|triage|troubleshoot|investigat|debug|verif|check|quick checks|analysis"
            r"|analy[sz]e|root cause|how to find|identify|steps|confirm|inspect|queries|logs?\b"
            r"|dashboards?\b|prüfung|überprüf|fehlersuche|ursache|vérification|causes?\b"
            r"|verificación|comprobación|verificação|diagnós",
        ),
        (
            SectionRole.IMPACT,
            r"impact|severity|consequence|effect|affected|blast radius|user[- ]facing|auswirkung"
            r"|folgen|impacto|conséquence|consecuencia|impacto",
        ),
        (
            SectionRole.MEANING,
            r"meaning|summary|overview|description|symptom|about\b|background|context|what is"
            r"|what does|what this|explanation|definition|introduction|how it works|bedeutung"
            r"|beschreibung|zusammenfassung|überblick|signification|descripción|resumen"
            r"|descrição|significado|résumé|síntoma|sintoma",
        ),
    )
)


def part_of(heading: str) -> SectionRole:
    """Return what a section with this heading is about, OTHER when its words do not tell.

    >>> [part_of(words).value for words in ("Symptoms", "Triage", "How to fix it", "See also")]
    ['meaning', 'diagnosis', 'mitigation', 'other']
    """
    return next((part for part, words in _PARTS if words.search(heading)), SectionRole.OTHER)
