"""Csv files as programs and people write them."""

import csv
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.imports.tables.csv_file import read_csv
from features.imports.tables.table import Table
from features.imports.tables.text_source import TextSource

HEADER = "number,opened_at,assignment_group,short_description\n"
MULTI_LINE = 'tills are "offline"\nsince noon;\r\n\nlogs: a, b, c'


def read_text(text: str) -> Table:
    return read_csv(TextSource.of(text))


def rows_of(table: Table) -> list[tuple[str, ...]]:
    return list(zip(*table.columns.values(), strict=True))


def written(rows: list[list[str]], separator: str = ",") -> str:
    stream = StringIO(newline="")
    csv.writer(stream, delimiter=separator).writerows(rows)
    return stream.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_values_over_several_lines_stay_whole(separator: str) -> None:
    rows = [
        ["number", "opened_at", "description", "short_description"],
        ["INC1", "2025-11-03 08:15", MULTI_LINE, "one"],
        ["INC2", "2025-11-03 08:16", '"', ""],
        ["INC3", "2025-11-03 08:17", '"quoted"\n"again, and again"', 'ends with "'],
        ["INC4", "2025-11-03 08:18", "", MULTI_LINE],
        ["INC5", "2025-11-03 08:19", "plain", "text"],
    ]
    table = read_text(written(rows, separator))
    assert [list(row) for row in rows_of(table)] == rows[1:]
    assert (table.rejected, table.warnings, table.separator) == ((), (), separator)


def test_whole_values_stay_whole_where_another_quote_is_stray() -> None:
    rows = [["number", "opened_at", "description", "short_description"]]
    rows += [[f"INC{n}", "2025-11-03 08:15", MULTI_LINE, f"till {n}"] for n in range(1, 9)]
    text = written(rows) + 'INC9,2025-11-03 08:16,desk,"screen" is black\n' + written(rows[1:])
    table = read_text(text)
    assert len(table.lines) == 17
    assert table.columns["description"][9:] == tuple(
        row[2].replace("\r\n", "\n") for row in rows[1:]
    )
    assert table.columns["short_description"][8] == '"screen" is black'


def test_a_first_line_may_state_the_separator() -> None:
    for first in ("sep=;\n", '"sep=;"\r\n', "SEP=;\n"):
        table = read_text(first + "a;b, c\n1;2\n3;4\n")
        assert (list(table.columns), table.lines, table.separator) == (["a", "b, c"], [3, 4], ";")


def test_commas_in_texts_do_not_hide_the_separator() -> None:
    text = "Title;Text\n" + "down, again;since noon, all of them\n" * 5
    assert list(read_text(text).columns) == ["Title", "Text"]


@pytest.mark.parametrize(
    "banner",
    [
        "Incidents of November\n",
        "Incidents of November;;;\n\n",
        "Report: incidents\nCreated by: ana\nCreated: 2025-11-30\n\n",
        "# exported by ana; on Monday\n",
    ],
)
def test_titles_above_the_header_are_left_out_and_named(banner: str) -> None:
    text = (
        banner + "Number;Opened;Title;Group\nINC1;2025-11-03;VPN;Net\nINC2;2025-11-04;Mail;Mail\n"
    )
    table = read_text(text)
    assert list(table.columns) == ["Number", "Opened", "Title", "Group"]
    assert table.columns["Number"] == ("INC1", "INC2")
    assert "above the header" in table.warnings[0]
    assert banner.split("\n")[0].split(";")[0] in table.warnings[0]


def test_a_header_of_words_is_never_taken_for_a_title() -> None:
    for text in (
        "title,severity\na,red\nb,blue\n",
        "title\nVPN down\nmail late\n",
        "a,b\nx\ny\n",
        ",title,group\n1,VPN,Net\n2,Mail,Mail\n",
        "title,text\nVPN, since noon, all\nMail, late, today\n",
    ):
        assert "above the header" not in " ".join(read_text(text).warnings)


def test_rows_that_are_no_records_are_named() -> None:
    text = HEADER
    text += "# first week,,,\nINC1,2025-11-03,Net,VPN\n" + HEADER + "INC2,2025-11-04,Mail,late\n"
    text += (
        "INC3,2025-11-05,Mail,late again\nTotal,,,3\nGenerated on 2025-11-06 by ana,,,\n3 rows\n"
    )
    table = read_text(text)
    assert table.columns["number"] == ("INC1", "INC2", "INC3")
    assert [(row.line, row.reason) for row in table.rejected] == [
        (2, "is a comment"),
        (4, "repeats the header"),
        (7, "is a total: 'Total'"),
        (8, "is a note below the table: 'Generated on 2025-11-06 by ana'"),
        (9, "is a total: '3 rows'"),
    ]


