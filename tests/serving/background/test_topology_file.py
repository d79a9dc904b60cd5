"""The file that tells which service depends on which."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.errors import UnreadableFile
from serving.__main__ import cli
from serving.background.topology_file import TopologyFile

SHOP = "services: {Checkout: {depends_on: [payments], aliases: [shop]}, mail: }"


def neighbours(file: TopologyFile, service: str) -> list[str]:
    return [neighbour.relation for neighbour in file.current().neighbours(service)]


def write(file: Path, text: str, at: int) -> None:
    file.write_text(text)
    os.utime(file, (at, at))


def test_neighbours_are_read_with_the_relation_in_words(tmp_path):
    file = tmp_path / "topology.yaml"
    file.write_text(SHOP)
    topology = TopologyFile(None, file)
    assert neighbours(topology, "SHOP") == ["Checkout depends on payments"]
    assert neighbours(topology, "payments") == ["Checkout depends on payments"]
    assert neighbours(topology, "mail") == []


def test_a_usual_file_may_be_missing_come_change_and_go(tmp_path):
    file = tmp_path / "topology.yaml"
    topology = TopologyFile(None, file)
    assert neighbours(topology, "shop") == []
    write(file, SHOP, 1)
    assert neighbours(topology, "shop") == ["Checkout depends on payments"]
    write(file, SHOP.replace("payments", "bank"), 2)
    assert neighbours(topology, "shop") == ["Checkout depends on bank"]
    file.unlink()
    assert neighbours(topology, "shop") == []


def test_a_file_that_breaks_later_leaves_what_was_known(tmp_path, caplog):
    file = tmp_path / "topology.yaml"
    write(file, SHOP, 1)
    topology = TopologyFile(None, file)
    write(file, "services: [", 2)
    for _ in range(3):
        assert neighbours(topology, "shop") == ["Checkout depends on payments"]
    assert len([record for record in caplog.records if "stays as it was" in record.message]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "services: [",
        "services: 2020-99-99",
        "services: []",
        "services: {a: {depends: [b]}}",
        "- x",
        "\x00",
        "other: {}",
    ],
)
def test_a_file_that_cannot_be_read_is_named_at_the_start(tmp_path, text):
    file = tmp_path / "topology.yaml"
    file.write_text(text)
    with pytest.raises(UnreadableFile, match=r"topology\.yaml: "):
        TopologyFile(None, file)


def test_a_chosen_file_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path))
    monkeypatch.setenv("PRECEDENT_TOPOLOGY", str(tmp_path / "none.yaml"))
    result = CliRunner().invoke(cli, ["--port", "0"])
    assert result.exit_code == 2
    assert "none.yaml: the topology cannot be read" in result.output
    assert "Traceback" not in result.output


def test_a_service_that_depends_on_itself_is_no_neighbour(tmp_path):
    file = tmp_path / "topology.yaml"
    file.write_text("services: {a: {depends_on: [A, b, b]}, b: {depends_on: [a]}}")
    topology = TopologyFile(None, file)
    assert neighbours(topology, "a") == ["a depends on b"]
    assert neighbours(topology, "b") == ["b depends on a"]
