"""Steps come whole from tables, lists, notices and tabs; contents and links are no steps."""

import time

import pytest

from features.domain.runbook import Runbook, TableRow
from features.imports.runbooks.front_matter import BadRunbook
from features.imports.runbooks.markdown import parse_runbook
from features.imports.runbooks.table_forms import with_markdown_tables


def steps(page: str) -> list[str]:
    return list(parse_runbook(page, "page").steps)


def in_fix(content: str) -> list[str]:
    return steps(f"# Page\n\n## Fix\n\n{content}\n")


TABLES = {
    "| Alert | Meaning | Action |\n|-|-|-|\n| EdgeDown | no edge | run `edge up` |": [
        "EdgeDown: run edge up"
    ],
    "| Symptom | Cause | Fix |\n|-|-|-|\n| 502 | restart | wait |\n| 504 | pool | raise it |": [
        "502: wait",
        "504: raise it",
    ],
    "| # | Step | Command |\n|-|-|-|\n| 1 | Stop it | `$ stop` |\n| 2 | Start it | `start` |": [
        "Stop it; stop",
        "Start it; start",
    ],
    "| Fehler | Ursache | Behebung |\n|-|-|-|\n| E12 | Lüfter | Lüfter tauschen |": [
        "E12: Lüfter tauschen"
    ],
    "| Severity | Alert | What to do |\n|-|-|-|\n| high | DiskFull | clean up |": [
        "DiskFull: clean up"
    ],
    "| Fix | When |\n|-|-|\n| restart | it hangs |": ["it hangs: restart"],
    "| Code | Check | Resolution |\n|-|-|-|\n| E1 | look at the log | restart |": [
        "E1: look at the log; restart"
    ],
    "| Alert | Fix |\n|-|-|\n| DiskFull | empty it |\n| | call Bob |": [
        "DiskFull: empty it",
        "DiskFull: call Bob",
    ],
    "| Pod | Port |\n|-|-|\n| api | 80 |\n| web | 81 |": ["api: 80", "web: 81"],
    "| Alert | Runbook |\n|-|-|\n| DiskFull | [page](disk.md) |": [],
    "| Alert | Przyczyna | Działanie |\n|-|-|-|\n| E17 | brak papieru | wymień rolkę |": [
        "E17: wymień rolkę"
    ],
    "| アラート | 原因 | 対処 |\n|-|-|-|\n| E17 | 紙切れ | ロール交換 |": ["E17: ロール交換"],
    "| Ошибка | Причина | Действие |\n|-|-|-|\n| E17 | нет бумаги | заменить |": ["E17: заменить"],
    "<table class='x'>\n<tr><th>Alert</th>\n<th>Action</th></tr>\n<tr><td>E17</td><td>see"
    " <a href='https://x.test/a'>roll</a>, run <code>roll</code></td></tr>\n</table>": [
        "E17: see roll (https://x.test/a), run roll"
    ],
    "<table><tr><td>a</td><td>b</td></tr></table>": ["a: b"],
    "| | |\n|-|-|\n| Severity | critical |\n| Resolution | Clean it |": ["Resolution: Clean it"],
    "||Alert||Meaning||Action||\n|E17|no paper|change the roll|": ["E17: change the roll"],
    "+-----+--------+\n| Alert | Fix |\n+=====+====+\n| E17 | change |\n|  | the roll |\n+--+--+": [
        "E17: change the roll"
    ],
}


def test_a_table_in_code_stays_code() -> None:
    page = "# Page\n\n```html\n<table><tr><td>a</td></tr></table>\n```\n\n1. Restart it.\n"
    assert "Restart it." in steps(page)
    assert not any(step.startswith("|") for step in steps(page))


LANGUAGES = {
    "it": ("Descrizione", "Impatto", "Risoluzione", "Vedi anche"),
    "nl": ("Beschrijving", "Gevolgen", "Oplossing", "Zie ook"),
    "pl": ("Opis", "Wpływ", "Rozwiązanie", "Zobacz też"),
    "ru": ("Описание", "Влияние", "Решение", "Ссылки"),
    "sv": ("Beskrivning", "Påverkan", "Åtgärder", "Se även"),
    "tr": ("Açıklama", "Etki", "Çözüm", "Kaynaklar"),  # noqa: RUF001
    "cs": ("Popis", "Dopad", "Řešení", "Odkazy"),
    "ja": ("概要", "影響", "対処手順", "参考資料"),
    "zh": ("说明", "影响", "处理步骤", "相关链接"),
    "ko": ("개요", "영향", "조치", "참고"),
}