def test_a_number_sign_is_no_comment_where_rows_are_numbered_so() -> None:
    table = read_text("#,Subject,Status\n#12,VPN down,New\n#13,,\n")
    assert table.columns["#"] == ("#12", "#13")
    assert not table.rejected


def test_a_record_with_a_title_alone_is_no_note() -> None:
    titles = ["VPN down", "mail (late)", "till 4 is offline", "why?", "a/b", "x + y", "1: z", "w"]
    rows = "".join(f'"{title}",Net,text\n' for title in titles)
    table = read_text("title,group,text\n" + rows + "printer: jam,,\n")
    assert table.columns["title"][-1] == "printer: jam"


def test_two_columns_have_no_comments_of_one_value() -> None:
    table = read_text("title,group\n#help me,\nVPN,Net\n# exported by ana\n")
    assert table.columns["title"] == ("#help me", "VPN")
    assert [row.reason for row in table.rejected] == ["is a comment"]


def test_an_incident_with_an_id_alone_is_kept() -> None:
    table = read_text(HEADER + "INC1,2025-11-03,Net,VPN\nINC2,,,\n")
    assert table.columns["number"] == ("INC1", "INC2")


def test_missing_cells_at_the_end_of_a_row_are_empty() -> None:
    table = read_text(HEADER[:-1] + ",comments\nINC1,2025-11-03,Net,VPN\nINC2,2025,Net,wifi,yes\n")
    assert table.columns["comments"] == ("", "yes")
    assert table.cell_counts == {0: 4}


def test_a_column_without_a_name_is_called_by_its_number() -> None:
    table = read_text(",title,\n1,VPN,\n2,Mail,\n")
    assert dict(table.columns) == {"column 1": ("1", "2"), "title": ("VPN", "Mail")}


def test_a_quote_that_is_never_closed_swallows_no_rows() -> None:
    text = HEADER + 'INC1,2025-11-03,Net,"starts here\n'
    text += "".join(f"INC{n},2025-11-04,Mail,case {n}\n" for n in range(2, 50))
    table = read_text(text)
    assert table.columns["number"] == tuple(f"INC{n}" for n in range(1, 50))
    assert table.columns["short_description"][:2] == ('"starts here', "case 2")
    assert "line 2: a quote is never closed; 48 lines lie inside one value" in table.warnings[0]


def test_two_stray_quotes_that_form_a_valid_value_swallow_no_rows() -> None:
    rows = "".join(f"INC{n},2025-11-04,Mail,case {n}\n" for n in range(3, 8))
    text = HEADER + 'INC1,2025-11-03,Net,ok\nINC2,2025-11-03,Net,"starts here\n' + rows
    text += 'INC8,2025-11-04,Mail,and ends here"\nINC9,2025-11-04,Mail,last\n'
    table = read_text(text)
    assert table.columns["number"] == tuple(f"INC{n}" for n in range(1, 10))
    assert "line 3: a quote is never closed; 6 lines" in table.warnings[0]


def test_a_stray_quote_in_a_middle_column_is_plain_text() -> None:
    text = "number,short_description,opened_at\n"
    text += '1,"tills offline,2025-11-03\n2,mail late,2025-11-04\n3,5" disk lost,2025-11-05\n'
    text += '4,"wifi" weak,2025-11-06\n5,"a, b",2025-11-07\n'
    table = read_text(text)
    assert table.columns["short_description"] == (
        *('"tills offline', "mail late", '5" disk lost', '"wifi" weak', "a, b"),
    )


def test_the_lines_of_a_text_stay_together_if_its_quote_is_not_closed() -> None:
    text = (
        HEADER + "INC1,2025-11-03,Net,ok\n" * 3 + 'INC2,2025-11-03,Net,"first line\nsecond line\n'
    )
    text += "INC3,2025-11-04,Net,ok\n"
    table = read_text(text)
    assert table.columns["short_description"][3:] == ('"first line\nsecond line', "ok")


def test_a_pasted_row_inside_a_text_stays_there_with_a_warning() -> None:
    text = HEADER + "INC1,2025-11-03,Net,ok\n" * 4
    text += 'INC2,2025-11-03,Net,"please import\nINC9,2025-11-04,Mail,x\nthanks"\n'
    table = read_text(text)
    assert table.columns["short_description"][4] == "please import\nINC9,2025-11-04,Mail,x\nthanks"
    assert table.warnings == (
        "line 6: 1 line lies inside one quoted value, though they look like rows",
    )


def test_quotes_escaped_by_backslashes_are_understood() -> None:
    text = HEADER + r'INC1,2025-11-03,Net,"says \"no route\", then C:\temp"' + "\nINC2,2025,Net,b\n"
    assert read_text(text).columns["short_description"] == (
        r'says "no route", then C:\temp',
        "b",
    )


