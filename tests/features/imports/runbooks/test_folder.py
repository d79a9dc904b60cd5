"""A folder of Markdown is read into runbooks; broken files are listed and skipped."""

import os
from pathlib import Path

import pytest

from features.domain.runbook import Runbook, SectionRole
from features.errors import UnreadableFile
from features.imports.runbooks.folder import RunbookFolder, read_runbooks
from features.text.masking import Masking

PAGE = """---
title: Tunnel drops
url: https://wiki.example.com/vpn/tunnel
owner: {team: network}
weight: 20
---

<!-- lint off -->
# VpnTunnelDrops

The tunnel to the branch is gone.

## Symptoms

Users of `site-7` *cannot* log in.

## Triage

Look at the peers:

```console
$ wg show wg0 \\
    latest-handshakes
wg0  1700000000
# systemctl status wg-quick@wg0
```

### Where to look

- Is the [dashboard](https://grafana.example.com/d/1) red?

## Remediation

1. Tell the branch.
2. Restart the tunnel:

   ```bash
   systemctl restart wg-quick@wg0
   # watch it come back
   wg show wg0
   ```
3. <script>alert(1)</script>

## See also

- [Routers](./routers.md)
"""


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def only(found: RunbookFolder) -> Runbook:
    assert not found.skipped
    (runbook,) = found.runbooks
    return runbook


@pytest.fixture
def runbook(tmp_path: Path) -> Runbook:
    return only(read_runbooks(write(tmp_path, vpn__tunnel_drops=PAGE)))


def test_id_title_url_and_facts(runbook: Runbook) -> None:
    assert runbook.id == "vpn/tunnel_drops"
    assert runbook.title == "Tunnel drops"
    assert runbook.url == "https://wiki.example.com/vpn/tunnel"
    assert runbook.facts["weight"] == "20"
    assert "owner" not in runbook.facts


def test_sections_by_the_words_of_their_headings(runbook: Runbook) -> None:
    parts = [(section.heading, section.part) for section in runbook.sections]
    assert parts == [
        ("VpnTunnelDrops", SectionRole.OTHER),
        ("Symptoms", SectionRole.MEANING),
        ("Triage", SectionRole.DIAGNOSIS),
        ("Where to look", SectionRole.DIAGNOSIS),
        ("Remediation", SectionRole.MITIGATION),
        ("See also", SectionRole.OTHER),
    ]
    assert runbook.sections[1].text == "Users of site-7 cannot log in."


def test_steps_are_ready_to_follow(runbook: Runbook) -> None:
    assert runbook.steps == (
        "Look at the peers:",
        "wg show wg0 \\\n    latest-handshakes",
        "systemctl status wg-quick@wg0",
        "Is the dashboard (https://grafana.example.com/d/1) red?",
        "Tell the branch.",
        "Restart the tunnel:",
        "systemctl restart wg-quick@wg0",
        "# watch it come back\nwg show wg0",
        "<script>alert(1)</script>",
    )


@pytest.mark.parametrize(
    ("heading", "part"),
    [
        ("Impact", SectionRole.IMPACT),
        ("Auswirkungen", SectionRole.IMPACT),
        ("What is the **impact**", SectionRole.IMPACT),
        ("Summary", SectionRole.MEANING),
        ("Bedeutung", SectionRole.MEANING),
        ("Troubleshooting", SectionRole.DIAGNOSIS),
        ("Root cause analysis", SectionRole.DIAGNOSIS),
        ("How to **investigate**", SectionRole.DIAGNOSIS),
        ("Possible fixes", SectionRole.MITIGATION),
        ("Behebung", SectionRole.MITIGATION),
        ("Solución", SectionRole.MITIGATION),
        ("Resolution", SectionRole.MITIGATION),
        ("Contacts", SectionRole.OTHER),
    ],
)
def test_headings_in_several_wordings(tmp_path: Path, heading: str, part: SectionRole) -> None:
    folder = write(tmp_path, page=f"# Page\n\n## {heading}\n\nText.\n")
    assert only(read_runbooks(folder)).sections[-1].part is part


def test_a_bold_lead_serves_as_heading(tmp_path: Path) -> None:
    page = "This alert fires.\n\nHow to **fix** it:\n\n- Restart it\n\n**Impact**\n\nNo mail.\n"
    runbook = only(read_runbooks(write(tmp_path, page=page)))
    assert [section.part for section in runbook.sections] == [
        SectionRole.OTHER,
        SectionRole.MITIGATION,
        SectionRole.IMPACT,
    ]
    assert runbook.steps == ("Restart it",)


def test_without_a_title_the_first_heading_or_the_name_is_it(tmp_path: Path) -> None:
    folder = write(tmp_path, a="# Disk full\n", b__disk_full="Empty the trash.")
    assert [runbook.title for runbook in read_runbooks(folder).runbooks] == [
        "Disk full",
        "disk_full",
    ]


def test_output_and_settings_are_no_commands(tmp_path: Path) -> None:
    page = (
        "## Fix\n\n```\nERROR: no space\n```\n\n```yaml\na: 1\n```\n\n"
        "```\nkubectl get pods\n\nNAME   READY\nx   1/1\n```\n\n"
        "```bash\nfor p in $(ls); do\n  rm $p\ndone\n```\n"
    )
    assert only(read_runbooks(write(tmp_path, page=page))).steps == (
        "kubectl get pods",
        "for p in $(ls); do\n  rm $p\ndone",
    )


