"""The right runbook for a report, with a reason, or none; outcomes move it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from factories import runbook
from sklearn.base import clone

from features.domain.feedback import FeedbackAction, FeedbackRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook, Section
from features.encoding.encoder import HashingEncoder
from features.errors import NotTrained
from models.base.predictions import Decision
from models.runbooks.match_features import FEATURES, match_reports
from models.runbooks.passages import passages_of, read_report
from models.runbooks.runbook_index import RunbookIndex, RunbookUse
from models.runbooks.runbook_model import CUTOFF, RunbookModel
from models.runbooks.usage import past_uses

RUNBOOKS = (
    runbook("vpn/tunnel-drops", "Tunnel drops", "Remote users lose the VPN tunnel to the branch."),
    runbook("disk/DiskFillingUp", "DiskFillingUp", "A volume will soon have no space left."),
    runbook("db/replication-lag", "Replication lag", "The standby database is behind the primary."),
    runbook("mail/queue", "Mail queue grows", "Outgoing mail is stuck, the relay refuses it."),
    runbook(
        "web/certificate", "Certificate expires", "The TLS certificate of a site runs out soon."
    ),
    runbook(
        "pay/gateway",
        "Payments fail",
        "Card payments time out at the gateway.",
        "https://wiki.example.com/Pay%20Gateway/",
    ),
)
TEXTS = [passage.text for runbook in RUNBOOKS for passage in passages_of(runbook)]
DISK = IncidentReport(id="q1", title="DiskFillingUp", description="volume /var on srv-db-012")
TUNNEL = IncidentReport(
    id="q2", title="Home office offline", description="Remote users lose the VPN tunnel again."
)
ODD = IncidentReport(id="q3", title="Coffee machine leaks", description="Water on the floor.")


@pytest.fixture(scope="module")
def index() -> RunbookIndex:
    return RunbookIndex(RUNBOOKS, HashingEncoder())


@pytest.fixture(scope="module")
def model() -> RunbookModel:
    return RunbookModel(encoder="hashing").fit([])


def suggest(model: RunbookModel, index: RunbookIndex, report: IncidentReport, **options):
    (answer,) = model.suggest([report], index, **options)
    return answer


def test_a_name_finds_its_runbook(model, index) -> None:
    answer = suggest(model, index, DISK)
    first = answer.runbooks[0]
    assert (first.id, first.title) == ("disk/DiskFillingUp", "DiskFillingUp")
    assert first.relevance >= CUTOFF
    assert first.why[0] == "named alike: DiskFillingUp"
    assert first.steps == ("Restart it.", "systemctl restart it")
    assert answer.decision is Decision.SUGGEST
    assert answer.confidence == first.relevance


def test_a_text_finds_its_runbook_and_quotes_the_section(model, index) -> None:
    first = suggest(model, index, TUNNEL, cutoff=0).runbooks[0]
    assert first.id == "vpn/tunnel-drops"
    assert first.why == ("Meaning: Remote users lose the VPN tunnel to the branch.",)


def test_nothing_fits_is_an_answer(model, index) -> None:
    answer = suggest(model, index, ODD)
    assert answer.runbooks == ()
    assert answer.decision is Decision.ABSTAIN


@pytest.mark.parametrize("report", [IncidentReport(id=""), IncidentReport(id="1", title="?!")])
def test_an_empty_text_fits_nothing(model, index, report) -> None:
    assert suggest(model, index, report).runbooks == ()


def test_limit_and_cutoff(model, index) -> None:
    every = suggest(model, index, DISK, cutoff=0, limit=100).runbooks
    assert {runbook.id for runbook in every} == {runbook.id for runbook in RUNBOOKS}
    assert [runbook.relevance for runbook in every] == sorted(
        (runbook.relevance for runbook in every), reverse=True
    )
    assert suggest(model, index, DISK, cutoff=0, limit=2).runbooks == every[:2]
    assert all(
        runbook.relevance >= 0.1 for runbook in suggest(model, index, DISK, cutoff=0.1).runbooks
    )
    assert suggest(model, index, DISK, cutoff=1.0).runbooks == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("runbook_url", "https://runbooks.example.com/latest/tunnel_drops.md"),
        ("runbook", "vpn/tunnel-drops"),
        ("annotations", "see https://example.com/playbooks/vpn/#Tunnel-Drops."),
    ],
)
def test_a_link_settles_it(model, index, name, value) -> None:
    first, *others = suggest(
        model, index, replace(DISK, attributes={name: value}), cutoff=0
    ).runbooks
    assert first.id == "vpn/tunnel-drops"
    assert first.relevance > 0.95
    assert first.why[0] == "the report links to it"
    assert max(runbook.relevance for runbook in others) < 0.05


def test_a_link_in_the_text_to_a_runbooks_own_page_settles_it(model, index) -> None:
    text = (
        "disk trouble (http://wiki.example.com/pay gateway), https://wiki.example.com/pay%20gateway"
    )
    answer = suggest(model, index, replace(DISK, description=text))
    assert answer.label == "pay/gateway"


@pytest.mark.parametrize(
    "value",
    ["https://grafana.example.com/d/queue", "https://example.com/runbooks/other", "see wiki"],
)
def test_other_links_settle_nothing(model, index, value) -> None:
    report = replace(DISK, attributes={"dashboard" if "grafana" in value else "runbook": value})
    assert suggest(model, index, report).label == "disk/DiskFillingUp"


def test_a_link_to_one_of_two_alike_settles_nothing(model) -> None:
    twins = RunbookIndex(
        [runbook("a/x", "X one", "Alpha"), runbook("b/x", "X two", "Beta")], HashingEncoder()
    )
    report = IncidentReport(id="1", attributes={"runbook_url": "https://example.com/x"})
    assert suggest(model, twins, report).runbooks == ()
    closer = replace(report, attributes={"runbook_url": "https://example.com/b/x.html"})
    assert suggest(model, twins, closer).label == "b/x"


def test_equal_texts_keep_their_own_ids(model) -> None:
    twins = [runbook(path, "DiskFillingUp", "No space left.") for path in ("b", "a")]
    answer = suggest(model, RunbookIndex(twins, HashingEncoder()), DISK, cutoff=0)
    assert [runbook.id for runbook in answer.runbooks] == ["a", "b"]
    assert answer.runbooks[0].relevance == pytest.approx(answer.runbooks[1].relevance)


def test_what_many_are_called_names_none(model) -> None:
    texts = ("No space left.", "Relay refuses.", "Tunnel lost.", "Site slow.")
    pages = [runbook(f"page-{n}", "Alert", text) for n, text in enumerate(texts)]
    report = IncidentReport(id="1", title="Alert", description="Relay refuses mail")
    answer = suggest(model, RunbookIndex(pages, HashingEncoder()), report, cutoff=0)
    assert answer.label == "page-1"
    assert not any("named alike" in reason for runbook in answer.runbooks for reason in runbook.why)


def test_an_empty_index_has_no_answer(model) -> None:
    assert suggest(model, RunbookIndex([], HashingEncoder()), DISK).runbooks == ()
    assert model.suggest([], RunbookIndex(RUNBOOKS, HashingEncoder())) == []


def test_past_uses_move_the_ranking(model, index) -> None:
    odd = replace(ODD, id="INC7")
    before = suggest(model, index, ODD, cutoff=0)
    used = index.with_uses([RunbookUse(odd, "mail/queue", helped=True)])
    after = suggest(model, used, ODD, cutoff=0)
    assert before.label != "mail/queue" or before.confidence < after.confidence
    assert after.label == "mail/queue"
    assert after.runbooks[0].why[0] == "helped with INC7: Coffee machine leaks"
    assert suggest(model, index, ODD, cutoff=0) == before


def test_the_same_again_is_shown_what_was_used(model, index) -> None:
    past = replace(ODD, id="INC7")
    used = index.with_uses([RunbookUse(past, "mail/queue"), RunbookUse(TUNNEL, "vpn/tunnel-drops")])
    assert suggest(model, index, ODD).runbooks == ()
    assert suggest(model, used, ODD).label == "mail/queue"
    assert suggest(model, used, IncidentReport(id="q", title="Quarterly report")).runbooks == ()


def test_a_use_that_did_not_help_moves_it_away(model, index) -> None:
    past = replace(DISK, id="INC7")
    plain = suggest(model, index, DISK).confidence
    blamed = index.with_uses([RunbookUse(past, "disk/DiskFillingUp", helped=False)])
    answer = suggest(model, blamed, DISK, cutoff=0)
    suggestion = {runbook.id: runbook for runbook in answer.runbooks}["disk/DiskFillingUp"]
    assert suggestion.relevance < plain
    assert not any("INC7" in reason for reason in suggestion.why)


def test_only_earlier_uses_count(model, index) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    report = replace(ODD, opened_at=noon)
    plain = suggest(model, index, report, cutoff=0)
    for known_at, moves in ((noon - timedelta(hours=1), True), (noon, False)):
        past = replace(ODD, id="INC7", opened_at=known_at)
        used = index.with_uses([RunbookUse(past, "mail/queue")])
        assert (suggest(model, used, report, cutoff=0) != plain) is moves
    own = index.with_uses([RunbookUse(report, "mail/queue")])
    assert suggest(model, own, report, cutoff=0) == plain


def test_the_same_uses_are_the_same_index(index) -> None:
    uses = [RunbookUse(DISK, "mail/queue"), RunbookUse(DISK, "gone")]
    used = index.with_uses(uses)
    assert used is not index
    assert used.with_uses(list(uses)) is used
    grown = used.with_uses([*uses, RunbookUse(ODD, "vpn/tunnel-drops")])
    fresh = index.with_uses([*uses, RunbookUse(ODD, "vpn/tunnel-drops")])
    assert grown.past.vectors.tolist() == fresh.past.vectors.tolist()
    assert len(grown.past.uses) == 2


def test_only_new_uses_are_encoded(index) -> None:
    encoded = []

    class Listening(HashingEncoder):
        def encode(self, texts):
            encoded.extend(texts)
            return super().encode(texts)

    listening = RunbookIndex(RUNBOOKS, HashingEncoder(), caching_encoder=Listening())
    assert encoded == TEXTS
    used = listening.with_uses([RunbookUse(DISK, "mail/queue"), RunbookUse(ODD, "mail/queue")])
    assert len(encoded) == len(TEXTS) + 2
    fewer = used.without_incidents({ODD.id})
    assert len(encoded) == len(TEXTS) + 2
    fresh = index.with_uses([RunbookUse(DISK, "mail/queue")])
    assert fewer.past.all_uses == fresh.past.all_uses
    assert fewer.past.vectors.tolist() == fresh.past.vectors.tolist()
    assert fewer.without_incidents({ODD.id}) is fewer
    assert fewer.without_incidents({DISK.id}).past.vectors.shape == (0, 64)


def test_of_a_very_long_runbook_the_beginning_of_each_section_is_read() -> None:
    many = tuple(
        Section(f"Alert {number}", f"First {number}." + f" {number} lasts long." * 900)
        for number in range(200)
    )
    passages = passages_of(Runbook("long", "Long", many))
    assert 800 < len(passages) <= 1_000
    assert passages[0].original == "Long"
    assert {passage.section for passage in passages[1:]} == set(range(200))


def test_uses_of_unknown_runbooks_are_passed_over(model, index) -> None:
    assert suggest(model, index.with_uses([RunbookUse(ODD, "gone")]), ODD).runbooks == ()


def misleading_past(count: int) -> list[ResolvedIncident]:
    """Incidents that are named like one runbook and solved by another, as told only by code."""
    return [
        ResolvedIncident(
            IncidentReport(
                id=f"I{n}", title="DiskFillingUp", description=f"mail relay {n} refuses"
            ),
            Outcome(runbook_id="mail/queue"),
        )
        for n in range(count)
    ]


def test_fit_moves_from_the_shipped_constants_with_each_outcome(index) -> None:
    plain = RunbookModel(encoder="hashing").fit([], index)
    taught = RunbookModel(encoder="hashing").fit(misleading_past(30), index)
    assert plain.weights_.tolist() == RunbookModel().fit(misleading_past(3)).weights_.tolist()
    assert taught.examples_ == 30
    assert taught.weights_[FEATURES.index("same name")] < plain.weights_[0]
    report = IncidentReport(id="new", title="DiskFillingUp", description="mail relay refuses")
    used = index.with_uses(past_uses(misleading_past(30)))
    assert suggest(taught, used, report).label == "mail/queue"


def test_refit_forgets(index) -> None:
    model = RunbookModel(encoder="hashing").fit(misleading_past(30), index)
    assert model.fit([], index).weights_.tolist() == RunbookModel().fit([]).weights_.tolist()


def test_batch_equals_one_by_one_in_order(model, index) -> None:
    reports = [ODD, DISK, TUNNEL]
    together = model.suggest(reports, index, cutoff=0)
    assert together == [suggest(model, index, report, cutoff=0) for report in reports]
    assert model.suggest(reports[::-1], index, cutoff=0) == together[::-1]


def test_predict_reads_the_index_it_was_fitted_with(index) -> None:
    model = RunbookModel(encoder="hashing")
    with pytest.raises(NotTrained, match="runbooks"):
        model.predict([DISK])
    assert model.fit([], index).predict([DISK])[0].label == "disk/DiskFillingUp"
    assert model.fit([]).predict([DISK])[0].runbooks == ()
    assert vars(clone(model)) == model.get_params()


def test_secrets_of_the_index_are_not_pickled(index) -> None:
    state = RunbookModel(encoder="hashing").fit(misleading_past(5), index).__getstate__()
    assert not any(isinstance(value, RunbookIndex) for value in state.values())


def test_features_are_one_row_per_runbook(index) -> None:
    match = match_reports([TUNNEL], index)[0]
    assert match.features.shape == (len(RUNBOOKS), len(FEATURES))
    assert np.isfinite(match.features).all()


def test_markup_and_templates_are_only_text(model, index) -> None:
    text = "<script>alert(1)</script> {{ $labels.pod }} " + "[" * 5_000 + "_" * 5_000 + "{" * 5_000
    assert suggest(model, index, IncidentReport(id="1", title=text, description=text)) is not None


def word(action: FeedbackAction, subject: str | None, **more) -> FeedbackRecord:
    return FeedbackRecord(
        **{
            "prediction_id": "p",
            "incident_id": "INC7",
            "target": "runbooks",
            "action": action,
            "label": None,
            "subject": subject,
            "given_by": "bob",
            "given_at": datetime(2026, 3, 1, tzinfo=UTC),
            "source": "page",
            **more,
        }
    )


def test_outcomes_and_what_people_said_are_uses() -> None:
    past = [ResolvedIncident(replace(ODD, id="INC7"), Outcome(runbook_id="mail/queue"))]
    words = [
        word(FeedbackAction.ACCEPT, "pay/gateway"),
        word(FeedbackAction.ACCEPT, "pay/gateway", helped=False),
        word(FeedbackAction.DISMISS, "db/replication-lag"),
        word(FeedbackAction.CORRECT, "web/certificate", label="mail/queue", helped=True),
        word(FeedbackAction.DISMISS, "mail/queue", target="similar"),
        word(FeedbackAction.ACCEPT, "mail/queue", incident_id="gone"),
    ]
    helped = {use.runbook_id: use.helped for use in past_uses(past, words)}
    assert helped == {
        "mail/queue": True,
        "pay/gateway": False,
        "db/replication-lag": False,
        "web/certificate": False,
    }
    assert past_uses(past)[0].helped is None


def test_names_of_other_alerts_do_not_draw_a_runbook(model) -> None:
    pages = [
        runbook("a", "Slow writes", "Same as NodeFilesystemSpaceFillingUp, for others."),
        runbook("b", "Volumes", "The file system is out of space soon."),
    ]
    report = IncidentReport(id="1", description="node filesystem space filling up")
    assert suggest(model, RunbookIndex(pages, HashingEncoder()), report, cutoff=0).label == "b"


GENERAL_DISK = runbook("general/disk-full", "Disk full", "A volume of a server is almost full.")
POSTGRES_DISK = runbook(
    "database/postgresql-disk-full",
    "PostgreSQL disk full",
    "The volume of a PostgreSQL server is full. Run df -h /var/lib/postgresql.",
)
MAIL_DISK = IncidentReport(
    id="q4", title="Disk 96% full on mail-03", description="/var/spool is nearly full"
)


def relevances(model, pages, report) -> dict[str, float]:
    answer = suggest(model, RunbookIndex(pages, HashingEncoder()), report, cutoff=0, limit=100)
    return {suggestion.id: suggestion.relevance for suggestion in answer.runbooks}


def test_words_of_another_component_count_against_a_runbook(model) -> None:
    pages = [*RUNBOOKS, GENERAL_DISK, POSTGRES_DISK]
    found = relevances(model, pages, MAIL_DISK)
    assert found[GENERAL_DISK.id] > found[POSTGRES_DISK.id]
    assert found[POSTGRES_DISK.id] < CUTOFF
    assert relevances(model, [*RUNBOOKS, POSTGRES_DISK], MAIL_DISK)[POSTGRES_DISK.id] < CUTOFF


@pytest.mark.parametrize("report", [DISK, TUNNEL, MAIL_DISK])
def test_without_the_right_runbook_none_is_shown(model, index, report) -> None:
    right = suggest(model, index, report, cutoff=0).label
    others = [page for page in RUNBOOKS if page.id != right]
    assert max(relevances(model, others, report).values()) < CUTOFF


def test_a_lone_runbook_needs_evidence(model) -> None:
    assert relevances(model, [POSTGRES_DISK], ODD)[POSTGRES_DISK.id] < 0.1
    assert relevances(model, [POSTGRES_DISK], MAIL_DISK)[POSTGRES_DISK.id] < CUTOFF


def test_a_title_that_is_the_alerts_name_settles_it(model, index) -> None:
    fact = IncidentReport(id="1", title="Firing", attributes={"alertname": "DiskFillingUp"})
    within = IncidentReport(id="2", title="[FIRING:1] DiskFillingUp (srv-db-012 warning)")
    for report in (DISK, fact, within):
        found = relevances(model, RUNBOOKS, report)
        assert found.pop("disk/DiskFillingUp") == 0.99
        assert max(found.values()) <= 0.01


def test_only_a_link_or_a_title_makes_sure(model) -> None:
    report = IncidentReport(id="1", title="The Mail queue grows again", description=TEXTS[7])
    same = IncidentReport(id="2", title="Remote users lose the VPN tunnel to the branch.")
    for asked in (report, same):
        assert max(relevances(model, RUNBOOKS, asked).values()) < 0.95


@pytest.mark.parametrize("title", ["Backup", "PostgreSQL is slow"])
def test_the_name_of_a_component_settles_nothing(model, title) -> None:
    pages = [*RUNBOOKS, runbook("a/backup", "Backup", "x"), runbook("a/pg", "PostgreSQL", "x")]
    assert max(relevances(model, pages, IncidentReport(id="1", title=title)).values()) < 0.95


def test_runbooks_with_the_same_title_share_the_relevance(model) -> None:
    twins = [runbook(path, "DiskFillingUp", "No space left.") for path in ("b", "a")]
    found = relevances(model, [*RUNBOOKS[2:], *twins], DISK)
    assert found["a"] == found["b"] == pytest.approx(0.5)
    assert relevances(model, twins[1:], DISK)["a"] == 0.99


def test_a_title_that_past_uses_contradict_settles_nothing(model, index) -> None:
    past = replace(DISK, id="INC7")
    used = index.with_uses([RunbookUse(past, "mail/queue")])
    assert suggest(model, used, DISK, cutoff=0).confidence < 0.99


@pytest.mark.parametrize("report", [DISK, TUNNEL, MAIL_DISK, ODD])
def test_an_unrelated_runbook_changes_relevance_little(model, report) -> None:
    unrelated = runbook("hr/onboarding", "New colleague", "Order a badge for the first day.")
    pages = [*RUNBOOKS, GENERAL_DISK]
    before = relevances(model, pages, report)
    after = relevances(model, [*pages, unrelated], report)
    assert {id: after[id] for id in before} == pytest.approx(before, abs=0.05)  # noqa: A001


def test_plurals_and_remarks_in_parentheses_are_words() -> None:
    text = "3 unhealthy ingester(s) cannot compact (reason: size), see rate(errors_total[5m])"
    words = read_report(IncidentReport(id="1", description=text)).words
    assert {"ingest", "compact"} <= set(words)
    assert "rate" not in words


def test_past_uses_do_not_make_sure_where_the_report_names_another_component(model) -> None:
    used = [
        ResolvedIncident(
            IncidentReport(id=f"P{n}", title=f"Disk {90 + n % 9}% full on pg-{n:02}"),
            Outcome(runbook_id=POSTGRES_DISK.id),
        )
        for n in range(60)
    ]
    pages = [*RUNBOOKS, POSTGRES_DISK]
    index = RunbookIndex(pages, HashingEncoder(), past_uses(used))
    learned = RunbookModel(encoder="hashing").fit(used, index)
    answers = learned.suggest(
        [MAIL_DISK, replace(MAIL_DISK, title="Disk 96% full on pg-03", description="")],
        index,
        cutoff=0,
        limit=100,
    )
    on_mail, on_postgres = (
        {entry.id: entry.relevance for entry in answer.runbooks}[POSTGRES_DISK.id]
        for answer in answers
    )
    assert on_mail < 0.9
    assert on_mail < on_postgres