@pytest.mark.parametrize("headings", LANGUAGES.values(), ids=LANGUAGES)
def test_only_the_section_of_what_to_do_has_steps(headings: tuple[str, ...]) -> None:
    meaning, impact, fix, links = headings
    page = f"# T\n\n## {meaning}\n\n- a\n\n## {impact}\n\n- b\n\n## {fix}\n\n1. c\n\n"
    assert steps(f"{page}## {links}\n\n- Guide: https://x.test\n") == ["c"]


def test_a_controller_is_no_check() -> None:
    page = "# T\n\n## Controller\n\n- a\n\n## Mitigation\n\n1. c\n"
    assert steps(page) == ["c"]


@pytest.mark.parametrize(
    "page",
    [
        "= Disk full\n\nIntro.\n\n== Mitigation\n\n. Clean.\n. Restart.\n",
        "h1. Disk full\n\nIntro.\n\nh2. Mitigation\n\n1. Clean.\n1. Restart.\n",
        "# Disk full\n\n<details>\n<summary>Mitigation</summary>\n\n1. Clean.\n2. Restart.\n"
        "</details>\n",
    ],
    ids=["asciidoc", "confluence", "details"],
)
def test_headings_of_other_dialects_are_headings(page: str) -> None:
    runbook = parse_runbook(page, "page")
    assert runbook.title == "Disk full"
    assert list(runbook.steps) == ["Clean.", "Restart."]
    assert "Mitigation" in {section.heading for section in runbook.sections}


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Backup too old: what now\nservice: archive\n---\n",
        "---\ntitle:\tBackup too old: what now\nservice:\tarchive\n---\n",
        '---\ntitle: "Backup too old: what now"\nservice: archive\n...\n',
        "<!-- lint off -->\n---\ntitle: 'Backup too old: what now'\nservice: archive\n---\n",
        ';;;\n{"title": "Backup too old: what now", "service": "archive"}\n;;;\n',
    ],
)
def test_front_matter_as_people_write_it(front: str) -> None:
    runbook = parse_runbook(f"{front}\n## Mitigation\n\n1. Start it.\n", "page")
    assert runbook.facts == {"title": "Backup too old: what now", "service": "archive"}
    assert (runbook.title, runbook.steps) == ("Backup too old: what now", ("Start it.",))


@pytest.mark.parametrize(("table", "wanted"), TABLES.items())
def test_a_row_is_one_step(table: str, wanted: list[str]) -> None:
    assert in_fix(table) == wanted


def test_rows_without_an_action_give_way_to_a_list() -> None:
    table = "| Pod | Port |\n|-|-|\n| api | 80 |\n\n- Restart it."
    assert in_fix(table) == ["Restart it."]


def test_rows_keep_their_names() -> None:
    page = "## Errors\n\n| Error | Fix |\n|-|-|\n| E12 | Replace the fan |"
    assert parse_runbook(page, "page").sections[0].rows == (
        TableRow("E12", "E12: Replace the fan"),
    )


NO_STEPS = [
    "- [Quick start](#quick-start)\n  - [Grow](#grow)\n- [Sizing](https://docs.example.com/a)",
    "- [Start](#start) - how to begin\n- [End](#end): how to finish",
    "- <https://example.com>\n- https://example.com/x\n- [[Other page]]",
    "- See [Other](other.md).\n- Also see [Other](other.md) and [More](more.md)",
    "For more information, see [the docs](https://docs.example.com).",
    "- ![Screenshot](image.png)",
    "[TOC]",
    "[[_TOC_]]",
    "* TOC\n{:toc}",
    "### References\n\n- The book on the shelf",
    "### See also\n\n1. `kubectl explain`",
    "### Siehe auch\n\n- Das Handbuch",
]


@pytest.mark.parametrize("content", NO_STEPS)
def test_contents_links_and_cross_references_are_no_steps(content: str) -> None:
    assert in_fix(content) == []


