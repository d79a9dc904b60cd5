"""The order of severity levels: stated by the mapping, or inferred if it is clear."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

# Least severe first; the words of an inner tuple are spellings of one level.
_SCALES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        ("debug",),
        ("info", "informational", "information"),
        ("notice",),
        ("warning", "warn"),
        ("error",),
        ("critical", "crit"),
        ("page", "fatal", "emergency", "disaster"),
    ),
    (
        ("planning", "none", "planung", "planification", "planificación", "planejamento"),
        (
            *("very low", "lowest", "sehr niedrig", "niedrigste", "am niedrigsten", "très basse"),
            *("très faible", "très bas", "la plus basse", "muy baja", "muy bajo", "más baja"),
            *("muito baixa", "muito baixo", "molto bassa", "zeer laag", "laagste"),
            *("bardzo niski", "najniższy", "очень низкий", "最低", "매우 낮음", "çok düşük"),
            *("mycket låg", "velmi nízká"),
        ),
        (
            *("low", "niedrig", "gering", "basse", "faible", "bas", "baja", "bajo", "baixa"),
            *("baixo", "bassa", "basso", "laag"),
            *("niski", "niska", "niskie", "низкий", "низкая", "низкое", "низький", "低", "低い"),
            *("낮음", "düşük", "låg", "lågt", "lav", "matala", "nízká", "nízký", "alacsony"),
        ),
        (
            *("moderate", "medium", "normal", "average", "mittel", "moderat", "mäßig", "moyenne"),
            *("moyen", "normale", "modérée", "modéré", "media", "medio", "moderada", "moderado"),
            *("média", "médio", "moderata", "gemiddeld", "normaal", "middel"),
            *("średni", "średnia", "średnie", "normalny", "средний", "средняя", "среднее"),
            *(
                "обычный",
                "нормальный",
                "середній",
                "中",
                "普通",
                "通常",
                "一般",
                "보통",
                "중간",
                "orta",
            ),
            *("medel", "mellem", "keskitaso", "normaali", "střední", "normální", "közepes"),
        ),
        (
            *("high", "hoch", "haute", "haut", "élevée", "élevé", "alta", "alto", "elevata"),
            *("elevada", "hoog"),
            *("wysoki", "wysoka", "wysokie", "высокий", "высокая", "высокое", "високий", "高"),
            *("高い", "높음", "yüksek", "hög", "högt", "høj", "høy", "korkea", "vysoká", "vysoký"),
            *("magas",),
        ),
        (
            *("very high", "highest", "urgent", "sehr hoch", "höchste", "am höchsten", "dringend"),
            *("très haute", "très haut", "très élevée", "la plus haute", "urgente", "muy alta"),
            *("muy alto", "más alta", "muito alta", "muito alto", "molto alta", "zeer hoog"),
            *("hoogste", "dringende"),
            *("bardzo wysoki", "najwyższy", "pilny", "pilne", "очень высокий", "наивысший"),
            *("срочный", "緊急", "至急", "最高", "紧急", "긴급", "매우 높음", "acil", "çok yüksek"),
            *("brådskande", "mycket hög", "haster", "kiireellinen", "urgentní", "velmi vysoká"),
            *("sürgős",),
        ),
        (
            *("critical", "blocker", "immediate", "kritisch", "sofort", "critique", "immédiat"),
            *("immédiate", "bloquant", "crítica", "crítico", "inmediata", "imediata", "critica"),
            *("critico", "immediata", "kritiek", "onmiddellijk"),
            *("krytyczny", "krytyczna", "krytyczne", "критический", "критичный", "критическая"),
            *(
                "критичний",
                "重大",
                "致命的",
                "クリティカル",
                "严重",
                "嚴重",
                "심각",
                "치명적",
                "kritik",
                "kritisk",
            ),
            *("kriittinen", "kritická", "kritický", "kritikus"),
        ),
    ),
    (
        ("enhancement", "verbesserung", "amélioration", "mejora"),
        ("trivial", "triviale"),
        ("minor", "minor localized", "gering", "geringfügig", "mineur", "mineure", "menor"),
        (
            *("normal", "moderate", "medium", "moderate limited", "normale", "mittel", "moyen"),
            "moyenne",
        ),
        (
            *("major", "significant", "significant large", "schwer", "schwerwiegend", "hoch"),
            *("majeur", "majeure", "mayor", "importante"),
        ),
        (
            *("critical", "extensive", "severe", "extensive widespread", "kritisch", "critique"),
            *("crítica", "crítico"),
        ),
        ("blocker", "blockierend", "bloquant", "bloquante", "bloqueante", "bloqueador"),
    ),
    # How far an incident reaches, as ManageEngine names it.
    (
        ("affects user",),
        ("affects group",),
        ("affects department",),
        ("affects business",),
    ),
)
_NUMBERED = re.compile(r"(?:p|s|sev|severity|prio|priority)?[\s_-]*(\d{1,2})(?!\d)", re.IGNORECASE)
_NO_LETTERS = re.compile(r"[\W\d_]+")
_MIN_RANKED = 0.9


def order_levels(values: Iterable[str | None], stated: Sequence[str]) -> tuple[str, ...]:
    """Return the levels, least severe first, as the history spells them.

    Without a stated order, the order is inferred from words (`low`, `high`) or else from numbers,
    where lower numbers are more severe. An inferred order needs a scale that covers nine tenths
    of the values and gives two or more levels different ranks; without such a scale the result is
    empty.

    >>> order_levels(["P1", "P3", "P2", "P3"], stated=())
    ('P3', 'P2', 'P1')
    """
    counts = Counter(value for value in values if value is not None)
    if stated:
        return tuple(spelled_as(level, counts) for level in stated)
    for ranks in (*(_word_ranks(counts, scale) for scale in _SCALES), _number_ranks(counts)):
        ranked = sum(counts[level] for level in ranks)
        if len(set(ranks.values())) == len(ranks) > 1 and ranked >= _MIN_RANKED * counts.total():
            return tuple(sorted(ranks, key=lambda level: ranks[level]))
    return ()


def spelled_as(level: str, counts: Counter[str]) -> str:
    """Return a level as the history spells it, unchanged if the history does not have it.

    >>> spelled_as("high", Counter(["HIGH", "High", "High"]))
    'High'
    """
    if level in counts:
        return level
    spellings = [value for value in counts if value.casefold() == level.strip().casefold()]
    return max(spellings, key=lambda value: counts[value], default=level)


def _word_ranks(levels: Iterable[str], scale: Sequence[Sequence[str]]) -> dict[str, int]:
    rank_of = {_letters(word): rank for rank, words in enumerate(scale) for word in words}
    words = {level: _letters(level) for level in levels}
    return {level: rank_of[word] for level, word in words.items() if word in rank_of}


def _letters(word: str) -> str:
    """Return a word in lower case, without accents and all that is no letter."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    letters = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return _NO_LETTERS.sub(" ", letters).strip()


def _number_ranks(levels: Iterable[str]) -> dict[str, int]:
    matches = {level: _NUMBERED.match(level.strip()) for level in levels}
    return {level: -int(match[1]) for level, match in matches.items() if match is not None}
