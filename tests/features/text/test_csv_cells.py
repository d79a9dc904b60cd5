"""Cells that spreadsheets would compute are escaped, and read back as they were."""

import pytest

from features.text.csv_cells import escape_formula, unescape_formula


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1"])  # noqa: RUF001
def test_a_formula_is_escaped(text):
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "VPN", "a=1", "'quoted'", "1-2", " =1"])
def test_another_text_stays(text):
    assert escape_formula(text) == text


@pytest.mark.parametrize("text", ["=1", "'=1", "''-1", "'", "VPN", "'quoted'", ""])
def test_a_text_is_read_back_as_it_was(text):
    assert unescape_formula(escape_formula(text)) == text