def test_contents_without_links_repeat_headings() -> None:
    page = "1. Stop it\n2. Start it\n\n## Stop it\n\n- Run stop.\n\n## Start it\n\n- Run start."
    assert steps(page) == ["Run stop.", "Run start."]


@pytest.mark.parametrize(
    "step",
    ["Follow [the guide](guide.md).", "Open the [board](https://g.example.com) and look for red."],
)
def test_a_link_within_an_instruction_is_a_step(step: str) -> None:
    (found,) = in_fix(f"- {step}")
    assert found.split()[0] == step.split()[0]


WARNINGS = {
    "> **Warning**\n> Never restart both.": "Warning: Never restart both.",
    "> **Warning:** Never restart both.": "Warning: Never restart both.",
    "> [!CAUTION]\n> Never restart both.": "Caution: Never restart both.",
    "> ⚠️ Never restart both.": "Warning: Never restart both.",
    "!!! danger\n    Never restart both.": "Danger: Never restart both.",
    '!!! warning "Quorum"\n    Never restart both.': "Warning: Quorum. Never restart both.",
    ":::caution\nNever restart both.\n:::": "Caution: Never restart both.",
    '{% hint style="danger" %}\nNever restart both.\n{% endhint %}': "Danger: Never restart both.",
    "{{% notice warning %}}\nNever restart both.\n{{% /notice %}}": "Warning: Never restart both.",
    "{{< alert warning >}}Never restart both.{{< /alert >}}": "Warning: Never restart both.",
    "**WARNING:** Never restart both.": "Warning: Never restart both.",
    "Achtung: Never restart both.": "Achtung: Never restart both.",
    "Never restart both.": "Never restart both.",
}


@pytest.mark.parametrize(("warning", "step"), WARNINGS.items())
def test_a_warning_beside_a_list_stays_in_its_place(warning: str, step: str) -> None:
    assert in_fix(f"1. Look.\n\n{warning}\n\n2. Start one.") == ["Look.", step, "Start one."]


@pytest.mark.parametrize("note", ["> [!NOTE]\n> It is old.", "!!! tip\n    Old.", "It is old."])
def test_a_note_beside_a_list_is_no_step(note: str) -> None:
    assert in_fix(f"{note}\n\n1. Look.") == ["Look."]


def test_explanations_in_a_list_are_no_steps() -> None:
    content = "- **Symptoms**: it hangs\n- **Impact:** all\n- **Resolution**: restart it"
    assert in_fix(content) == ["Resolution: restart it"]


COMMANDS = {
    '=== "Linux"\n\n    ```bash hl_lines="1"\n    $ ls -l  # (1)!\n    ```': ["Linux:", "ls -l"],
    '{% tabs %}\n{% tab title="Linux" %}\n{% code title="a.sh" %}\n```bash\nls -l\n```\n'
    "{% endcode %}\n{% endtab %}\n{% endtabs %}": ["Linux:", "ls -l"],
    '{{< highlight bash "linenos=table" >}}\nls -l\n{{< /highlight >}}': ["ls -l"],
    '``` { .bash .copy title="x" }\n$ ls -l\n```': ["ls -l"],
    "<pre>\nkubectl get pods\n</pre>": ["kubectl get pods"],
    "- Run `$ ls -l`{: .cmd }.\n{: .lead }": ["Run ls -l."],
    '- Read [it](https://x.example){:target="_blank"} and act.<br>': [
        "Read it (https://x.example) and act."
    ],
    "```bash\nkubectl get -o jsonpath='{.items}' --template '{{.A}}'\n```": [
        "kubectl get -o jsonpath='{.items}' --template '{{.A}}'"
    ],
    "- Set `{.items}` and {.status} to <name>.": ["Set {.items} and {.status} to <name>."],
}


@pytest.mark.parametrize(("content", "wanted"), COMMANDS.items())
def test_markup_of_site_generators_is_dropped(content: str, wanted: list[str]) -> None:
    assert in_fix(content) == wanted


