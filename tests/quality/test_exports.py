"""Every visible export, cut short, through the command that a user would type."""

import json
import shutil
from pathlib import Path

import pytest
from commands import train_command
from data_sets import DATA_SETS
from exports import read_rows, write_rows

from features.encoding.encoder_weights import MINILM, find_export
from features.home import HomeSettings, open_home

ROWS = 400
# An incident of the audit trail has about six events.
EVENTS = 2400


@pytest.fixture
def short_export(request, tmp_path):
    """A part of an export in its own format: a block where order tells of time, else spread out."""
    data_set = DATA_SETS[request.param]
    header, rows = read_rows(data_set.path)
    if data_set.is_ordered:
        rows = rows[: EVENTS if "events" in data_set.file else ROWS]
    else:
        rows = rows[:: -(-len(rows) // ROWS)]
    return data_set, write_rows(header, rows, tmp_path / data_set.path.name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with this run's export of the encoder, which takes longer to make than a model."""
    opened = open_home(HomeSettings(home=tmp_path / "home"))
    shutil.copytree(find_export(MINILM).folder, opened.exported_encoders / MINILM)
    return opened.root


@pytest.mark.quality
@pytest.mark.timeout(300)
@pytest.mark.parametrize("short_export", DATA_SETS, indirect=True)
def test_an_export_trains_and_every_verdict_is_explained(short_export, home):
    data_set, export = short_export
    done = train_command(export, data_set.mapping, home)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["trained"]
    for trained in report["trained"]:
        assert trained["verdict"]["promoted"] or trained["verdict"]["reasons"]
    assert all(report["skipped"].values())
    assert set(data_set.targets) <= {trained["target"] for trained in report["trained"]}
