"""The role of a runbook's section, recognised from the words of its heading."""

import re

from features.domain.runbook import SectionRole

# The first match counts, so the order matters: "analysis of possible fixes" is a mitigation.
_ROLE_WORDS: tuple[tuple[SectionRole, re.Pattern[str]], ...] = tuple(
    (role, re.compile(rf"\b(?:{words})", re.IGNORECASE))
    for role, words in (
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


def heading_role(heading: str) -> SectionRole:
    """Return the role of the section below a heading, OTHER if no word names a role.

    >>> [heading_role(text).value for text in ("Symptoms", "Triage", "How to fix it", "See also")]
    ['meaning', 'diagnosis', 'mitigation', 'other']
    """
    return next((role for role, words in _ROLE_WORDS if words.search(heading)), SectionRole.OTHER)
