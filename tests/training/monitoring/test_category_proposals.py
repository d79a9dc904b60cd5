"""Incidents without a place become proposals."""

from random import Random

import numpy as np
from monitored_store import incident

from training.monitoring.category_proposals import propose_categories
from training.monitoring.dataset import MonitoringDataset


def test_alike_incidents_that_the_model_could_not_place_are_proposed():
    rng, spread = Random(0), np.random.default_rng(0).normal(size=(60, 16))
    ordinary = [incident(number, rng) for number in range(60)]
    doors = [incident(number, rng, category="Doors") for number in range(60, 72)]
    vectors = np.vstack([spread, spread[:1] + 0.05 * spread[:12]]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    dataset = MonitoringDataset((*ordinary, *doors), vectors)
    unplaced = {resolved.report.id for resolved in (*ordinary[::2], *doors)}
    proposals = propose_categories(dataset, "category", unplaced).proposals
    best = max(proposals, key=lambda proposal: proposal.count)
    assert set(best.examples) <= {example.report.id for example in (*ordinary[:1], *doors)}
    assert best.count >= 10
    assert "'Doors'" not in best.name
    assert "Doors" in best.statement
