"""Files in UTF-8, UTF-16 and older encodings."""

from io import BytesIO
from pathlib import Path

import pytest

from features.errors import UnreadableFile
from features.imports.tables.text_encoding import open_text
from features.imports.tables.text_source import TextSource

WESTERN = (
    '"INC1","Café till won\u2019t start \u2013 blue screen","Field Süd"\n"INC2","VPN","Network"\n'
)
GERMAN = "INC1;Störung an der Kasse, Drucker läuft nicht \u2013 Größe prüfen;Süd\nINC2;VPN;Netz\n"
SPANISH = "INC1;La impresora no está disponible, señal débil por la mañana;España\n"
POLISH = "INC1;Drukarka nie działa po aktualizacji, proszę sprawdzić łącze;żółty\n"
CZECH = "INC1;Tiskárna nefunguje, prosím zkontrolujte připojení, řádek žlutý\n"
FRENCH = "INC1;L\u2019imprimante ne démarre plus, écran noir à l'étage où ça gêne;Réseau\n"
TURKISH = "INC1;Yaz\u0131c\u0131 çal\u0131şm\u0131yor, kontrol edin;ağ bağlant\u0131s\u0131\n"
RUSSIAN = "INC1;Принтер не печатает после обновления\n"
PATH = Path("export.csv")


def opened(content: bytes) -> TextSource:
    return open_text(lambda: BytesIO(content), PATH)


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (WESTERN, "cp1252", "windows-1252"),
        (WESTERN, "mac_roman", "mac_roman"),
        (GERMAN, "cp1252", "windows-1252"),
        (GERMAN, "mac_roman", "mac_roman"),
        (GERMAN.replace("\u2013", "-"), "latin-1", "windows-1252"),
        (GERMAN.replace("\u2013", "-"), "cp850", "cp850"),
        (SPANISH, "latin-1", "windows-1252"),
        (POLISH, "cp1250", "windows-1250"),
        (CZECH, "cp1250", "windows-1250"),
        (POLISH, "iso8859_2", "iso-8859-2"),
        (FRENCH, "cp1252", "windows-1252"),
        (TURKISH, "cp1254", "windows-1254"),
        (RUSSIAN, "cp1251", "windows-1251"),
    ],
)
def test_an_older_encoding_is_detected_and_named(text: str, encoding: str, name: str) -> None:
    decoded = opened(text.encode(encoding))
    assert decoded.whole() == text
    assert decoded.encoding == name
    assert f"read as {name}" in decoded.warnings[0]


def test_the_encoding_is_found_far_below_plain_rows() -> None:
    text = "INC1;plain;row\n" * 20_000 + GERMAN
    assert opened(text.encode("cp1252")).whole() == text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_needs_no_warning(encoding: str) -> None:
    decoded = opened(GERMAN.encode(encoding))
    assert (decoded.whole(), decoded.warnings) == (GERMAN, ())


def test_a_broken_byte_in_utf_8_costs_one_character() -> None:
    content = GERMAN.encode() + b"INC3;caf\xe9;Nord\n" + GERMAN.encode()
    decoded = opened(content)
    assert decoded.whole() == f"{GERMAN}INC3;caf\ufffd;Nord\n{GERMAN}"
    assert decoded.encoding == "utf-8"
    assert decoded.warnings == ("1 broken character in utf-8 is read as '\ufffd', first in line 3",)


def test_one_byte_beyond_ascii_is_read_as_windows_1252() -> None:
    assert opened(b"INC1;Stra\xdfe gesperrt\n" * 3).whole().startswith("INC1;Straße")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", ".xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1", "old Excel"),
        (b"PAR1", "parquet"),
        (b"\x00\x01\x02\x00", "binary"),
        (b" \n", "empty"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "HTML page"),
    ],
)
def test_a_file_of_another_kind_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        opened(content)


def test_files_that_were_appended_keep_no_byte_order_mark() -> None:
    content = "number,title\n1,a\n".encode("utf-8-sig")
    assert opened(content + content).whole() == "number,title\n1,a\n" * 2


def test_the_euro_of_iso_8859_15_is_told_from_the_general_sign_of_currency() -> None:
    text = "number;title\nINC1;Rechnung über 5 € fehlt, Büro\n"
    decoded = opened(text.encode("iso8859_15"))
    assert (decoded.whole(), decoded.encoding) == (text, "iso8859_15")


def test_the_signs_that_windows_adds_to_japanese_are_read() -> None:
    text = "number;title\nINC1;サーバー①が停止 ㈱山田\nINC2;メールが遅い\n"
    assert opened(text.encode("cp932")).whole() == text
