"""XML as ServiceNow and trackers export it."""

from pathlib import Path

import pytest

from features.errors import UnreadableFile
from features.imports.tables.xml_file import read_xml

PATH = Path("incident.xml")
SERVICENOW = """<?xml version="1.0" encoding="UTF-8"?>
<unload unload_date="2025-11-05 10:00:00">
<incident action="INSERT_OR_UPDATE">
<number>INC1</number><short_description>Café &amp; till</short_description>
<opened_at>2025-11-03 08:15:00</opened_at><close_notes/>
<assignment_group display_value="Network">aa0</assignment_group>
<priority display_value="2 - High">2</priority>
<description>since noon
all tills</description>
</incident>
<incident action="INSERT_OR_UPDATE"><number>INC2</number><state>2</state></incident>
</unload>"""


def test_an_export_of_servicenow() -> None:
    table = read_xml(SERVICENOW.encode(), PATH)
    assert dict(table.columns) == {
        "number": ["INC1", "INC2"],
        "short_description": ["Café & till", ""],
        "opened_at": ["2025-11-03 08:15:00", ""],
        "close_notes": ["", ""],
        "assignment_group": ["Network", ""],
        "priority": ["2 - High", ""],
        "description": ["since noon\nall tills", ""],
        "state": ["", "2"],
    }
    assert (table.rejected, table.encoding) == ((), "utf-8")


def test_one_record_is_a_record_and_not_a_list() -> None:
    text = "<xml><incident><number>INC1</number><title>down</title></incident></xml>"
    assert dict(read_xml(text.encode(), PATH).columns) == {"number": ["INC1"], "title": ["down"]}


def test_the_items_of_a_feed_are_records() -> None:
    items = "".join(
        f"<item><key id='{n}'>A-{n}</key><title>case {n}</title><component>Shop</component>"
        "<component>Cart</component></item>"
        for n in range(2)
    )
    text = f"<rss version='0.92'><channel><title>Jira</title><link>x</link>{items}</channel></rss>"
    table = read_xml(text.encode(), PATH)
    assert table.columns["key"] == ["A-0", "A-1"]
    assert table.columns["component"] == ["Shop, Cart", "Shop, Cart"]
    assert [row.reason for row in table.rejected] == ["holds no elements"] * 2


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_wrong_declaration_does_no_harm(encoding: str) -> None:
    table = read_xml(SERVICENOW.encode(encoding), PATH)
    assert table.columns["short_description"][0] == "Café & till"


def test_a_declared_encoding_is_used() -> None:
    text = SERVICENOW.replace("UTF-8", "windows-1252")
    table = read_xml(text.encode("cp1252"), PATH)
    assert (table.columns["short_description"][0], table.encoding) == (
        "Café & till",
        "windows-1252",
    )


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x><i><n>&b;</n></i></x>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x><i><n>&a;</n></i></x>',
    ],
)
def test_entities_are_refused(text: str) -> None:
    with pytest.raises(UnreadableFile, match="entities"):
        read_xml(text.encode(), PATH)


def test_a_record_may_be_written_in_attributes() -> None:
    table = read_xml(b"<list><incident number='1' title='a'/><incident number='2'/></list>", PATH)
    assert dict(table.columns) == {"number": ["1", "2"], "title": ["a", ""]}


def test_an_element_without_a_text_is_its_name() -> None:
    issues = '<issue><id>1</id><priority id="2" name="High"/></issue><issue><id>2</id></issue>'
    text = f"<issues>{issues}</issues>"
    assert read_xml(text.encode(), PATH).columns["priority"] == ["High", ""]
