"""What columns with unknown headers hold is told by their values, and said in a warning."""

from datetime import UTC, datetime
from pathlib import Path

from features.imports.inspection import inspect_export
from features.imports.load_history import import_export
from features.imports.value_roles import roles_by_values

GREEK = """Κωδικός;Ενημερώθηκε;Άνοιξε;Υπεύθυνος;Σύνοψη;Σημειώσεις επίλυσης
INC1;05.11.2025 08:15;03.11.2025 12:17;Ana Gil;Το VPN δεν λειτουργεί;επανεκκίνηση της υπηρεσίας από την ομάδα
INC2;06.11.2025 08:15;14.11.2025 12:17;Ben Roy;Το ταχυδρομείο αργεί πολύ;καθαρισμός της ουράς μηνυμάτων στον διακομιστή
INC3;25.11.2025 08:15;15.11.2025 12:17;Ana Gil;Ο εκτυπωτής έχει μπλοκάρει;αλλαγή του τυμπάνου και των φύλλων χαρτιού
"""  # noqa: E501, RUF001


def test_an_export_with_unknown_headers_is_read_by_its_values(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(GREEK.replace("06.11", "16.11"), encoding="utf-8")
    history = import_export(file).history
    first = history.incidents[0].report
    assert (first.id, first.title) == ("INC1", "Το VPN δεν λειτουργεί")  # noqa: RUF001
    assert first.opened_at == datetime(2025, 11, 3, 12, 17, tzinfo=UTC)
    assert first.description == ""
    warning = "only their values tell their role: id = Κωδικός, opened_at = Άνοιξε, title = Σύνοψη"
    assert any(warning in text for text in history.warnings)


def test_headers_go_before_values() -> None:
    days = ["2025-11-03", "2025-11-04", "2025-11-05"]
    texts = ["no mail here at all", "the vpn is down", "one tv is off"]
    columns = {"x": days, "y": texts}
    assert roles_by_values(columns, known=("opened_at", "description"), first="x") == {}
    assert roles_by_values(columns, known=("opened_at",), first="x") == {"title": "y"}


def test_numbers_names_and_few_rows_tell_nothing() -> None:
    numbers = ["1762172220", "1762258620", "1762345020"]
    names = ["Ana Gil", "Ben Roy", "Cy Young"]
    groups = ["the network team"] * 3
    columns = {"a": names, "b": numbers, "c": groups}
    assert roles_by_values(columns, known=(), first="a") == {}
    assert roles_by_values({"a": ["X1", "X2"], "b": ["it is off", "it is on"]}, (), "a") == {}
    assert roles_by_values({}, (), "a") == {}


RUBRIK = """Nummer;Rubrik;{text};Datum
INC1;{first};VPN bricht ab;2026-02-01 10:00
INC2;Drucker;Papierstau im 3. Stock;2026-02-01 11:00
INC3;Netzwerk;WLAN langsam;2026-02-02 09:00
INC4;{fourth};Toner leer;2026-02-02 10:00
"""


def test_a_header_that_means_title_or_category_is_told_by_its_values(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(RUBRIK.format(text="Beschreibung", first="Netzwerk", fourth="Drucker"))
    inspection = inspect_export(file)
    first = inspection.history.incidents[0]
    assert (first.outcome.category, first.report.title) == ("Netzwerk", "")
    told = {column.header: (column.roles, column.told) for column in inspection.columns}
    assert told["Rubrik"] == (("category",), "values")
    assert told["Beschreibung"] == (("description",), "header")
    assert any("their role: category = Rubrik" in text for text in inspection.history.warnings)

    file.write_text(RUBRIK.format(text="Beskrivning", first="VPN tappar", fourth="Toner slut"))
    assert inspect_export(file).history.incidents[0].report.title == "VPN tappar"


def test_titles_that_repeat_stay_titles_where_the_header_is_clear(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(
        RUBRIK.format(text="Beschreibung", first="Netzwerk", fourth="Drucker").replace(
            "Rubrik", "Betreff"
        )
    )
    assert import_export(file).history.incidents[0].report.title == "Netzwerk"
