"""Exports of known products are understood without a mapping; what is not is named."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from real_world_cases import CASES, needs_cases

from features.domain.history import History
from features.domain.report import Status
from features.imports.load_history import load_history
from features.imports.mapping_inference import recognise_headers
from features.imports.product_headers.header_table import header_key, known_headers
from features.imports.states.state_words import status_of

EXPORTS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("product_exports.yaml").read_text(encoding="utf-8")
)
HEADERS = CASES / "24-other-products-headers"
REPORT = ("id", "title", "description", "service", "source")
OPENED = datetime(2025, 11, 3, 12, 17, tzinfo=UTC)
ENDED = datetime(2025, 11, 3, 13, 10, tzinfo=UTC)


def read(folder: Path, text: str) -> History:
    file = folder / "export.csv"
    file.write_text(text, encoding="utf-8")
    return load_history(file)


def named(export: dict[str, Any]) -> str:
    return f"{export['product']}: {export['text'][:30]}"


@pytest.mark.parametrize("export", EXPORTS, ids=named)
def test_an_export_is_understood_without_a_mapping(tmp_path: Path, export: dict[str, Any]) -> None:
    history = read(tmp_path, export["text"])
    first, second = history.incidents
    assert f"recognised as those of {export['product']}:" in history.warnings[0]
    for name, value in export["first"].items():
        holder = first.report if name in REPORT else first.outcome
        assert getattr(holder, name) == value, name
    assert first.report.opened_at == OPENED
    assert first.outcome.status is Status.RESOLVED
    assert first.outcome.resolved_at == (ENDED if export.get("has_end", True) else None)
    assert second.report.title
    assert second.report.opened_at
    assert second.outcome.status is Status.OPEN
    assert second.outcome.resolution is None
    assert not any("not understood" in warning for warning in history.warnings)


@pytest.mark.parametrize(
    ("text", "first", "levels"),
    [
        (
            "Numer;Krótki opis;Otwarto;Priorytet;Stan;Grupa przypisania\n"
            "INC1;VPN nie działa;2025-11-03 12:17;2 - Wysoki;Zamknięte;Sieć\n"
            "INC2;Poczta;2025-11-04 12:17;3 - Średni;W toku;Poczta\n",
            ("INC1", "VPN nie działa", "Sieć"),
            ("3 - Średni", "2 - Wysoki"),
        ),
        (
            "Номер;Краткое описание;Открыто;Приоритет;Состояние;Группа назначения\n"
            "INC1;VPN падает;03.11.2025 12:17;Высокий;Закрыт;Сеть\n"
            "INC2;Почта;04.11.2025 12:17;Средний;В работе;Почта\n",  # noqa: RUF001
            ("INC1", "VPN падает", "Сеть"),
            ("Средний", "Высокий"),
        ),
        (
            "番号,簡単な説明,オープン日時,優先度,状態,アサイン先グループ\n"
            "INC1,VPNが切れる,2025年11月3日 12:17,高,解決済み,ネットワーク\n"
            "INC2,メール遅延,2025年11月4日 12:17,中,対応中,メール\n",
            ("INC1", "VPNが切れる", "ネットワーク"),
            ("中", "高"),
        ),
        (
            "编号,简短描述,已打开,优先级,状态,分配组\n"
            "INC1,VPN 断开,2025-11-03 12:17:00,高,已关闭,网络\n"
            "INC2,邮件延迟,2025-11-04 12:17:00,低,处理中,邮件\n",
            ("INC1", "VPN 断开", "网络"),
            ("低", "高"),
        ),
        (
            "Numara;Kısa açıklama;Açıldı;Öncelik;Durum;Atama grubu\n"  # noqa: RUF001
            "INC1;VPN kopuyor;3 Kasım 2025 12:17;Yüksek;Kapatıldı;Ağ\n"  # noqa: RUF001
            "INC2;Posta;4 Kasım 2025 12:17;Orta;Beklemede;Posta\n",  # noqa: RUF001
            ("INC1", "VPN kopuyor", "Ağ"),
            ("Orta", "Yüksek"),
        ),
        (
            "Ärendenyckel;Sammanfattning;Skapad;Prioritet;Status;Komponenter\n"
            "A-1;VPN bryts;2025-11-03 12.17;Hög;Löst;Nät\n"
            "A-2;Post;2025-11-04 12.17;Låg;Pågår;Post\n",
            ("A-1", "VPN bryts", None),
            ("Låg", "Hög"),
        ),
    ],
    ids=["pl", "ru", "ja", "zh", "tr", "sv"],
)
def test_exports_in_more_languages_are_understood(
    tmp_path: Path, text: str, first: tuple[str, str, str | None], levels: tuple[str, ...]
) -> None:
    history = read(tmp_path, text)
    one, two = history.incidents
    assert (one.report.id, one.report.title, one.outcome.assignment) == first
    assert one.report.opened_at == OPENED
    assert (one.outcome.is_open, two.outcome.is_open) == (False, True)
    assert history.severity_levels == levels


def test_the_name_of_an_object_has_the_role_of_the_object() -> None:
    names = ["reference", "name", "severity.id", "severity.name", "incident_status.name"]
    recognition = recognise_headers(["summary", *names])
    outcome = recognition.mapping.outcome
    assert outcome.severity is not None
    assert outcome.state is not None
    assert (outcome.severity.column, outcome.state.column) == (
        "severity.name",
        "incident_status.name",
    )
    assert recognition.unknown == ("severity.id",)


def test_names_of_no_product_give_way_to_those_of_products() -> None:
    names = ["incident_number", "service_name", "description", "submit date"]
    report = recognise_headers(names).mapping.report
    assert report.title is not None
    assert report.opened_at is not None
    assert (report.title.column, report.opened_at.column) == ("description", "submit date")


def test_each_product_is_tested() -> None:
    products = {headers.product for headers in known_headers()} - {"precedent", "others"}
    assert {export["product"] for export in EXPORTS} == products
    assert len(products) == 19


@needs_cases
@pytest.mark.parametrize(
    "product", ["bugzilla", "freshservice", "manageengine", "opsgenie", "pagerduty", "victorops"]
)
def test_the_shared_exports_are_understood(product: str) -> None:
    history = load_history(HEADERS / f"{product}.csv")
    assert f"recognised as those of {product}:" in history.warnings[0]
    for incident, day in zip(history.incidents, (3, 4), strict=True):
        assert incident.report.opened_at == OPENED.replace(day=day)
        assert incident.report.title in {
            *("Basket is slow", "Search is blank", "Printer jams"),
            *("Basket latency above 2 s", "Disk of db1 is 95% full"),
        }
        assert not incident.report.id.startswith("row-")
        assert not incident.outcome.is_open


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    text = "Number,Opened,Short description,Moon phase,Moon phase,Assigned to\n"
    warnings = read(tmp_path, text + "INC1,2025-11-03 12:17:00,slow,full,new,ben\n").warnings
    assert any("2 columns are not understood" in line and "Moon phase" in line for line in warnings)
    assert any("known but not used: Assigned to" in line for line in warnings)


def test_a_missing_role_is_named_with_what_it_costs(tmp_path: Path) -> None:
    warnings = read(tmp_path, "Configuration item,Assignment group\ndb1,Data\n").warnings
    for said in ("how long they took is not known", "holds a text", "no column of ids is known"):
        assert any(said in warning for warning in warnings), said


def test_a_header_with_two_meanings_means_what_its_product_says() -> None:
    tracker = recognise_headers(["Issue key", "Summary", "Resolution"]).mapping.outcome
    desk = recognise_headers(["Request ID", "Subject", "Technician", "Resolution"]).mapping.outcome
    assert [label.column for label in tracker.fields] == ["Resolution"]
    assert desk.resolution is not None
    pages = recognise_headers(["incident_number", "service_name", "description"]).mapping.report
    assert pages.title is not None
    assert pages.title.column == "description"


def test_no_header_of_a_product_is_listed_for_nothing() -> None:
    """A header that has no role and is not listed as unused cannot be told from a strange one."""
    roles = {
        *("id", "opened_at", "title", "description", "service", "source", "category", "assignment"),
        *("severity", "impact", "urgency", "resolution", "runbook_id", "resolved_at"),
        *("duplicate_of", "state", "fields", "callers", "attributes", "comments", "resolvers"),
        *("sla_met", "sla_missed", "reassigned", "not_used"),
    }
    for headers in known_headers():
        assert set(headers.roles) <= roles
        assert all(header_key(key) == key for keys in headers.roles.values() for key in keys)
        assert set(headers.states) <= headers.keys


@pytest.mark.parametrize(
    ("state", "status"),
    [
        *(
            (word, Status.OPEN)
            for word in ("New", "In Progress", "On Hold", "Re-opened", "REOPENED")
        ),
        *((word, Status.OPEN) for word in ("Waiting for vendor", "2 - In Bearbeitung", "Ouverte")),
        *((word, Status.OPEN) for word in ("Réouvert", "Reabierta", "Wiedereröffnet", "In attesa")),
        *((word, Status.RESOLVED) for word in ("Closed", "Done", "Fertig", "Erledigt", "Fermé")),
        *((word, Status.RESOLVED) for word in ("Cerrada", "closed successful", "Closed Complete")),
        *(
            (word, Status.RESOLVED)
            for word in ("6 - Resolved", "Won't Fix", "Resolvido", "Opgelost")
        ),
        *((word, None) for word in ("", "7", "Frobbed", "Not a state")),
    ],
)
def test_usual_words_for_states_are_known(state: str, status: Status | None) -> None:
    assert status_of(state) is status
