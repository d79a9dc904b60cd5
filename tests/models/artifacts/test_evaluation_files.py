"""An incident leaves the files on how models were judged, and nothing else changes in them."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.errors import RegistryUnavailable
from models.artifacts import evaluation_files
from models.artifacts.evaluation_files import (
    EvaluationFolder,
    evaluation_folder,
    forget_in_snapshots,
)
from models.artifacts.mlflow_client import connect
from models.artifacts.save_artifact import save_artifact
from models.artifacts.training_ids import hash_ids
from training.label_noise.suspects import Suspect, write_suspects
from training.pipeline.register import register

IDS = ["INC1", "INC2", "INC,3"]
HEADER = "id,given_label,suggested_label,confidence,found_by"


def judged_rows(ids=IDS):
    return pd.DataFrame(
        {
            "incident": hash_ids(ids),
            "fingerprint": [f"print of {id}" for id in ids],  # noqa: A001
            "label": "Network",
            "predicted": "Printing",
            "confidence": 0.5,
        }
    )


@pytest.fixture
def publish(toy_model, toy_card, tmp_path, home):
    """Registers a version with files on three incidents; returns where they are kept."""
    card = replace(toy_card, reliability=())
    save_artifact(toy_model, card, tmp_path / "model")

    def publish_version(tenant="default", judged=None):
        files = EvaluationFolder(tmp_path / "evaluation")
        files.root.mkdir(exist_ok=True)
        (judged_rows() if judged is None else judged).to_parquet(files.judged, index=False)
        suspects = [Suspect(id, "Network", "Mail", 0.9, "copies") for id in IDS]  # noqa: A001
        write_suspects(suspects, files.label_noise)
        version = register(
            tmp_path / "model", card, home=home, tenant=tenant, evaluation=files.root
        )
        return evaluation_folder(version, home)

    return publish_version


def names(files: EvaluationFolder) -> tuple[list[str], list[str]]:
    """Return the incidents in either file."""
    judged = pd.read_parquet(files.judged)
    return judged["fingerprint"].tolist(), pd.read_csv(files.label_noise)["id"].tolist()


def listing(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_rows_go_from_the_files_of_every_run(publish, home):
    versions = [publish(), publish()]
    assert forget_in_snapshots("INC,3", home, "default") == 4
    for files in versions:
        assert names(files) == (["print of INC1", "print of INC2"], ["INC1", "INC2"])
        assert listing(files.root) == ["judged.parquet", "label_noise.csv"]
    assert forget_in_snapshots("INC,3", home, "default") == 0


def test_what_stays_is_unchanged(publish, home):
    files = publish()
    before = pd.read_parquet(files.judged)
    forget_in_snapshots("INC1", home, "default")
    pd.testing.assert_frame_equal(
        pd.read_parquet(files.judged), before[1:].reset_index(drop=True), check_exact=True
    )
    lines = files.label_noise.read_text(encoding="utf-8").splitlines()
    assert lines == [
        HEADER,
        "INC2,Network,Mail,0.9,copies",
        '"INC,3",Network,Mail,0.9,copies',
    ]


def test_files_that_do_not_name_the_incident_are_not_touched(publish, home):
    files = publish()
    before = [path.stat() for path in sorted(files.root.iterdir())]
    assert forget_in_snapshots("INC9", home, "default") == 0
    assert [path.stat().st_ino for path in sorted(files.root.iterdir())] == [
        stat.st_ino for stat in before
    ]


def test_the_last_row_leaves_a_file_that_can_be_read(publish, home):
    files = publish()
    for id in IDS:  # noqa: A001
        forget_in_snapshots(id, home, "default")
    assert names(files) == ([], [])
    assert list(pd.read_parquet(files.judged).columns) == list(judged_rows().columns)


def test_rows_from_before_the_ids_go_by_content(publish, home):
    files = publish(judged=judged_rows().drop(columns="incident"))
    assert forget_in_snapshots("INC1", home, "default") == 1  # the csv
    assert len(names(files)[0]) == 3
    assert forget_in_snapshots("INC1", home, "default", content="print of INC1") == 1
    assert names(files) == (["print of INC2", "print of INC,3"], ["INC2", "INC,3"])


def test_rows_with_ids_of_the_same_content_stay(publish, home):
    files = publish()
    forget_in_snapshots("INC1", home, "default", content="print of INC2")
    assert names(files)[0] == ["print of INC2", "print of INC,3"]


def test_other_tenants_keep_their_rows(publish, home):
    ours, theirs = publish(), publish(tenant="other")
    assert forget_in_snapshots("INC1", home, "default") == 2
    assert len(names(ours)[0]) == 2
    assert len(names(theirs)[0]) == 3


def test_runs_deleted_in_mlflow_are_not_forgotten(publish, home):
    files = publish()
    client = connect(home.tracking_uri)
    experiment = client.get_experiment_by_name("default")
    for run in client.search_runs([experiment.experiment_id]):
        client.delete_run(run.info.run_id)
    assert forget_in_snapshots("INC1", home, "default") == 2
    assert len(names(files)[0]) == 2


def test_more_runs_than_mlflow_lists_at_once(publish, home, monkeypatch):
    monkeypatch.setattr(evaluation_files, "_RUNS_PER_PAGE", 1)
    versions = [publish(), publish(), publish()]
    assert forget_in_snapshots("INC1", home, "default") == 6
    assert all(len(names(files)[0]) == 2 for files in versions)


def test_runs_without_files_and_an_empty_registry(toy_model, toy_card, tmp_path, home):
    assert forget_in_snapshots("INC1", home, "default") == 0
    save_artifact(toy_model, toy_card, tmp_path / "model")
    register(tmp_path / "model", toy_card, home=home, tenant="default")
    assert forget_in_snapshots("INC1", home, "default") == 0


def test_before_the_first_training_there_is_nothing_to_forget(home):
    (home.root / "mlflow.db").unlink()
    assert forget_in_snapshots("INC1", home, "default") == 0
    assert not (home.root / "mlflow.db").exists()


def test_a_damaged_file_is_named_and_the_others_are_done(publish, home):
    damaged, whole = publish(), publish()
    damaged.judged.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(RegistryUnavailable, match=r"judged\.parquet.*repair or delete"):
        forget_in_snapshots("INC1", home, "default")
    assert "INC1" not in damaged.label_noise.read_text(encoding="utf-8")
    assert len(names(whole)[0]) == 2


def test_a_crash_while_writing_leaves_the_old_file_and_the_next_call_clears(
    publish, home, monkeypatch
):
    files = publish()

    def crash(self, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            forget_in_snapshots("INC1", home, "default")
    assert len(names(files)[0]) == 3
    forget_in_snapshots("INC1", home, "default")
    assert listing(files.root) == ["judged.parquet", "label_noise.csv"]
    assert len(names(files)[0]) == 2
