"""Turns the rows of a table into steps, such as `E12: replace the fan`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.imports.runbooks.cross_references import is_cross_reference
from features.imports.runbooks.inline import InlineText

_ACTION = re.compile(
    r"\b(?:fix(?:es)?|actions?|mitigat\w*|resol\w*|remed\w*|solutions?|solve|workarounds?|recovery"
    r"|respon[sd]\w*|what to do|how to|steps?|procedures?|instructions?|commands?|do this|next"
    r"|operator|repair|handling|playbook|check|verify|verification|diagnos\w*|investigat\w*|todo"
    r"|behebung|lösung(?:en)?|maßnahmen?|massnahmen?|abhilfe|aktion(?:en)?|vorgehen|befehl|schritte?"
    r"|was tun|prüfung|reaktion|handlung\w*|solución|soluciones|acción|acciones|qué hacer|pasos?"
    r"|comando|correction|mesures?|remède|que faire|étapes?|commande|ação|ações|solução|azione"
    r"|soluzione|azioni|soluzioni|rimedio|oplossing|actie|acties|maatregel|działani[ea]|rozwiązani[ea]"
    r"|действи[ея]|решени[ея]|команда|дія|дії|рішення|åtgärd(?:er)?|lösning|løsning|handling|tiltak"
    r"|çözüm|eylem|işlem|yap\u0131lacak|komut|řešení|postup|riešenie|ratkaisu|toimenpide|megoldás|teendő)\b"
    r"|対処|対応|対策|手順|処置|操作|处理|处置|措施|解决|處理|조치|해결|대응",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:alerts?|alertname|alarms?|symptoms?|errors?|codes?|problems?|issues?|names?|conditions?"
    r"|messages?|events?|failures?|scenarios?|situation|case|when|if|signals?|fehler\w*|meldung"
    r"|störung|symptome?|alarme?|ereignis|síntoma|alerta|erreur|symptôme|alerte|panne|storing"
    r"|allarme|errore|sintomo|erro|melding|fout|błąd|objaw|komunikat|алерт|ошибка|симптом|тревога"
    r"|сообщение|larm|fel|fejl|feil|uyar\u0131|alarm|hata|belirti|chyba|příznak|hälytys|virhe|hiba)\b"
    r"|アラート|エラー|症状|事象|现象|警报|告警|错误|警報|錯誤|경보|알림|오류|증상",
    re.IGNORECASE,
)
_RANK = re.compile(
    r"^\W*(?:no|nr|id|prio\w*|severity|sev|level|schwere\w*|order)?\W*$",
    re.IGNORECASE,
)
_COUNTER = re.compile(r"^\W*(?:step|schritt)?\W*(\d{1,3})\W*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its name, all its cells, and what to do; `step` is empty if it only holds links."""

    key: str
    text: str
    step: str
    is_action: bool


def table_rows(table: Sequence[Sequence[InlineText]]) -> Iterator[Row]:
    """Yield the rows below the head. An empty name is that of the row above.

    >>> head, row = [InlineText("Alert"), InlineText("Fix")], [InlineText("E12"), InlineText("Oil")]
    >>> next(table_rows([head, row])).step
    'E12: Oil'
    """
    heads = [cell.text for cell in table[0]] if table else []
    name_column = _name_column(heads, table[1:])
    counted = [n for n in range(len(heads)) if _is_counted(n, table[1:])]
    actions = [
        n
        for n, head in enumerate(heads)
        if _ACTION.search(head) and n != name_column and n not in counted
    ]
    key = ""
    for cells in table[1:]:
        texts = [cell.text for cell in cells]
        key = texts[name_column] or key if name_column is not None else ""
        filled = [n for n, text in enumerate(texts) if text and n != name_column]
        useful = [n for n in filled if not is_cross_reference(cells[n])]
        told = [texts[n] for n in actions if n in useful]
        shown = told or [texts[n] for n in useful if n not in counted and not _is_rank(heads[n])]
        if not any(texts):
            continue
        step = ": ".join(filter(None, (key.rstrip(": "), "; ".join(shown)))) if shown else ""
        text = "; ".join(filter(None, [key, *(texts[n] for n in filled)]))
        # In a table without heads, the first column names what the others hold.
        is_named = not any(heads) and _ACTION.search(key) is not None
        yield Row(key, text, step, is_action=bool(told) or is_named)


def _name_column(heads: Sequence[str], rows: Sequence[Sequence[InlineText]]) -> int | None:
    """Return the column whose cells name the rows, None if each row is only an action."""
    others = [
        n
        for n, head in enumerate(heads)
        if not _ACTION.search(head) and not _is_rank(head) and not _is_counted(n, rows)
    ]
    named = [n for n in others if _NAME.search(heads[n])]
    ranked = [n for n, head in enumerate(heads) if _is_rank(head) and not _is_counted(n, rows)]
    return next(iter([*named, *others, *ranked]), None)


def _is_rank(head: str) -> bool:
    return bool(head.strip()) and _RANK.match(head) is not None


def _is_counted(column: int, rows: Sequence[Sequence[InlineText]]) -> bool:
    """Return whether the cells of a column only count the rows, from 0 or 1 on."""
    counts = [_COUNTER.match(row[column].text) for row in rows if column < len(row)]
    numbers = [int(count[1]) for count in counts if count is not None]
    return len(numbers) == len(counts) and numbers in (
        list(range(len(numbers))),
        list(range(1, len(numbers) + 1)),
    )
