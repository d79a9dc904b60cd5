"""Fixed incidents with which each pair is compared: how well do strangers match the report?"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.search.candidates import Candidates
from features.search.incident_index import IncidentIndex
from features.search.query import SearchView
from models.similarity.pair_features import pair_features
from models.similarity.pair_statistics import PairStatistics

_ISSUE_COSINE = 0.8
_NEAR_COSINE = 0.8
# A member with this cosine may be the report itself, if the report was in the history.
_SAME_COSINE = 0.98
_MOST_MEMBERS = 2_000
_MOST_DRAWN = 20_000

MOST_COMPARED: Final = 50
"""How many members of the cohort a report is compared with."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StrangerPairs:
    """The cohort's members that resemble a report most, each paired with the report.

    `features` has shape (members, features). `is_near` has shape (candidates, members): whether a
    member may be about the same issue as a candidate, so that it is no stranger to it.
    """

    features: Floats
    is_near: Flags


@dataclass(frozen=True, slots=True)
class StrangerCohort:
    """A sample of a history, frozen when a model learns: one incident of each issue.

    A score says little by itself: some reports resemble every incident. So the score of a pair is
    compared with the scores of the report and the cohort's members that were opened before it
    (adaptive s-norm, Matejka et al. 2017). Members whose text vectors have a cosine of at least 0.8
    with the candidate may be about the same issue, so they are no strangers. The members' ids are
    left out.
    """

    members: Candidates

    def pair(
        self, view: SearchView, candidates: Candidates, statistics: PairStatistics
    ) -> StrangerPairs:
        """Pair a report with the 50 earlier members that have the most similar texts."""
        cosine = self.members.text_vectors @ view.text_vector
        is_earlier = cosine < _SAME_COSINE
        if view.opened is not None:
            is_earlier &= self.members.opened < view.opened
        nearest = np.argsort(np.where(is_earlier, -cosine, np.inf), kind="stable")[:MOST_COMPARED]
        strangers = self.members.take(nearest[is_earlier[nearest]])
        # One product for each candidate: its result must not depend on the other candidates.
        cosines = np.matvec(strangers.text_vectors, candidates.text_vectors)
        return StrangerPairs(
            features=pair_features(view, strangers, statistics),
            is_near=cosines >= _NEAR_COSINE,
        )


def draw_cohort(index: IncidentIndex, seed: int) -> StrangerCohort:
    """Draw at most 2,000 incidents of an index at random, no two about the same issue."""
    ids = index.ids_of_distinct_texts()
    drawn = np.random.default_rng(seed).permutation(len(ids))[:_MOST_DRAWN]
    ids = [ids[row] for row in drawn]
    vectors = index.text_vectors(ids)
    members = np.zeros((_MOST_MEMBERS, vectors.shape[1]), dtype=np.float32)
    chosen: list[str] = []
    for id_, vector in zip(ids, vectors, strict=True):
        if len(chosen) == _MOST_MEMBERS:
            break
        if vector.any() and not (members[: len(chosen)] @ vector >= _ISSUE_COSINE).any():
            members[len(chosen)] = vector
            chosen.append(id_)
    found = index.gather(chosen)
    return StrangerCohort(replace(found, ids=("",) * len(found)))
