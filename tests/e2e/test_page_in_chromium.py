"""The page in a real browser: found, read, answered and kept, by mouse, keyboard and no script."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from factories import prediction

from features.domain.audit_event import AuditEvent
from features.domain.monitoring import Alarm, MonitoringReport, Proposal
from features.domain.predictions import PredictionRecord
from features.domain.report import IncidentReport, Outcome, ResolvedIncident
from features.domain.runbook import Runbook, Section, SectionRole
from features.domain.telemetry.change import Change
from features.domain.telemetry.series_anomaly import SeriesAnomaly, SeriesPoints
from features.domain.telemetry.series_routine import SeriesRoutine
from features.home import Home
from features.store.store import Store, open_store
from models.artifacts.registry import ModelVersion
from training.demo.incidents import generate_company

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

ROOT = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
KEY = "a key for three in the morning"
START_SECONDS = 90
LONGEST_WAIT = 120_000  # milliseconds
STOP_SECONDS = 30
NOW = datetime.now(UTC)
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 400, "height": 850}
ALERT, HOSTILE, DRAWN = "ALERT-7731", "<img src=x onerror=hit=1>", "AUDIT-1"
SOLVED = "LEDGER-1"
ATTACK = "<script>window.hit=1</script>\"'><img src=x onerror='window.hit=1'>{{7*7}}\u202egnp.exe"
ANSWERING = (
    *("/models", "/models/category/1", "/labels", "/audit", "/routines"),
    f"/audit?at=2099-12-31&incident={ALERT}",
)
STEPS = ("Check whether the pool is exhausted:", "kubectl top pods -n payments", "Raise the pool.")
FIX = "raised the pool to 80"


def record(
    incident_id: str, target: str, label: str, answer: dict, share: float | None = None
) -> PredictionRecord:
    details = {"evidence": {}, "alternatives": [], "label_set": [label]} | answer
    return prediction(
        incident_id,
        label,
        prediction_id=f"p-{incident_id}",
        target=target,
        answer=details,
        answered_at=NOW,
        audit_share=share,
    )


def answers(incident_id: str, text: str, past: str, steps: tuple[str, ...]) -> list:
    """Every kind of answer, with `text` wherever a text can be."""
    evidence = {
        "tokens": [{"token": "pool", "weight": 1.9}, {"token": text, "weight": -0.4}],
        "fields": [{"field": text, "value": text, "weight": 0.3}],
        "exemplars": [{"id": past, "label": text, "similarity": 0.8}],
    }
    others = [{"label": "Network", "confidence": 0.04}, {"label": "Printing", "confidence": 0.02}]
    similar = {
        "similar": [
            {"id": past, "title": text, "relatedness": 0.9 - number / 10, "why": [text]}
            | {"resolution": FIX, "has_fix": True, "hours_to_resolve": 2.0, "resolved_by": text}
            | {"opened_at": (NOW - timedelta(days=9)).isoformat(), "copies": [text]}
            for number in range(3)
        ],
        "open_match": {"id": past, "title": text, "relatedness": 0.8, "members": 7, "why": [text]}
        | {"opened_at": (NOW - timedelta(minutes=38)).isoformat()},
    }
    book = {"id": "payments/card-timeout", "title": text, "relevance": 0.88, "why": [text]}
    book |= {"steps": steps, "url": f"https://wiki.example/{text}"}
    certificate = {"precision_at_least": 0.92, "threshold": 0.81, "n": 412}
    category = {"evidence": evidence, "alternatives": others, "certificate": certificate}
    return [
        record(incident_id, "category", "Performance", category),
        record(incident_id, "severity", "2 - High", {"alternatives": others}),
        record(incident_id, "similar", past, similar),
        record(incident_id, "runbooks", text, {"runbooks": [book]}),
    ]


def moved(series: str) -> SeriesAnomaly:
    """A series that rose before the alert, with a gap in what is drawn."""
    onset_at = NOW - timedelta(minutes=7)
    times = tuple(int(onset_at.timestamp()) + 60 * minute for minute in range(-120, 7))
    values = tuple(None if 30 < at < 40 else 1.0 + 8 * (at >= 120) for at in range(len(times)))
    flat = [(level,) * len(times) for level in (1.0, 0.5, 1.5)]
    points = SeriesPoints(times, values, *flat)
    figures = {"effect": 8.0, "expected": 1.0, "value": 9.0, "score": 6.0, "alarms_per_week": 0.1}
    detected_at = onset_at + timedelta(minutes=2)
    return SeriesAnomaly(
        series,
        series,
        "payments",
        {},
        "1/s",
        onset_at,
        detected_at,
        ended_at=None,
        **figures,
        channel="level",
        direction="up",
        points=points,
    )


def fill(store: Store) -> None:
    company = generate_company(seed=1, incidents=60, end=NOW - timedelta(days=1)).incidents
    resolved = [incident for incident in company if incident.outcome.resolution]
    alert = IncidentReport(
        ALERT,
        NOW - timedelta(minutes=4),
        "[FIRING:12] PayLatencyHigh 840ms",
        "gateway pool exhausted, 61 threads wait. Customers complain!",
        "payments",
        "monitoring",
        {"location": "Graz"},
    )
    solved = IncidentReport(SOLVED, NOW - timedelta(hours=3), "queue of the ledger export is stuck")
    fresh = IncidentReport("NEW-1", NOW - timedelta(minutes=6), "vpn down in Graz")
    drawn = IncidentReport(DRAWN, NOW - timedelta(minutes=12), "printer jam on floor two")
    hostile = IncidentReport(
        HOSTILE,
        NOW - timedelta(minutes=9),
        ATTACK,
        ATTACK * 3_000,
        ATTACK,
        ATTACK,
        {ATTACK: ATTACK},
    )
    opened = (alert, fresh, hostile, drawn, solved)
    store.incidents.upsert(
        [
            *resolved,
            *(ResolvedIncident(report, Outcome()) for report in opened),
        ]
    )
    store.triage_queue.add("NEW-1", "r-1", NOW)
    store.predictions.record([record(DRAWN, "category", "Printing", {}, 0.05)])
    store.audit_log.append(AuditEvent(NOW, ATTACK, "promote", ATTACK, "1", ATTACK, {}))
    alarm = Alarm("label shift", ATTACK, "Look at them.", NOW, (ALERT, HOSTILE), "category")
    proposal = Proposal("new category", "category", "teams", "9 alike", 9, NOW, (ALERT,))
    store.monitoring_reports.save(MonitoringReport(NOW, (), (alarm,), (proposal,)))
    past = next(incident.report.id for incident in resolved)
    store.predictions.record(answers(ALERT, "card payment hangs at the last step", past, STEPS))
    store.predictions.record(answers(SOLVED, "ledger export waits", past, STEPS))
    store.predictions.record(answers(HOSTILE, ATTACK, HOSTILE, (ATTACK, ATTACK + "2")))
    commands = Section("Diagnosis", "", SectionRole.DIAGNOSIS, (STEPS[1],))
    deployed_at = NOW - timedelta(minutes=9)
    store.changes.record(
        [
            Change("c1", "payments", deployed_at, "deploy", "payments 4.2", "https://ci.example/1"),
            Change("c2", ATTACK, deployed_at, ATTACK, ATTACK, ATTACK),
        ]
    )
    store.series_routines.record(
        [
            SeriesRoutine(
                "r1", "k", ATTACK, ATTACK, ATTACK, "up", ATTACK, "day", 1_800.0, 1.0, 9.0, 4, NOW
            )
        ]
    )
    store.series_routines.revoke("r1", ATTACK, NOW)
    store.anomalies.record([moved('errors{service="payments"}'), moved(ATTACK * 3)])
    store.runbooks.replace_all(
        [Runbook("payments/card-timeout", "Card timeout", (commands,), STEPS)]
    )


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory,
    three_versions: Home,
    promote: Callable[..., ModelVersion],
) -> Home:
    """A home with a champion, the demo company's incidents, a fresh alert and a hostile one."""
    home = Home(tmp_path_factory.mktemp("page"))
    shutil.copy(three_versions.root / "mlflow.db", home.root / "mlflow.db")
    promote("category", "1", home=home, tenant="default")
    with open_store(home.database_url) as store:
        fill(store)
    return home


