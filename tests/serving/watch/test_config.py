"""What to watch: what the file may hold, and the one line that refuses what it may not."""

from pathlib import Path

import pytest

from serving.runtime.errors import BadWatchConfig
from serving.watch.config import load_config

WHOLE = """
prometheus: {url: http://127.0.0.1:9090/, timeout_seconds: 5}
alertmanager: {url: http://127.0.0.1:9093}
link: http://127.0.0.1:8000
metrics: {host: 127.0.0.1, port: 9109}
step_seconds: 60
history_days: 21
groups:
  - name: checkout
    service: checkout
    budget_per_week: 2
    series:
      - {query: 'sum by (service) (rate(http_errors_total[5m]))', name: errors, unit: "1/s",
         tier: full, service_label: service, bounds: [0, null]}
      - {query: up, name: up, tier: light, counter: false}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "watch.yaml"
    file.write_text(text)
    return file


def test_the_whole_file_is_understood(tmp_path):
    config = load_config(write(tmp_path, WHOLE))
    assert config.prometheus.url == "http://127.0.0.1:9090"
    assert config.alertmanager is not None
    errors, up = (series for _, series in config.queries())
    assert errors.bounds == (0, None)
    assert (up.tier, up.service_label) == ("light", None)


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("step_seconds: 60", "step_secs: 60", "unknown key 'step_secs'"),
        ("tier: full", "teer: full", "unknown key 'groups.0.series.0.teer'"),
        ("tier: full", "tier: heavy", "groups.0.series.0.tier"),
        ("url: http://127.0.0.1:9093", "url: 127.0.0.1:9093", "alertmanager.url"),
        ("bounds: [0, null]", "bounds: [1, 0]", "bounds must rise"),
        ("bounds: [0, null]", "bounds: [.nan, null]", "groups.0.series.0.bounds.0"),
        ("bounds: [0, null]", "bounds: [0, .inf]", "groups.0.series.0.bounds.1"),
        ("name: up", "name: errors", "two series are named 'errors'"),
        ("name: up", "name: 'a/b'", "groups.0.series.1.name"),
        ("step_seconds: 60", "step_seconds: 0", "step_seconds"),
        ("budget_per_week: 2", "budget_per_week: .nan", "groups.0.budget_per_week"),
        ("budget_per_week: 2", "budget_per_week: .inf", "groups.0.budget_per_week"),
        ("history_days: 21", "history_days: .nan", "history_days"),
        ("  - name: checkout", "  - nam: checkout", "name"),
        ("prometheus:", "prometheus: [", "not valid YAML"),
        ("timeout_seconds: 5", "timeout_seconds: 2020-99-99", "cannot be read"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path, was, becomes, says):
    assert was in WHOLE
    with pytest.raises(BadWatchConfig) as refused:
        load_config(write(tmp_path, WHOLE.replace(was, becomes, 1)))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "- a list", "groups: []", "prometheus: 1\ngroups: 2"])
def test_other_files_are_refused(tmp_path, text):
    with pytest.raises(BadWatchConfig):
        load_config(write(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadWatchConfig, match=r"watch\.yaml: the file cannot be read: No such file"):
        load_config(tmp_path / "watch.yaml")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "watch.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(BadWatchConfig):
        load_config(tmp_path / "watch.yaml")