@pytest.mark.parametrize(
    "front",
    [
        '+++\ntitle = "Backup too old"\nweight = 3\naliases = ["/old", "/older"]\n+++\n',
        "---\r\ntitle: Backup too old\r\nweight: 3\r\naliases:\r\n- /old\r\n- /older\r\n---\r\n",
        '{\n"title": "Backup too old", "weight": 3, "aliases": ["/old", "/older"]\n}\n',
    ],
)
def test_front_matter_in_three_languages(front: str) -> None:
    runbook = parse_runbook(f"{front}\n## Fix\n\n- Run it.\n", "backup-age")
    assert (runbook.title, runbook.facts["weight"]) == ("Backup too old", "3")
    assert runbook.facts["aliases"] == "/old\n/older"
    assert [section.heading for section in runbook.sections] == ["Fix"]
    assert "+++" not in repr(runbook.sections)


def test_broken_toml_is_named() -> None:
    with pytest.raises(BadRunbook, match="not valid TOML"):
        parse_runbook("+++\ntitle = \n+++\n\nText.", "a")


@pytest.mark.parametrize("page", ["---\n\nText.", "+++\n\nText.", "{not json}", "+++ a\nText."])
def test_what_only_looks_like_front_matter_is_text(page: str) -> None:
    assert parse_runbook(page, "a").facts == {}


def anchors(page: str) -> list[tuple[str, ...]]:
    return [section.anchors for section in parse_runbook(page, "page").sections]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## Disk full (90%)", "disk-full-90"),
        ("## `node_exporter` down", "node_exporter-down"),
        ("## Größe prüfen", "größe-prüfen"),
        ("## Größe prüfen", "groe-prufen"),
        ("## Disk full {#disk}", "disk"),
        ("## Disk full {: #disk .big }", "disk"),
        ('## <a name="disk"></a>Disk full', "disk"),
        ('<a id="disk"></a>\n\n## Disk full', "disk"),
        ('<h2 id="disk">Disk full</h2>', "disk"),
    ],
)
def test_anchors_of_headings(heading: str, anchor: str) -> None:
    (found,) = anchors(f"{heading}\n\nText.")
    assert anchor in found


def test_repeated_headings_have_numbered_anchors() -> None:
    page = "# Page\n\n## A\n\n### Fix\n\na\n\n## B\n\n### Fix\n\nb"
    assert [names[0] for names in anchors(page)] == ["a", "fix", "b", "fix-1"]


def many_alerts(count: int) -> str:
    parts = (
        f"## Alert{n}IsFiring\n\nWhy it fires.\n\nHow to **fix** it:\n\n"
        + "".join(f"{k}. Do {n} {k} with care.\n" for k in range(1, 60))
        for n in range(count)
    )
    return "# Alerts\n\n" + "\n".join(parts)


def section_of(runbook: Runbook, heading: str) -> list[str]:
    (section,) = [section for section in runbook.sections if section.heading == heading]
    return list(section.steps)


def test_a_section_of_a_long_page_has_its_own_steps() -> None:
    page = many_alerts(200)
    assert len(page) > 256_000
    found = section_of(parse_runbook(page, "page"), "Alert199IsFiring")
    assert found == [f"Do 199 {k} with care." for k in range(1, 41)]


@pytest.mark.parametrize(
    "text",
    ["[", "![", "[a](", "<a ", "[["],
)
def test_a_megabyte_of_brackets_is_read_in_bounded_time(text: str) -> None:
    started = time.process_time()
    parse_runbook("# Page\n\n" + text * (1_000_000 // len(text)) + "\n\n## Fix\n\n- Run.", "page")
    assert time.process_time() - started < 20


@pytest.mark.parametrize("text", ["[" * 3_900, "![" * 1_900, "[a](" * 900, "*a**b" * 700])
def test_many_paragraphs_of_brackets_are_read_in_bounded_time(text: str) -> None:
    started = time.process_time()
    parse_runbook("# Page\n\n" + f"{text}\n\n" * (250_000 // len(text)), "page")
    assert time.process_time() - started < 20


def test_many_tables_that_never_end_take_no_longer_than_their_length() -> None:
    began = time.process_time()
    lines = list(with_markdown_tables(["<table>"] * 24_000))
    assert lines == ["<table>"] * 24_000
    assert time.process_time() - began < 1.0


def test_a_table_after_one_that_never_ends_is_read() -> None:
    page = ["<table>", *["text"] * 4_000, "<table>", "<tr><td>E17</td></tr>", "</table>"]
    assert "| E17 |" in list(with_markdown_tables(page))