@pytest.fixture(scope="module")
def address(home: Home) -> Iterator[str]:
    """Where the service answers, as a process that wants a key."""
    environment = os.environ | {
        "PRECEDENT_HOME": str(home.root),
        "PRECEDENT_ENCODER": "hashing",
        "PRECEDENT_API_KEY": KEY,
        "PYTHONPATH": PYTHONPATH,
    }
    command = [sys.executable, "-m", "serving_with_toy", "--port", "0"]
    log = home.root / "server.log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.start()
        greeting = process.stdout.readline()
        timer.cancel()
        assert greeting, log.read_text()
        yield greeting.split()[3]
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A signed-in tab; `complaints` holds every console error, dialog and request elsewhere."""

    page: playwright.Page
    address: str
    complaints: list[str] = field(default_factory=list)
    actions: int = 0

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._note(message.type == "error", message.text))
        self.page.on("pageerror", lambda error: self._note(True, str(error)))
        self.page.on("dialog", lambda dialog: self._note(True, f"dialog: {dialog.message}"))
        self.page.on(
            "request",
            lambda request: self._note(not request.url.startswith(self.address), request.url),
        )

    def _note(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.complaints.append(what)

    def go(self, path: str) -> playwright.Page:
        self.page.goto(self.address + path)
        return self.page

    def click(self, role: str, name: str, **options) -> None:
        self.actions += 1
        self.page.get_by_role(role, name=name, **options).first.click()

    def press(self, key: str) -> None:
        self.actions += 1
        self.page.keyboard.press(key)

    def tab_to(self, selector: str, at_most: int = 60) -> None:
        for _ in range(at_most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{selector} is not reached by the keyboard")


@pytest.fixture(scope="module")
def signed_in(browser, address) -> dict:
    """The cookies of someone who gave the key in the browser."""
    context = browser.new_context()
    context.set_default_timeout(LONGEST_WAIT)
    page = context.new_page()
    page.goto(f"{address}/incidents/{ALERT}")
    page.locator("#key").fill("not the key")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").text_content() == "That is not the key."
    page.locator("#key").fill(KEY)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/incidents/{ALERT}")
    assert KEY not in page.content()
    state = context.storage_state()
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Strict" for cookie in state["cookies"])
    context.close()
    return state


@pytest.fixture
def visit(browser, address, signed_in):
    """Opens a signed-in tab of some size and kind; nothing may complain until it closes."""

    @contextmanager
    def opened(**options: object) -> Iterator[Visit]:
        context = browser.new_context(**({"viewport": WIDE, "storage_state": signed_in} | options))
        context.set_default_timeout(LONGEST_WAIT)
        visit = Visit(context.new_page(), address)
        yield visit
        context.close()
        assert visit.complaints == []

    return opened


def test_an_incident_is_found_corrected_and_kept(visit):
    with visit() as tab:
        page = tab.go("/")
        page.get_by_label("Search incidents").fill("paylatency 840MS")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=*")
        assert page.locator("a.incident").count() == 1
        page.locator("a.incident").click()
        page.get_by_label("Your name").fill("Ana")
        page.locator("summary", has_text="Correct Category").click()
        page.locator("#category").get_by_label("Right label").select_option("Printing")
        page.get_by_role("button", name="Save correction").first.click()
        sentence = page.locator("#category .said")
        assert sentence.text_content().split()[:5] == ["corrected", "to", "Printing", "by", "Ana,"]
        page.reload()
        assert "Printing" in sentence.text_content()
        title = sentence.locator("time").get_attribute("title")
        assert title.startswith(f"{datetime.now(UTC):%Y-%m-%d}")
        change = page.locator("#change-1").text_content()
        assert "payments 4.2" in change
        assert "2 min before the onset of" in change
        picture = page.get_by_role("img", name="errors{")
        assert picture.bounding_box()["height"] > 100
        assert picture.locator(".change-text").first.text_content() == "1"


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1400", "400"])
def test_at_three_in_the_morning_it_takes_three_actions(visit, size):
    def in_view(locator) -> bool:
        box = locator.bounding_box()
        return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= size["height"]

    with visit(viewport=size) as tab:
        page = tab.go("/")
        tab.click("link", "PayLatencyHigh")
        glance = page.locator(".glance")
        for text in ("Performance", FIX, STEPS[0]):
            assert in_view(glance.get_by_text(text).first), text
        assert in_view(glance.locator("code", has_text=STEPS[1]))
        assert tab.actions == 1
        step = page.get_by_label(STEPS[0])
        tab.actions += 1
        step.check()
        tab.press("a")
        page.wait_for_url("**#category")
        assert tab.actions == 3
        assert "accepted" in page.locator("#category .said").text_content()
        assert step.is_checked()


def test_the_keyboard_alone_is_enough(visit):
    with visit() as tab:
        page = tab.go("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        tab.tab_to("a.incident")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{ALERT}")
        tab.tab_to("#open-match button[value=dismiss]")
        page.keyboard.press("Enter")
        page.wait_for_url("**#open-match")
        assert "dismissed" in page.locator("#open-match .said").text_content()
        tab.tab_to("[data-tick]")
        page.keyboard.press("Space")
        page.keyboard.press("c")
        page.keyboard.press("ArrowDown")
        tab.tab_to("button.main")
        page.keyboard.press("Enter")
        page.wait_for_url("**#category")
        assert "corrected to Network" in page.locator("#category .said").text_content()
        page.keyboard.press("i")
        page.wait_for_url("**/")
        for _ in range(4):
            page.keyboard.press("j")
        assert page.evaluate("document.activeElement.textContent").strip() == "vpn down in Graz"
        page.keyboard.press("/")
        page.keyboard.type("jam")
        assert page.get_by_label("Search incidents").input_value() == "jam"


def test_one_key_shortcuts_can_be_switched_off(visit):
    with visit() as tab:
        page = tab.go("/")
        page.get_by_role("button", name="Keyboard help").click()
        page.get_by_label("One-key shortcuts").uncheck()
        page.reload()
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") != "q"


def test_without_script_everything_works(visit):
    with visit(java_script_enabled=False) as tab:
        page = tab.go("/?state=open")
        assert page.locator("a.incident").count() == 5
        page.get_by_role("link", name="vpn down in Graz").click()
        assert page.locator("#category .label").text_content().strip() == "Network"
        page.get_by_label("Your name").fill("Tom")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="Dismiss Category").click()
        assert "dismissed by Tom" in page.locator("#category .said").text_content()
        page.locator("summary", has_text="Correct Category").click()
        page.locator("#category-other").fill("Firewall")
        page.get_by_role("button", name="Save correction").first.click()
        assert "corrected to Firewall" in page.locator("#category .said").text_content()
        tab.go(f"/incidents/{ALERT}")
        page.get_by_role("button", name="It helped").click()
        assert "it helped" in page.locator("#runbook-1 .said").text_content()
        page.get_by_role("button", name="Unrelated").first.click()
        assert "dismissed" in page.locator("#similar-1 .said").text_content()
        page.get_by_label(STEPS[0]).check()
        page.get_by_role("link", name="Labels").click()
        page.get_by_role("button", name=f"Network for {DRAWN}").click()
        page.get_by_role("link", name="Models").click()
        page.locator("summary", has_text="Promote Category").click()
        page.get_by_label("Promote version 3, because").fill("it knows more")
        page.get_by_role("button", name="Promote Category").click()
        page.get_by_role("link", name="Audit log").click()
        assert "promoted Category version 3 Tom" in " ".join(page.inner_text("tbody").split())
        page.get_by_role("link", name="Try it").click()
        page.get_by_label("Title").fill("printer jam")
        page.get_by_role("button", name="Triage").click()
        assert page.locator("#category .label").text_content().strip() == "Printing"


def test_a_link_from_another_site_needs_no_second_sign_in(browser, address, signed_in):
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    page.goto(f"{address}/sign-in".replace("127.0.0.1", "localhost"))
    page.evaluate("to => { location = to }", f"{address}/incidents/{ALERT}")
    page.get_by_role("heading", name="PayLatencyHigh").wait_for()
    context.clear_cookies()
    page.goto(f"{address}/sign-in".replace("127.0.0.1", "localhost"))
    page.evaluate("to => { location = to }", f"{address}/incidents/{ALERT}")
    page.get_by_role("heading", name="Sign in").wait_for()
    context.close()


def test_hostile_texts_are_read_not_run(visit):
    with visit() as tab:
        hostile = "/?q=%3Cscript%3E&category=%3Cscript%3Ehit%3D1%3C/script%3E"
        for path in (hostile, "/models", "/audit", "/routines", "/"):
            page = tab.go(path)
            assert page.evaluate("window.hit") is None
        page.locator("a.incident").get_by_text(ATTACK[:29]).first.click()
        assert page.locator("h1").text_content().startswith(ATTACK)
        assert "{{7*7}}" in page.locator(".steps").text_content()
        page.locator(".report .whole summary").click()
        assert len(page.locator(".report .whole .text").text_content()) == len(ATTACK) * 3_000
        assert page.evaluate("window.hit") is None
        assert page.evaluate("document.documentElement.scrollWidth") == WIDE["width"]


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", WIDE), ("dark", NARROW)], ids=["light at 1400", "dark at 400"]
)
def test_every_page_can_be_read_by_everyone(visit, browser, address, scheme, size):
    def check(page, what: str) -> None:
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width == size["width"], f"{what} scrolls sideways"
        results = axe.Axe().run(page)
        assert results.violations_count == 0, f"{what}\n{results.generate_report()}"

    with visit(viewport=size, color_scheme=scheme) as tab:
        for path in (
            "/?decision=suggest",
            f"/incidents/{ALERT}",
            f"/incidents/{DRAWN}",
            *ANSWERING,
        ):
            check(tab.go(path), path)
        page = tab.go("/try")
        page.get_by_label("Title").fill("vpn")
        page.keyboard.press("Enter")
        page.locator(".glance").wait_for()
        check(page, "/try")
        page = tab.go("/incidents/none")
        check(page, "an unknown incident")
        assert [complaint for complaint in tab.complaints if "404" in complaint] == tab.complaints
        tab.complaints.clear()
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    check(page, "/sign-in")
    context.close()


def test_the_help_of_keys_opens_and_closes_on_every_page(visit):
    with visit() as tab:
        for path in ("/", "/models", f"/incidents/{ALERT}"):
            page = tab.go(path)
            page.keyboard.press("?")
            page.get_by_role("heading", name="Keyboard").wait_for()
            page.keyboard.press("Escape")
            assert not page.get_by_role("dialog").is_visible()
            page.keyboard.press("/")
            assert page.evaluate("document.activeElement.id") == "q"


def test_the_inbox_refreshes_and_keeps_focus_and_what_is_open(visit, address):
    with visit() as tab:
        tab.page.clock.install()
        page = tab.go("/")
        page.locator(".filters > summary").click()
        page.locator("a.incident", has_text="PayLatencyHigh").focus()
        body = {"incident": {"id": "LATE-1", "title": "Disk is full", "opened_at": str(NOW)}}
        key = {"Authorization": f"Bearer {KEY}"}
        stored = page.request.post(f"{address}/v1/incidents", data=body, headers=key)
        assert stored.ok
        page.clock.fast_forward(10_000)
        assert page.locator("a.incident", has_text="Disk is full").count() == 0
        page.clock.fast_forward(6_000)
        page.locator("a.incident", has_text="Disk is full").wait_for()
        assert "PayLatencyHigh" in page.evaluate("document.activeElement.textContent")
        assert page.locator(".filters").get_attribute("open") is not None
        deleted = page.request.delete(f"{address}/v1/incidents/LATE-1", headers=key)
        assert deleted.ok


def test_a_proposed_fix_is_never_sent_unread(visit, address):
    with visit() as tab:
        page = tab.go(f"/incidents/{SOLVED}")
        page.get_by_label("Your name").fill("Ana")
        page.locator("summary", has_text="Resolve…").click()
        box = page.get_by_label("What fixed it")
        assert box.input_value() == FIX
        page.get_by_role("button", name="Resolve", exact=True).click()
        assert page.locator(".state.open").first.is_visible()
        box.fill("Raised the pool to 200 connections.")
        assert not page.get_by_text("This text also says").is_visible()
        page.get_by_role("button", name="Resolve", exact=True).click()
        page.locator(".outcome", has_text="Raised the pool to 200 connections.").wait_for()
        key = {"Authorization": f"Bearer {KEY}"}
        report = {"id": "NEXT-1", "title": "queue of the ledger export is stuck again"}
        body = {"incident": report, "include": ["similar"]}
        answer = page.request.post(f"{address}/v1/triage", data=body, headers=key).json()
        entries = {past["id"]: past for past in answer["similar"]}
        assert entries[SOLVED]["resolution"] == "Raised the pool to 200 connections."
        assert entries[SOLVED]["has_fix"]
