"""A label that ends as another begins with the same texts is proposed as renamed."""

from dataclasses import replace
from random import Random

import numpy as np
from monitored_store import incident

from training.monitoring.dataset import MonitoringDataset
from training.monitoring.renamed_labels import propose_renames

KINDS = ("Network", "Printing", "Mail")


def dataset(name_of, *, has_texts=True, count=300, noise=0.15):
    """Incidents of three kinds with vectors of their kind; `name_of(number, kind)` labels them."""
    rng, generator = Random(0), np.random.default_rng(0)
    incidents, vectors = [], np.zeros((count, 8), dtype=np.float32)
    for number in range(count):
        kind = rng.choice(KINDS)
        one = incident(number, rng, kind, label=name_of(number, kind), service=kind.casefold())
        if not has_texts:
            one = replace(one, report=replace(one.report, title=""))
        else:
            vectors[number, KINDS.index(kind)] = 1
            vectors[number] += noise * generator.normal(size=8)
            vectors[number] /= np.linalg.norm(vectors[number])
        incidents.append(one)
    return MonitoringDataset(tuple(incidents), vectors)


def renamed_at_200(number, kind):
    return "E-mail" if kind == "Mail" and number >= 200 else kind


def test_a_renamed_label_is_proposed_with_the_command_that_confirms_it():
    (proposal,) = propose_renames(dataset(renamed_at_200), "category").proposals
    assert (proposal.kind, proposal.name, proposal.target) == ("renamed", "E-mail", "category")
    assert "'Mail' became 'E-mail' on 2026-01-2" in proposal.statement
    assert "100% of the texts match" in proposal.statement
    assert "precedent retrain --from-store --renamed category Mail E-mail" in proposal.statement
    assert proposal.count > 20


def test_stragglers_of_the_old_label_do_not_hide_a_rename():
    def name_of(number, kind):
        return "Mail" if number in (220, 221, 222) else renamed_at_200(number, kind)

    (proposal,) = propose_renames(dataset(name_of, count=600), "category").proposals
    assert proposal.name == "E-mail"


def test_incidents_without_texts_are_compared_by_facts():
    (proposal,) = propose_renames(dataset(renamed_at_200, has_texts=False), "category").proposals
    assert "100% of the facts match" in proposal.statement


def test_a_label_that_its_texts_hardly_tell_may_be_renamed_too():
    (proposal,) = propose_renames(
        dataset(renamed_at_200, count=600, noise=0.8), "category"
    ).proposals
    assert proposal.name == "E-mail"
    assert "100%" not in proposal.statement


def test_a_new_kind_that_begins_as_another_ends_is_no_rename():
    def name_of(number, kind):
        # Nobody prints any more, and half of the network's incidents get a class of their own.
        if kind == "Network" and number >= 200:
            return "Wifi" if number % 2 else "Network"
        return "Mail" if kind == "Printing" and number >= 200 else kind

    assert propose_renames(dataset(name_of), "category").proposals == ()


def test_a_label_that_was_divided_is_not_merged_with_its_parts():
    def name_of(number, kind):
        return kind if kind != "Mail" or number < 200 else ("Inbox", "Outbox")[number % 2]

    assert propose_renames(dataset(name_of, count=500), "category").proposals == ()


def test_quiet_months_have_no_renames():
    assert propose_renames(dataset(lambda _number, kind: kind), "category").proposals == ()


def test_too_few_incidents_of_the_new_label_prove_nothing():
    def name_of(number, kind):
        return "E-mail" if kind == "Mail" and number >= 285 else kind

    assert propose_renames(dataset(name_of), "category").proposals == ()


def test_the_monitoring_report_proposes_the_rename(report_of):
    def fill(store):
        rng = Random(1)
        incidents = [incident(number, rng, rng.choice(KINDS)) for number in range(700)]
        store.incidents.upsert(
            [
                replace(one, outcome=replace(one.outcome, category="E-mail"))
                if one.outcome.category == "Mail" and number >= 500
                else one
                for number, one in enumerate(incidents)
            ]
        )

    proposals = [one for one in report_of(fill).proposals if one.kind == "renamed"]
    assert [proposal.name for proposal in proposals] == ["E-mail"]
