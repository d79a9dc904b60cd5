"""The demo history: a synthetic company's year of incidents, generated from a seed."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from features.domain.report import IncidentReport, Outcome, ResolvedIncident

NOTICE = "Synthetic: Example Outfitters does not exist. Quote no quality figure from this."
UNTIL = datetime(2026, 6, 30, tzinfo=UTC)
SEVERITY_LEVELS = ("4 - Low", "3 - Moderate", "2 - High", "1 - Critical")  # least severe first
_TOPOLOGY = """checkout payments catalog identity; payments database network; catalog database;
erp database identity; database network; identity network; vpn identity network;
mail identity network; workplace identity network; network"""
# Cells as the first line names them, alternatives parted by ";"; without command no runbook.
_MODES = """name | service | category | team | rank | command | alert
| note | thing | german | trouble | fix
# card timeout | payments | Performance | Payments | 2 | kubectl top pods | PayLatencyHigh {n}0ms
| gateway pool exhausted, {n} threads wait | card payment; paying; checkout | Kartenzahlung hängt
| hangs at the last step; ends in {code}; takes forever | raised the pool to {n}; changed gateway
# card certificate | payments | Security | Payments | 2 | openssl x509 -enddate | TlsErrors {n}/min
| gateway refuses our certificate | every card; card payment; any credit card | Karten abgelehnt
| is declined; is refused, {code}; shows not trusted | renewed the certificate; added the issuer
# checkout release | checkout | Application | Commerce | 2 | kubectl rollout undo | Http5xx {n}%
| null pointer in basket since release {n} | checkout; order button; basket | Bestellung geht nicht
| shows {code}; does nothing; turns white since the update | rolled back release {n}; set flag off
# search slow | catalog | Performance | Commerce | 1 | curl :9200/_cat/indices | SearchSlow {n}0ms
| index heap at {n}%, merges pile up | product search; catalogue; shop | Artikelsuche sehr langsam
| is very slow; times out, {code}; takes {n} seconds | rebuilt the index; added a node beside {host}
# stale prices | catalog | Application | Commerce | 1 | kubectl logs job/import | PriceImport rc={n}
| price feed stopped at {clock}, half written | price of {n}; shop; sale price | Preise sind falsch
| is from yesterday; is wrong; differs from the invoice | reran the import; removed the broken feed
# disk full | database | Database | Platform | 2 | df -h /var/lib/postgresql | DiskUsageHigh {n}%
| log fills /var, {n}% used | saving; any order; the system | Speichern nicht möglich, {code}
| fails, {code}; says no space left; is read only | deleted old logs; extended the volume by {n} GB
# replication lag | database | Database | Platform | 1 | psql -c 'table pg_lag' | ReplicaLag {n}s
| standby {n} s behind, long transaction | report; stock list; figure | Auswertung zeigt alte Daten
| shows old data; differs between screens; lags behind | ended the transaction; rebuilt the standby
# backup failed | database | Database | Platform | 1 | pgbackrest info | BackupFailed rc={n}
| nightly backup ended early, locked | table; order {n}; deleted data | Bitte Daten wiederherstellen
| must be restored; is needed back as of {clock} | removed the lock and reran; restored from {clock}
# name resolution | network | Network | Network Operations | 2 | dig @resolver | DnsErrors {n}%
| resolver answers SERVFAIL | internal sites; internet; some pages | Interne Seiten nicht erreichbar
| not found; cannot be resolved; open only sometimes | restarted the resolver; changed the forwarder
# wifi drops | network | Network | Network Operations | 1 | show ap status | AccessPointDown {site}
| access point reboots every {n} min | wifi in {site}; wireless; internet | WLAN bricht ständig ab
| drops every few minutes; cannot connect; is very slow | replaced access point; changed channel
# link down | network | Network | Network Operations | 2 | show interface | UplinkDown {site} {n}%
| provider line down since {clock} | office {site}; network; internet | Kein Netz in {site}
| is offline; is down; not reachable, phones neither | provider repaired; {site} on backup line
# account locked | identity | Access | Identity | 0 | unlock NAME | AccountLockouts {n}/h
| old password on {asset} | I; my colleague; trainee; account | Konto gesperrt; Passwort abgelaufen
| cannot log in; locked out; password not accepted, {code}| unlocked the account; reset the password
# second factor | identity | Access | Service Desk | 0 | reset-factor NAME | SecondFactorFails {n}/h
| clock is off, codes refused | new phone, I; authenticator lost, I; I | Kein Code am neuen Handy
| cannot log in; get no code; see code refused, {code} | registered the new phone; reset the factor
# sign-on down | identity | Access | Identity | 2 | kubectl get pods | LoginFailureRate {n}%
| token service out of memory | nobody; whole team; we; I | Anmeldung überall gestört, {code}
| cannot log in; thrown out of everything; login loops, {code} | restarted it; rolled the key back
# tunnel drops | vpn | Network | Network Operations | 1 | show vpn sessions | VpnSessions {n}%
| out of licences, {n} dead sessions | vpn; remote desktop; home office | VPN bricht ab; VPN langsam
| disconnects; cannot connect; hangs at {n}%; cannot log in | cleared {n} sessions; updated client
# vpn certificate | vpn | Security | Identity | 1 | certutil -store my | CertificateExpiry {n} h
| enrolment stopped, nothing renewed | vpn; {asset}; client | VPN meldet Zertifikat abgelaufen
| certificate expired; cannot connect; not trusted, {code} | renewed {asset}; restarted enrolment
# mailbox full | mail | Email | Service Desk | 0 | mailbox quota NAME | MailboxQuota {n}%
| archive job skipped {n} mailboxes | mailbox; outlook; inbox; mail | Postfach voll, bitte mehr
| is full; says no space; cannot send; returns {code} | archived old mail; raised quota to {n} GB
# mail delayed | mail | Email | Platform | 1 | postqueue -p | MailQueueLength {n}00
| queue stuck behind the scanner | mail; mail to customers; outlook | Mails kommen sehr spät an
| arrives hours late; cannot send; returns {code}; is slow | restarted scanner; released {n} mails
# phishing | mail | Security | Service Desk | 1 | trace-message TEXT | SuspiciousSender {n} mails
| wave of forged invoices | strange mail; odd invoice; link in mail | Verdächtige Mail mit Anhang
| asks for my password; I clicked it; is it real? | blocked the sender; scanned {asset}
# posting failed | erp | Application | Business Apps | 1 | erpctl jobs --failed | ErpJobFailed {n}
| posting run stops at document {n} | posting run; invoice {n}; closing | Buchungslauf abgebrochen
| stopped with {code}; cannot be booked; hangs on saving | corrected document {n}; restarted the job
# missing role | erp | Access | Business Apps | 0 | erpctl roles NAME | ErpAuthErrors {n}/h
| role transport lost {n} entries | report {n}; erp; cost centre {n} | Keine Berechtigung für ERP
| not authorised; need access; cannot log in; menu is gone | assigned the role; restored it
# laptop broken | workplace | Hardware | Service Desk | 0 | | DeviceHealthBad {asset} errors={n}
| {n} bad sectors, swap the disk | laptop; {asset}; notebook; screen | Laptop startet nicht
| does not start; is very slow; stays black; shows {code} | replaced {asset}; swapped the battery
# printer jam | workplace | Printing | Service Desk | 0 | lpstat -t | PrinterError rc={n}
| spooler holds {n} jobs, driver crash | printer; label printer; print job | Drucker druckt nicht
| does not print; is stuck, {code}; comes out blank; jams | restarted spooler; replaced toner
"""
_WORDS = {
    "monitoring": "[FIRING:{n}] {alert} | severity={level} service={service} instance={host}",
    "engineer": "{host}: {note} | {note} on {host}, load {n}%. {detail} {scope}",
    "portal": "{prefix} {thing} {trouble} | {thing} {trouble}. {detail} {scope}",
    "mail": "{prefix} {thing} {trouble} | {hi} {thing} {trouble}. {detail} {detail} {scope} {bye}",
    "phone": "{thing} {trouble} | Caller says: {thing} {trouble}. {detail} {scope}",
    "in German": "{prefix} {german} | {hallo} {german}. {seit} {seit}",
    "hallo": "Hallo,; Guten Tag,; Hallo zusammen,; Servus,; Bitte um Hilfe:; ",
    "seit": "Seit {clock}.; Gerät {asset}.; Gestern ging es.; Danke, {who}; Gruß {who}, {site}; ",
    "scope 0": "Only me as far as I know.; It can wait.; No hurry.; There is a workaround.; ",
    "scope 1": "It stops my work.; Two colleagues have it too.; Please look soon.; Once an hour.; ",
    "scope 2": "Everyone is affected.; Customers complain!; URGENT, all sites.; We lose orders.",
    "prefix": "; ; ; {service}: ; help, ; FW: ; since {clock}: ; question: ; again ",
    "detail": "Since {clock}.; Worked yesterday.; I restarted twice.; It is {asset}.; {service}?; ",
    "hi": "Hi,; Hello team,; Good morning,; Dear service desk,; hi all; Hey; ",
    "bye": "Thanks; Regards, {who}; Please call me.; Thx {who}; Best, {who} ({site}); ",
    "resolution": "{fix}; {fix} on {host}; {fix}, user confirmed; at {clock} {fix}; closed; done",
}
_NAMES = ("Mia Sommer", "Tom Vale", "Ana Prado", "Jonas Brink", "Lea Roth", "Sam Okoro", "Ida Lund")
# The change of habit: until half-way, alerts had another format, and these modes other labels.
_OLD_VOICE = {"monitoring": "{level}: {alert} on {host} | check failed at {clock}, load {n}%"}
_OLD_LABELS = {"printer jam": {"category": "Hardware"}, "account locked": {"team": "Service Desk"}}
_BACK_END = ("checkout", "payments", "catalog", "database", "network")
_RUNBOOK = """---
title: {name}
service: {service}
synthetic: "{notice}"
---
# {name}
## Meaning
`{alert}` fires. Often: {note}.
## Impact
{service}, then {dependents}.
## Diagnosis
```sh
{command}
```
## Mitigation
{steps}
"""
_MAPPING = f"""# {NOTICE}
report: {{id: id, opened_at: opened_at, title: title, description: description, service: service,
  source: source, attributes: [location, reporter]}}
