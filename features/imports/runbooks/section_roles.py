"""The role of a runbook's section, recognised from the words of its heading."""

import re

from features.domain.runbook import SectionRole

# The first match counts, so the order matters: "analysis of possible fixes" is a mitigation.
# Chinese, Japanese and Korean have no spaces between words.
_UNSPACED = {
    SectionRole.MITIGATION: (
        r"対処|対応|復旧|解決|手順|回避策|处理|处置|解决|修复|恢复|步骤|處理|해결|조치|복구|대응"
    ),
    SectionRole.DIAGNOSIS: r"調査|診断|確認|切り分け|原因|诊断|排查|检查|診斷|진단|확인|원인|점검",
    SectionRole.IMPACT: r"影響|影响|영향",
    SectionRole.MEANING: (
        r"概要|説明|意味|背景|症状|说明|描述|概述|含义|现象|說明|개요|설명|의미|증상"
    ),
}
_ROLE_WORDS: tuple[tuple[SectionRole, re.Pattern[str]], ...] = tuple(
    (role, re.compile(rf"\b(?:{words})|{_UNSPACED[role]}", re.IGNORECASE))
    for role, words in (
        (
            SectionRole.MITIGATION,
            r"mitigat|remed|resol|fix|solution|solv|recover|repair|restor|workaround|rollback"
            r"|roll[- ]back|what to do|next steps|possible actions|actions?\b(?! items)"
            r"|how to (?:solve|resolve|mitigate|recover)|escalat|procedure|instructions"
            r"|behebung|lösung|maßnahme|massnahme|abhilfe|wiederherstell|atténuation|mesures"
            r"|solución|mitigación|resolución|acciones|correction|correção|mitigação|solução"
            r"|resolução|ações|rimedi|risoluzion|azion|soluzion|oplossing|herstel|maatregel"
            r"|rozwiąza|naprawa|działania|решени|устранени|действия|восстановлени|вирішення|усунення"
            r"|åtgärd|lösning|løsning|afhjælp|tiltak|utbedring|çözüm|müdahale|giderme|düzeltme"
            r"|řešení|náprava|riešenie|ratkaisu|toimenpite|korjaus|megoldás",
        ),
        (
            SectionRole.DIAGNOSIS,
            r"diagno|triage|troubleshoot|investigat|debug|verif|check|quick checks|analysis"
            r"|analy[sz]e|root cause|how to find|identify|steps|confirm|inspect|queries|logs?\b"
            r"|dashboards?\b|prüfung|überprüf|fehlersuche|ursache|vérification|causes?\b"
            r"|verificación|comprobación|verificação|diagnós|diagnoz|verifica|controlli?\b|onderzoek"
            r"|oorzaak|sprawdz|przyczyn|диагност|проверк|причин|діагност|перевірк|felsökning|orsak"
            r"|undersök|fejlfinding|årsag|feilsøking|årsak|teşhis|kontrol|inceleme|kök neden"
            r"|příčin|kontrola|ověření|tarkist|vianetsintä|ellenőrzés|hibakeresés",
        ),
        (
            SectionRole.IMPACT,
            r"impact|severity|consequence|effect|affected|blast radius|user[- ]facing|auswirkung"
            r"|folgen|impacto|conséquence|consecuencia|impatto|gevolg|wpływ|skutki|влияни|последстви"
            r"|вплив|påverkan|konsekvens|påvirkning|etki|dopad|vaikutus|hatás",
        ),
        (
            SectionRole.MEANING,
            r"meaning|summary|overview|description|symptom|about\b|background|context|what is"
            r"|what does|what this|explanation|definition|introduction|how it works|bedeutung"
            r"|beschreibung|zusammenfassung|überblick|signification|descripción|resumen"
            r"|descrição|significado|résumé|síntoma|sintoma|descrizione|significato|panoramica"
            r"|beschrijving|betekenis|overzicht|samenvatting|opis|znaczenie|objaw|описани|значение"
            r"|обзор|симптом|опис|beskrivning|betydelse|översikt|sammanfattning|beskrivelse|betydning"
            r"|oversigt|oversikt|aç\u0131klama|anlam|özet|belirti|popis|význam|příznak|kuvaus|merkitys"
            r"|leírás|jelentés",
        ),
    )
)


def heading_role(heading: str) -> SectionRole:
    """Return the role of the section below a heading, OTHER if no word names a role.

    >>> [heading_role(text).value for text in ("Symptoms", "Triage", "How to fix it", "See also")]
    ['meaning', 'diagnosis', 'mitigation', 'other']
    """
    return next((role for role, words in _ROLE_WORDS if words.search(heading)), SectionRole.OTHER)