def test_prose_is_followed_where_nothing_is_listed(tmp_path: Path) -> None:
    page = "# A\n\n## Meaning\n\nIt is full.\n\n## Mitigation\n\nEmpty it.\n\nCall Bob.\n"
    assert only(read_runbooks(write(tmp_path, page=page))).steps == ("Empty it.", "Call Bob.")


def test_secrets_are_masked_unless_told_otherwise(tmp_path: Path) -> None:
    folder = write(tmp_path, page="## Fix\n\nLog in with password=hunter2secret.\n")
    assert "hunter2" not in repr(read_runbooks(folder))
    assert "hunter2" in repr(read_runbooks(folder, masking=Masking(frozenset())))


def test_equal_texts_keep_their_own_ids(tmp_path: Path) -> None:
    folder_content = read_runbooks(write(tmp_path, b__x="# Same\n\nText.", a__x="# Same\n\nText."))
    assert [runbook.id for runbook in folder_content.runbooks] == ["a/x", "b/x"]


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "binary": (b"\x89PNG\0\1\2", "is binary"),
    "latin": ("Störung".encode("latin-1"), "is not UTF-8"),
    "wide": ("Störung".encode("utf-16"), "is binary"),
    "empty": (" \n", "is empty"),
    "only_facts": ("---\nweight: 1\n---\n", "has no content"),
    "bad_facts": ("---\ntitle: [a\n---\n\nText.", "not valid YAML"),
    "unsafe_facts": ("---\na: !!python/object/apply:os.getcwd []\n---\n\nText.", "not valid YAML"),
    "listed_facts": ("---\n- a\n---\n\nText.", "not a mapping"),
    "deep_facts": ("---\na: " + "[" * 5000 + "\n---\n\nText.", "not valid YAML"),
    "huge": ("# Huge\n\n" + "word " * 3_300_000, "larger than 16 MB"),
}


def test_what_is_broken_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path, good="# Good\n\nText.", **{name: case[0] for name, case in BROKEN.items()})
    folder_content = read_runbooks(tmp_path)
    assert [runbook.id for runbook in folder_content.runbooks] == ["good"]
    reasons = {file.path: file.reason for file in folder_content.skipped}
    assert set(reasons) == {f"{name}.md" for name in BROKEN}
    for name, (_, reason) in BROKEN.items():
        assert reason in reasons[f"{name}.md"]


def test_what_is_passed_over_is_told_by_id(tmp_path: Path) -> None:
    folder = write(tmp_path, good="# Good\n\nText.", net__vpn=b"\0")
    (folder / "disk.MD").write_bytes(b"\0")
    (folder / "round").symlink_to(folder)
    assert set(read_runbooks(folder).unread_ids) == {"net/vpn", "disk", "round/"}


def test_links_hidden_folders_and_other_files_are_left_alone(tmp_path: Path) -> None:
    folder = write(tmp_path / "runbooks", good="# Good\n\nText.", README="# All\n\nOur runbooks.")
    write(tmp_path, secret="# Secret\n\nText.")
    write(folder, **{".git__HEAD": "x", ".draft": "x"})
    (folder / "notes.txt").write_text("no runbook")
    (folder / "out.md").symlink_to(tmp_path / "secret.md")
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "gone.md").symlink_to(folder / "missing.md")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    folder_content = read_runbooks(folder)
    assert [runbook.id for runbook in folder_content.runbooks] == ["good"]
    reasons = {file.path: file.reason for file in folder_content.skipped}
    assert set(reasons) == {"README.md", "gone.md", "loop.md", "out.md", "pipe.md", "round"}
    assert "out of the folder" in reasons["out.md"]


def test_a_link_within_the_folder_is_a_runbook_of_its_own(tmp_path: Path) -> None:
    folder = write(tmp_path, a="# A\n\nText.")
    (folder / "b.md").symlink_to(folder / "a.md")
    assert [runbook.id for runbook in read_runbooks(folder).runbooks] == ["a", "b"]


@pytest.mark.parametrize("kind", ["missing", "file", "loop"])
def test_an_unreadable_folder_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    place = tmp_path / kind
    if kind == "file":
        place.write_text("x")
    if kind == "loop":
        place.symlink_to(place)
    with pytest.raises(UnreadableFile, match=kind) as caught:
        read_runbooks(place)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_has_no_runbooks(tmp_path: Path) -> None:
    assert read_runbooks(tmp_path) == RunbookFolder()


@pytest.mark.parametrize("link", ["javascript:alert(1)", "file:///etc/passwd", "17"])
def test_only_links_to_the_web_are_links(tmp_path: Path, link: str) -> None:
    folder = write(tmp_path, page=f"---\nurl: '{link}'\n---\n\nText.")
    assert only(read_runbooks(folder)).url is None


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("git@github.com:acme/ops.git", "https://github.com/acme/ops/blob/main/"),
        ("https://bob:secret@github.com/acme/ops", "https://github.com/acme/ops/blob/main/"),
        ("https://gitlab.acme.com/a/b/ops.git", "https://gitlab.acme.com/a/b/ops/-/blob/main/"),
        ("ssh://git@code.acme.com:7999/ops.git", None),
    ],
)
def test_a_checkout_links_to_its_pages(tmp_path: Path, remote: str, page: str | None) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    setting = f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {remote}\n'
    (tmp_path / ".git" / "config").write_text(setting)
    folder = write(tmp_path / "docs", **{"disk full": "# Disk\n\nText."})
    wanted = None if page is None else f"{page}docs/disk%20full.md"
    assert only(read_runbooks(folder)).url == wanted