outcome: {{category: category, assignment: assignment, fields: [subcategory],
  severity: {{column: severity, order: {list(SEVERITY_LEVELS)}}}, resolution: resolution,
  runbook_id: runbook_id, duplicate_of: duplicate_of, resolved_at: resolved_at}}
columns_known: {{title: opening, description: opening, service: opening, source: opening,
  location: opening, reporter: opening}}
"""
_Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """A synthetic company; runbooks go by path without `.md`, a service by what it depends on."""

    incidents: tuple[ResolvedIncident, ...]
    severity_levels: tuple[str, ...]
    runbooks: Mapping[str, str]
    dependencies: Mapping[str, tuple[str, ...]]


def generate_company(
    *, seed: int = 0, incidents: int = 1500, until: datetime = UNTIL
) -> DemoCompany:
    """Generate a year of synthetic incidents before `until`; equal arguments, equal company.

    >>> len(generate_company(incidents=20).incidents)
    20
    """
    rng = Random(seed)  # noqa: S311 - must be repeatable, guards no secret
    topology = {name: tuple(needed) for name, *needed in map(str.split, _TOPOLOGY.split(";"))}
    modes = _parse_modes(topology)
    old_modes = [mode | _OLD_VOICE | _OLD_LABELS.get(mode["name"], {}) for mode in modes]
    halves = ((old_modes, until - timedelta(days=182)), (modes, until))
    drawn: list[ResolvedIncident] = []
    while len(drawn) < incidents:
        drawn += _draw_episode(rng, *rng.choice(halves), len(drawn))
    drawn = sorted(drawn[:incidents], key=lambda incident: incident.report.id)
    for at, incident in enumerate(drawn):
        if (incident.outcome.resolved_at or until) >= until:
            drawn[at] = replace(incident, outcome=Outcome())
    runbooks = {mode["runbook"]: _write_runbook(mode) for mode in modes if mode["command"]}
    return DemoCompany(tuple(drawn), SEVERITY_LEVELS, runbooks, topology)


def write_history(company: DemoCompany, path: Path) -> None:
    """Write the incidents as JSON lines with flat columns, each marked `synthetic`."""
    with path.open("w", encoding="utf-8") as file:
        for incident in company.incidents:
            report, outcome = asdict(incident.report), asdict(incident.outcome)
            nested = report.pop("attributes") | {"subcategory": None} | outcome.pop("fields")
            row = {"synthetic": True} | report | outcome | nested
            file.write(json.dumps(row, ensure_ascii=False, default=datetime.isoformat) + "\n")


def write_mapping(path: Path) -> None:
    """Write the mapping that reads what `write_history` wrote."""
    path.write_text(_MAPPING, encoding="utf-8")


def write_runbooks(company: DemoCompany, folder: Path) -> None:
    """Write each runbook to its path below `folder`."""
    for runbook_id, text in company.runbooks.items():
        path = folder / f"{runbook_id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _parse_modes(topology: Mapping[str, tuple[str, ...]]) -> list[_Words]:
    keys, *rows = ([cell.strip() for cell in row.split("|")] for row in _MODES.split("#"))
    modes = [_WORDS | dict(zip(keys, row, strict=True)) for row in rows]
    for mode in modes:
        dependents = [name for name, needed in topology.items() if mode["service"] in needed]
        mode["dependents"] = ", ".join(dependents) or "nothing else"
        mode["runbook"] = f"{mode['service']}/{mode['name'].replace(' ', '-')}"
    return modes


def _write_runbook(mode: _Words) -> str:
    steps = "\n".join(f"1. Helped before: {fix}." for fix in mode["fix"].split("; "))
    text = _RUNBOOK.format_map(mode | {"notice": NOTICE, "steps": steps})
    return re.sub(r"{(\w+)}", lambda slot: slot[1].upper(), text)


def _draw_episode(
    rng: Random, modes: list[_Words], ended_at: datetime, number: int
) -> list[ResolvedIncident]:
    """Draw the reports of one failure in a half-year: one, at times two, seldom a storm."""
    mode = rng.choices(modes, [4 - int(mode["rank"]) for mode in modes])[0]
    size = rng.choices((1, 2, rng.randint(6, 25)), (93, 6, mode["rank"] != "0"))[0]
    weights = (2, 2, 1, 2, 5) if mode["service"] in _BACK_END else (6, 4, 3, 1, 1)
    sources = rng.choices(("portal", "mail", "phone", "engineer", "monitoring"), weights, k=size)
    opened_at = ended_at - timedelta(minutes=rng.randint(36 * 60, 182 * 24 * 60))
    if sources[0] != "monitoring" and rng.random() < 0.95:
        day = opened_at.weekday()
        opened_at -= timedelta(days=rng.randint(day - 4, day) if day > 4 else 0)
        opened_at = opened_at.replace(hour=rng.randint(7, 17))
    episode: list[ResolvedIncident] = []
    for source in sources:
        scope = 2 if size > 2 else rng.choice((0, 0, 1, 1, 1, 2))
        words = mode | _draw_facts(rng, mode["service"], opened_at, scope)
        words["id"] = f"DEMO-{opened_at:%y%m%d-%H%M}-{number + len(episode)}"
        if rng.random() < 0.03:
            words |= {key: rng.choice(modes)[key] for key in ("category", "team")}
        report = _write_report(rng, words, source, opened_at)
        outcome = _draw_outcome(rng, words, scope, opened_at)
        if episode:
            first = episode[0].report
            outcome = replace(outcome, duplicate_of=first.id)
            if rng.random() < 0.5:
                text = rng.choice((first.description, _mistype(rng, first.description)))
                report = replace(first, id=report.id, opened_at=opened_at, description=text)
        episode.append(ResolvedIncident(report, outcome))
        opened_at += timedelta(minutes=rng.randint(1, 20))
    return episode


def _draw_facts(rng: Random, service: str, opened_at: datetime, scope: int) -> _Words:
    return {
        "host": f"{service}-{rng.randint(1, 6):02}",
        "asset": f"LT-{rng.randint(1000, 9999)}",
        "code": f"E{rng.randint(1000, 9999)}",
        "n": str(rng.randint(3, 99)),
        "clock": f"{opened_at - timedelta(minutes=rng.randint(5, 90)):%H:%M}",
        "site": rng.choice(("Graz", "Leeds", "Lyon", "Porto")),
        "who": rng.choice(_NAMES),
        "level": ("INFO", "WARNING", "CRITICAL")[scope],
        "scope": _WORDS[f"scope {scope}"],
    }


def _expand(rng: Random, text: str, words: _Words) -> str:
    while "{" in text:
        text = re.sub(r"{(.+?)}", lambda slot: rng.choice(words[slot[1]].split("; ")), text)
    return " ".join(text.split())


def _mistype(rng: Random, text: str) -> str:
    at = rng.randrange(len(text) - 1)
    return text[:at] + rng.choice((text[at + 1], text[at + 1] + text[at])) + text[at + 2 :]


def _write_report(rng: Random, words: _Words, source: str, opened_at: datetime) -> IncidentReport:
    voice, service, reporter = source, words["service"], "robot"
    if source in ("portal", "mail", "phone"):
        voice = "in German" if rng.random() < 0.12 else source
        service = rng.choice((service, service, service, "", "", "workplace"))
        reporter = words["who"].lower().replace(" ", ".")
    title, text = _expand(rng, words[voice], words).split(" | ")
    if voice != "monitoring" and rng.random() < 0.3:
        title, text = _mistype(rng, title), _mistype(rng, text)
    facts = {"location": words["site"], "reporter": f"{reporter}@example.com"}
    return IncidentReport(words["id"], opened_at, title, text, service or None, source, facts)


def _draw_outcome(rng: Random, words: _Words, scope: int, opened_at: datetime) -> Outcome:
    radius = words["dependents"].count(",")
    rank = int(words["rank"]) + scope - 1 + rng.choices((-1, 0, 1), (2, 10, 1 + radius))[0]
    rank = min(max(rank, 0), len(SEVERITY_LEVELS) - 1)
    return Outcome(
        category=words["category"],
        assignment=words["team"],
        severity=SEVERITY_LEVELS[rank],
        resolution=_expand(rng, "{resolution}", words),
        runbook_id=words["runbook"] if words["command"] and rng.random() < 0.7 else None,
        resolved_at=opened_at + timedelta(hours=rng.lognormvariate(3.9 - 0.7 * rank, 1.3)),
        fields={"subcategory": words["name"]},
    )
