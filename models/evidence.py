"""Evidence: what the linear expert read in a report, and the nearest labelled past reports."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction import FeatureHasher
from sklearn.pipeline import Pipeline

from features.encoding.encoded import TOKEN_COLUMNS, EncodedReports, title_counter, word_counter
from features.encoding.transformers import FactIndicators, TokenWeights
from features.incident.cleaning import clean_text, incident_text
from features.incident.report import IncidentReport
from models.expert_pool import ExpertPool
from models.folds import Rows
from models.prediction import Evidence, Exemplar, FieldWeight, TokenWeight

_TOKENS = 8
_FIELDS = 5
_EXEMPLARS = 3

Floats = NDArray[np.float64]
Contributions = csr_array


def explain(
    pool: ExpertPool,
    reports: Sequence[IncidentReport],
    encoded: EncodedReports,
    chosen: Rows,
    exemplars: Sequence[tuple[Exemplar, ...]],
) -> list[Evidence]:
    """Return the evidence for each report's chosen class.

    A weight is the feature's share of the linear expert's margin times the weight that the pool
    gives this expert: what the class's log-odds would lose without it, the other experts aside.
    """
    blocks = _contributions(pool, encoded, chosen)
    tokens = _token_weights(pool.experts_["linear"], reports, blocks)
    fields = _field_weights(pool.experts_["linear"], encoded, blocks["facts"])
    return [
        Evidence(tokens=token, fields=field, exemplars=near)
        for token, field, near in zip(tokens, fields, exemplars, strict=True)
    ]


def nearest_exemplars(
    pool: ExpertPool, encoded: EncodedReports, ids: NDArray[np.str_], labels: Sequence[str]
) -> list[tuple[Exemplar, ...]]:
    """Return the nearest labelled past reports, nearest first; none when there is no text."""
    expert = pool.experts_.get("neighbours")
    if expert is None:
        return [()] * len(encoded)
    rows, similarities = expert["classify"].nearest(encoded.vectors)
    return [
        tuple(
            Exemplar(str(ids[row]), labels[row], round(float(similarity), 4))
            for row, similarity in zip(near[:_EXEMPLARS], close[:_EXEMPLARS], strict=True)
            if similarity > 0
        )
        for near, close in zip(rows, similarities, strict=True)
    ]


def _contributions(
    pool: ExpertPool, encoded: EncodedReports, chosen: Rows
) -> dict[str, Contributions]:
    """Return each view's contributions, of shape (reports, columns of the view)."""
    expert = pool.experts_["linear"]
    classifier = expert["classify"]
    trust = pool.pool_.weights_[list(pool.experts_).index("linear")]
    place = {number: row for row, number in enumerate(classifier.classes_)}
    blocks, start = {}, 0
    for name, view in expert["views"].transformer_list:
        features = csr_array(view.transform(encoded))
        slopes = _slopes(classifier.coef_[:, start : start + features.shape[1]])
        start += features.shape[1]
        of_row = np.repeat(np.arange(len(encoded)), np.diff(features.indptr))
        rows = np.array([place.get(number, -1) for number in chosen])[of_row]
        known = rows >= 0
        weights = np.zeros(len(rows))
        weights[known] = slopes[rows[known], features.indices[known]]
        data = trust * features.data * weights
        blocks[name] = csr_array((data, features.indices, features.indptr), features.shape)
    return blocks


def _slopes(coefficients: Floats) -> Floats:
    """Return one row of slopes per class; a binary classifier keeps only the second's."""
    return np.vstack([-coefficients, coefficients]) if len(coefficients) == 1 else coefficients


def _token_weights(
    expert: Pipeline, reports: Sequence[IncidentReport], blocks: dict[str, Contributions]
) -> list[tuple[TokenWeight, ...]]:
    views = dict(expert["views"].transformer_list)
    texts = [incident_text(report) for report in reports]
    titles = [clean_text(report.title) for report in reports]
    sums: list[dict[str, float]] = [defaultdict(float) for _ in reports]
    _add_tokens(sums, word_counter().build_analyzer(), texts, views["words"], blocks["words"])
    _add_tokens(sums, title_counter().build_analyzer(), titles, views["titles"], blocks["titles"])
    return [
        tuple(TokenWeight(token, round(weight, 4)) for token, weight in _strongest(row, _TOKENS))
        for row in sums
    ]


def _add_tokens(
    sums: list[dict[str, float]],
    analyse: object,
    texts: Sequence[str],
    view: TokenWeights,
    block: Contributions,
) -> None:
    """Name the hashed columns by hashing the report's own tokens again."""
    tokens = [list(dict.fromkeys(analyse(text))) for text in texts]  # type: ignore[operator]
    unique = list(dict.fromkeys(token for row in tokens for token in row))
    columns = dict(zip(unique, _columns_of(unique, view), strict=True))
    for row, names in enumerate(tokens):
        here = slice(block.indptr[row], block.indptr[row + 1])
        found = dict(zip(block.indices[here].tolist(), block.data[here].tolist(), strict=True))
        for token in names:
            weight = found.get(columns[token], 0.0)
            if weight:
                sums[row][token] += weight


def _columns_of(tokens: Sequence[str], view: TokenWeights) -> list[int]:
    """Return the view's column of each token, -1 for one that the model has not learned."""
    if not tokens or not len(view.columns_):
        return [-1] * len(tokens)
    hasher = FeatureHasher(TOKEN_COLUMNS, input_type="string", alternate_sign=False)
    hashed = hasher.transform([token] for token in tokens).indices
    places = np.minimum(np.searchsorted(view.columns_, hashed), len(view.columns_) - 1)
    return [int(place) for place in np.where(view.columns_[places] == hashed, places, -1)]


def _field_weights(
    expert: Pipeline, encoded: EncodedReports, block: Contributions
) -> list[tuple[FieldWeight, ...]]:
    view: FactIndicators = dict(expert["views"].transformer_list)["facts"]
    owners = view.fact_of_columns()
    weights = []
    for row, facts in enumerate(encoded.facts):
        sums: dict[str, float] = defaultdict(float)
        for place in range(block.indptr[row], block.indptr[row + 1]):
            sums[owners[block.indices[place]]] += float(block.data[place])
        strongest = _strongest({name: sums[name] for name in sums if name in facts}, _FIELDS)
        weights.append(
            tuple(FieldWeight(name, facts[name], round(weight, 4)) for name, weight in strongest)
        )
    return weights


def _strongest(weights: dict[str, float], count: int) -> list[tuple[str, float]]:
    return sorted(weights.items(), key=lambda item: (-abs(item[1]), item[0]))[:count]
