"""Closing notes as people write them, with and without a named fix."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.text.resolutions import Documentation, documentation, named_fix

WHOLE_NOTES = [
    "provider repaired",
    "set flag off",
    "swapped the battery",
    "changed gateway on payments-02",
    "ended the transaction",
    "removed the lock and reran",
    "deleted old logs",
    "extended the volume by 40 GB",
    "reran the import",
    "rolled back release 12",
    "renewed the certificate",
    "added the issuer",
    "blocked the sender",
    "scanned LT-1234",
    "corrected document 5",
    "restarted it",
    "rolled the key back",
    "registered the new phone",
    "reset the factor",
    "assigned the role",
    "archived old mail",
    "raised quota to 5 GB",
    "released 40 mails on mail-01",
    "updated client",
    "restarted enrolment",
    "unlocked the account",
    "changed channel",
    "replaced toner",
    "added a node beside catalog-03",
    "rebuilt the index",
    "restored from 03:12",
    "restored it",
    "Password reset",
    "PW reset done, user can log in",
    "Server reboot solved the problem",
    "Rollback to 4.1",
    "Restart the service",
    "Please clear the browser cache and try again.",
    "Drucker neu gestartet und Treiber aktualisiert.",
    "Passwort zurückgesetzt, Anwender informiert",
    "Konto entsperrt",
    "Neustart des Servers",
    "Le serveur a été redémarré.",
    "Se ha reiniciado el servicio",
    "已重启服务器并清理磁盘空间",
    "Pods were OOMKilled; memory limit raised to 2Gi",
    "Vendor patch 7.3 installed on all nodes",
    "Failed over to the standby database",
    "Disabled the faulty rule on the firewall",
    "User's account was unlocked and MFA re-registered",
    "cleared cookies, working now",
    "Service restarted by ops",
    "Access granted by manager",
    "Memory upgraded.",
    "Old logs cleared.",
    "Killed the hung session 4711.",
    "I have reinstalled Office and it works",
    "Increased threshold from 80% to 90%",
    "Guided the user to clear the cache",
    "Turned it off and on again",
    "Code fix deployed in v2.3.1",
    "User restarted his laptop; works",
    "Reseated the cable",
    "re-installed vpn client",
    "Re-imaged laptop",
]
PARTS = [
    ("Lösung: Toner getauscht", "Toner getauscht"),
    (
        "Restarted the print spooler on srv-prn-01. User confirmed working.",
        "Restarted the print spooler on srv-prn-01.",
    ),
    ("Root cause: disk full. Action taken: cleared old logs.", "cleared old logs."),
    (
        "-verified user details.(employee# & manager name)\n"
        "-checked the user name in ad and reset the password.\n"
        "-advised the user to login and check.\n-issue resolved.",
        "checked the user name in ad and reset the password.",
    ),
    (
        "Caused by an expired cert. Resolved by renewing the certificate and reloading nginx.",
        "Resolved by renewing the certificate and reloading nginx.",
    ),
    ("Resolution: DNS forwarder pointed to the old site", "DNS forwarder pointed to the old site"),
    ("Fix:\n1. Increase heap to 8 GB\n2. restart pod", "Increase heap to 8 GB"),
    (
        "Restarted service. That did not help. Replaced the network cable. Works now.",
        "Replaced the network cable.",
    ),
]
WITHOUT_DEED = [
    "",
    "closed",
    "done",
    "Resolved",
    "fixed",
    "Fixed.",
    "resolved by caller",
    "user confirmed",
    "Closed, no response from user",
    "no response from user, closing ticket",
    "duplicate of INC0012345",
    "working now",
    "issue no longer occurs",
    "self-resolved",
    "n/a",
    "see work notes",
    "Closed as per user request",
    "The problem solved itself",
    "Cannot reproduce",
    "No action taken",
    "closing",
    "ok",
    "Ticket closed.",
    "Ticket has been updated and closed",
    "status changed to resolved",
    "Assigned to network team",
    "reassigned to L2",
    "incident created for vendor",
    "called user, no answer",
    "Waiting for the vendor to replace the disk",
    "Will be restarted tonight",
    "The disk needs to be replaced",
    "Tried restarting, no effect",
    "Did not restart the server",
    "Restarted the pod but the problem persists.",
    "Restart did not help",
    "Alert cleared",
    "Alarm cleared automatically",
    "Service restored",
    "Service recovered on its own",
    "Connection was restored at 03:00",
    "The account was disabled",
    "Application stopped responding",
    "Caller not reachable",
    "issue resolved",
    "Issue has been fixed",
    "Resolution: done",
    "Resolution: closed by user",
    "resolution notes: issue resolved",
    "Works as designed",
    "not an issue",
    "Known issue, no fix planned",
    "erledigt",
    "geschlossen",
    "Anwender meldet sich nicht",
    "gelöst",
    "Kein Fehler gefunden",
    "resuelto",
    "résolu",
    "auto-closed after 5 days",
    "Event resolved itself.",
    "spam",
    "test",
    "same as above",
    "per conversation with user ok to close",
    "user will call back if issue reoccurs",
    "Awaiting response",
    "Sent email to user",
    "informed the user",
    "Priority lowered to P4",
    "Added comment for the team",
    "Opened a case with the vendor",
    "ticket set to resolved",
    "User was disconnected",
]


@pytest.mark.parametrize("note", WHOLE_NOTES)
def test_note_that_names_the_fix(note: str) -> None:
    assert named_fix(note) == note


@pytest.mark.parametrize(("note", "wanted"), PARTS)
def test_sentence_that_names_the_fix(note: str, wanted: str) -> None:
    assert named_fix(note) == wanted


@pytest.mark.parametrize("note", WITHOUT_DEED)
def test_note_without_a_deed(note: str) -> None:
    assert named_fix(note) is None


def test_missing_note_is_documented_least_and_a_fix_best() -> None:
    grades = [documentation(note) for note in (None, "", " n/a ", "closed", "Replaced the disk.")]
    assert grades == [0, 0, 0, Documentation.NOTE, Documentation.FIX]


def test_what_did_not_help_gives_way_to_what_did() -> None:
    note = "Restarted the service. Still slow. Did not help. Extended the volume. Works now."
    assert named_fix("Cleared the cache. This did not help.") is None
    assert named_fix("Cleared the cache. No effect. Rebuilt the index.") == "Rebuilt the index."
    assert named_fix(note.replace("Still slow. ", "")) == "Extended the volume."


def test_sentence_that_says_it_helped_is_preferred() -> None:
    note = "Added logging. Resolved by reverting release 4.2. Removed logging."
    assert named_fix(note) == "Resolved by reverting release 4.2."


def test_long_sentence_is_cut_at_a_word() -> None:
    fix = named_fix("Replaced the disk " + "and then the next disk " * 50)
    assert fix is not None
    assert len(fix) <= 302
    assert fix.endswith(("disk …", "and …", "then …", "the …", "next …"))


@given(st.text())
def test_any_text_is_read(note: str) -> None:
    fix = named_fix(note)
    assert fix is None or fix in note or fix.endswith("…")
    assert documentation(note) in Documentation


@given(st.lists(st.sampled_from(WITHOUT_DEED), max_size=5))
def test_fix_is_found_below_lines_without_one(lines: list[str]) -> None:
    assert named_fix("\n".join(lines)) is None
    assert named_fix("\n".join([*lines, "Replaced the fan of node 3."])) is not None


@pytest.mark.parametrize(
    "piece",
    ["clearing ", "to clear ", "a. ", " ", "- ", "fix: ", "\n", "x", "re-", "by restarting "],
)
def test_longest_note_is_read_quickly(piece: str) -> None:
    note = (piece * 200_000)[:200_000]
    started = time.process_time()
    named_fix(note)
    assert time.process_time() - started < 1
