"""HTML in texts: its tags, styles, scripts and comments are no words of a report."""

import time

import pytest

from features.text.cleaning import clean_text
from features.text.markup import drop_markup
from features.text.tokens import terms_of

MAIL = """<!DOCTYPE html><html xmlns:o="urn:schemas"><head>
<style type="text/css">
.MsoNormal {margin:0cm; font-family:Calibri}
</style><!--[if mso]><xml>office settings</xml><![endif]--></head>
<body lang="DE"><p
 class="MsoNormal">Drucker st&uuml;rzt ab &amp; l&#228;uft nicht&nbsp;mehr<o:p></o:p><br/>
<img src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA"
 alt="">Fehler 42</p><SCRIPT>var a = "x < y";</SCRIPT ></body></html>"""


def test_of_a_mail_in_html_only_what_people_see_is_read() -> None:
    assert clean_text(MAIL) == "Drucker stürzt ab & läuft nicht mehr Fehler 42"
    assert terms_of(MAIL) == terms_of("Drucker stürzt ab & läuft nicht mehr\nFehler 42")


def test_html_whose_brackets_are_written_as_names_is_removed() -> None:
    written = "&lt;p style=&quot;margin:0&quot;&gt;VPN &lt;b&gt;drops&lt;/b&gt;&lt;/p&gt;"
    assert clean_text(written) == "VPN drops"


@pytest.mark.parametrize(
    "text",
    [
        "load < 5 and memory > 80",
        "Map&Reduce; AT&T at https://a.example/?b=1&copy=2",
        "x <!-- never closed, so this is said",
        "#1 <style of a title",
    ],
)
def test_what_is_no_html_stays(text: str) -> None:
    assert drop_markup(text) == text


@pytest.mark.parametrize("part", ["<!--", "<style ", "<p ", "<a href=", "&lt;p ", "<![if"])
def test_many_parts_that_are_never_closed_take_no_longer_than_their_length(part: str) -> None:
    began = time.process_time()
    drop_markup(part * (200_000 // len(part)))
    assert time.process_time() - began < 1.0
