"""Priority as a function of impact and urgency: a matrix that is stated, or learned."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from features.domain.history import PriorityMatrix
from features.imports.leakage import Values, determines
from features.imports.level_order import spelled_as

_MAX_EXCEPTIONS = 0.01


def stated_matrix(
    stated: Mapping[str, Mapping[str, str]], impacts: Values, urgencies: Values, severities: Values
) -> PriorityMatrix:
    """Return the matrix of a mapping, its levels spelled as in the history."""
    known = [Counter(v for v in values if v) for values in (impacts, urgencies, severities)]
    cells = {}
    for impact, row in stated.items():
        for urgency, severity in row.items():
            pair = spelled_as(impact, known[0]), spelled_as(urgency, known[1])
            cells[pair] = spelled_as(severity, known[2])
    return PriorityMatrix(cells)


def learn_matrix(impacts: Values, urgencies: Values, severities: Values) -> PriorityMatrix | None:
    """Return the commonest severity of each pair; None unless it holds for 99% of the rows.

    >>> learn_matrix(["1", "2"] * 40, ["1"] * 80, ["P1", "P2"] * 40).cells[("2", "1")]
    'P2'
    """
    pairs = paired_levels(impacts, urgencies)
    if not determines(pairs, severities, max_errors=_MAX_EXCEPTIONS):
        return None
    made: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for pair, severity in zip(pairs, severities, strict=True):
        if pair is not None and severity is not None:
            made[pair][severity] += 1
    cells = {pair: made[pair].most_common(1)[0][0] for pair in sorted(made)}
    return PriorityMatrix(cells, is_learned=True)


def computed_severities(
    matrix: PriorityMatrix, impacts: Values, urgencies: Values
) -> list[str | None]:
    """Return the severity that the matrix makes of each row, None where it does not know."""
    pairs = paired_levels(impacts, urgencies)
    return [None if pair is None else matrix.cells.get(pair) for pair in pairs]


def matrix_order(
    matrix: PriorityMatrix, impact_levels: Sequence[str], urgency_levels: Sequence[str]
) -> tuple[str, ...]:
    """Return the severities in the order that impact and urgency give them, empty where unclear.

    >>> cells = {("lo", "lo"): "silver", ("lo", "hi"): "gold", ("hi", "hi"): "gold"}
    >>> matrix_order(PriorityMatrix(cells), ("lo", "hi"), ("lo", "hi"))
    ('silver', 'gold')
    """
    heights: dict[str, list[int]] = defaultdict(list)
    for (impact, urgency), made in matrix.cells.items():
        if impact not in impact_levels or urgency not in urgency_levels:
            return ()
        heights[made].append(impact_levels.index(impact) + urgency_levels.index(urgency))
    means = {made: sum(found) / len(found) for made, found in heights.items()}
    is_clear = len(set(means.values())) == len(means)
    return tuple(sorted(means, key=means.__getitem__)) if is_clear else ()


def paired_levels(impacts: Values, urgencies: Values) -> list[tuple[str, str] | None]:
    """Return each row's impact and urgency, None where one of them is unknown."""
    both = zip(impacts, urgencies, strict=True)
    return [None if i is None or u is None else (i, u) for i, u in both]