def test_many_stray_quotes_are_read_in_linear_time() -> None:
    text = HEADER + "".join(f'INC{n},2025-11-03,Net,"open {n}\n' for n in range(20_000))
    table = read_text(text)
    assert len(table.lines) == 20_000
    assert len(table.warnings) == 4


def test_a_stray_quote_between_values_on_several_lines_costs_no_row() -> None:
    rows = [[f"INC{n}", "2025-11-03 08:15", MULTI_LINE, f"till {n}"] for n in range(1, 9)]
    names = ["number", "opened_at", "description", "short_description"]
    text = written([names, *rows]) + 'INC9,2025-11-03 08:16,"stray,desk\r\n' + written(rows)
    table = read_text(text)
    assert len(table.lines) == 17
    assert table.columns["description"][8] == '"stray'
    assert set(table.columns["description"][9:]) == {MULTI_LINE.replace("\r\n", "\n")}
    assert "a quote is never closed" in table.warnings[0]


def test_totals_are_rows_of_a_total_alone() -> None:
    rows = "1,Total outage,,\n2,Sum of all fears,,\n,Count of rows is wrong,,\n"
    table = read_text("number,title,group,notes\n" + rows + "3,x,y,z\nSumme: 3,,,\n(4 rows),,,\n")
    assert len(table.lines) == 4
    assert [row.reason for row in table.rejected] == [
        "is a total: 'Summe: 3'",
        "is a total: '(4 rows)'",
    ]


def test_numbers_of_pages_subtotals_and_headers_in_other_letters_are_no_records() -> None:
    text = (
        "Number,Title,Group,Hours\nINC1,vpn,Net,2\nINC2,wifi,Net,1\nSubtotal Net,,,3\n"
        "Page 1 of 2,,,\nnumber,title,group,hours\nINC3,mail,Mail,2\nINC4,total loss,Mail,5\n"
        "Total Mail,,,7\nSeite 2 von 2,,,\n合計: 4,,,10\n"
    )
    table = read_text(text)
    assert table.columns["Number"] == ("INC1", "INC2", "INC3", "INC4")
    assert [(row.line, row.reason.split(":")[0]) for row in table.rejected] == [
        (4, "is a total"),
        (5, "is the number of a page"),
        (6, "repeats the header"),
        (9, "is a total"),
        (10, "is the number of a page"),
        (11, "is a total"),
    ]


def test_a_stated_separator_that_splits_nothing_is_ignored() -> None:
    table = read_text("sep=,\nNumber;Title\nINC1;vpn, mail\nINC2;tv\n")
    assert (table.separator, table.columns["Title"]) == (";", ("vpn, mail", "tv"))


def test_a_quoted_value_may_hold_a_quote_and_a_separator() -> None:
    text = '"id","at","title","team"\n"1","2025-11-03","user "bob", locked","Field"\n'
    text += '"2","2025-11-04","mail","Mail"\n"3","2025-11-05","door","Field"\n'
    assert read_text(text).columns["title"] == ('user "bob", locked', "mail", "door")


def test_a_rule_below_the_header_is_no_record() -> None:
    table = read_text("number|title|opened_at\n------|-----|------\nINC1|vpn|2025-11-03\n(1 row)\n")
    assert table.columns["number"] == ("INC1",)


def test_quotes_inside_quoted_values_may_be_written_once() -> None:
    text = '"number","opened_at","text","group"\n"1","2025-11-03","the "screen" is black","Net"\n'
    text += '"2","2025-11-04","the "big, red" one","Net"\n"3","2025-11-05","all ""well""","Mail"\n'
    text += '"4","2025-11-06","""quoted""","Mail"\n"5","2025-11-07","first "line"\nsecond","Mail"\n'
    table = read_text(text + '"6","2025-11-08","last","Mail"\n')
    assert table.columns["text"] == (
        *('the "screen" is black', 'the "big, red" one', 'all "well"', '"quoted"'),
        *('first "line"\nsecond', "last"),
    )
    assert set(table.columns["group"]) == {"Net", "Mail"}


@given(
    texts=st.lists(st.text(alphabet='a1 ",;\n\r|#\\', max_size=12), min_size=1, max_size=12),
    separator=st.sampled_from(",;"),
)
@settings(max_examples=300, deadline=None)
def test_what_a_program_writes_is_read_as_written(texts: list[str], separator: str) -> None:
    rows = [[f"INC{n}", f"2025-11-{n + 1:02}", text, "Net"] for n, text in enumerate(texts)]
    table = read_text(written([["number", "opened", "text", "group"], *rows], separator))
    assert [list(row) for row in rows_of(table)] == rows
    assert table.rejected == ()
