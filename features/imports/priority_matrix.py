"""The priority matrix, stated or learned: severity as a function of impact and urgency."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from features.domain.history import PriorityMatrix
from features.imports.leakage import Values, determines
from features.imports.level_order import spelled_as

_MAX_EXCEPTIONS = 0.01


def stated_matrix(
    stated: Mapping[str, Mapping[str, str]], impacts: Values, urgencies: Values, severities: Values
) -> PriorityMatrix:
    """Return the matrix that a mapping states, with the levels spelled as in the history."""
    impact_counts, urgency_counts, severity_counts = (
        Counter(value for value in values if value) for values in (impacts, urgencies, severities)
    )
    cells = {}
    for impact, row in stated.items():
        for urgency, severity in row.items():
            pair = spelled_as(impact, impact_counts), spelled_as(urgency, urgency_counts)
            cells[pair] = spelled_as(severity, severity_counts)
    return PriorityMatrix(cells)


def learn_matrix(impacts: Values, urgencies: Values, severities: Values) -> PriorityMatrix | None:
    """Return the commonest severity of each pair, None if pairs do not nearly determine severities.

    `determines` tests this, with an error rate of at most 1%.

    >>> learn_matrix(["1", "2"] * 40, ["1"] * 80, ["P1", "P2"] * 40).cells[("2", "1")]
    'P2'
    """
    pairs = paired_levels(impacts, urgencies)
    if not determines(pairs, severities, max_errors=_MAX_EXCEPTIONS):
        return None
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for pair, severity in zip(pairs, severities, strict=True):
        if pair is not None and severity is not None:
            counts[pair][severity] += 1
    cells = {pair: counts[pair].most_common(1)[0][0] for pair in sorted(counts)}
    return PriorityMatrix(cells, is_learned=True)


def computed_severities(
    matrix: PriorityMatrix, impacts: Values, urgencies: Values
) -> list[str | None]:
    """Return each row's severity by the matrix, None if the row's levels have no cell."""
    pairs = paired_levels(impacts, urgencies)
    return [None if pair is None else matrix.cells.get(pair) for pair in pairs]


def matrix_order(
    matrix: PriorityMatrix, impact_levels: Sequence[str], urgency_levels: Sequence[str]
) -> tuple[str, ...]:
    """Return the severities, least severe first, or nothing if their order is unclear.

    The score of a cell is the rank of its impact plus the rank of its urgency. Severities are
    sorted by the mean score of their cells. The order is unclear if two severities have equal
    means, or if a cell's impact or urgency is not among the given levels.

    >>> cells = {("lo", "lo"): "silver", ("lo", "hi"): "gold", ("hi", "hi"): "gold"}
    >>> matrix_order(PriorityMatrix(cells), ("lo", "hi"), ("lo", "hi"))
    ('silver', 'gold')
    """
    rank_sums: dict[str, list[int]] = defaultdict(list)
    for (impact, urgency), severity in matrix.cells.items():
        if impact not in impact_levels or urgency not in urgency_levels:
            return ()
        rank_sums[severity].append(impact_levels.index(impact) + urgency_levels.index(urgency))
    means = {severity: sum(ranks) / len(ranks) for severity, ranks in rank_sums.items()}
    is_clear = len(set(means.values())) == len(means)
    return tuple(sorted(means, key=means.__getitem__)) if is_clear else ()


def paired_levels(impacts: Values, urgencies: Values) -> list[tuple[str, str] | None]:
    """Return each row's impact and urgency, None if either is unknown."""
    return [
        None if impact is None or urgency is None else (impact, urgency)
        for impact, urgency in zip(impacts, urgencies, strict=True)
    ]
