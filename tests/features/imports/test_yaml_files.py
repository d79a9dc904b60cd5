"""A broken YAML file is refused with one line that says what to fix."""

from pathlib import Path

import pytest

from features.errors import UnreadableFile
from features.imports.yaml_files import read_yaml


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: [1", "line 1: the topology is not valid YAML"),
        (b"a: 2020-99-99", "a value cannot be read"),
        (b"[" * 3_000, "nested too deeply"),
        (b"\xff\xd8", "the topology cannot be read: it is not UTF-8"),
        (b"\x00", "the topology is not valid YAML"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile) as raised:
        read_yaml(file, "the topology", UnreadableFile)
    assert str(raised.value).startswith(f"{file}:")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_yaml(file, "the topology", UnreadableFile) == {"a": 1}
