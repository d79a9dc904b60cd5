import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import skops.io

from features.domain.report import IncidentReport
from features.errors import ArtifactRejected
from models.artifacts.fitted_model import load_fitted_model
from models.artifacts.golden_examples import GOLDEN_REPORTS, record_golden, replay_golden
from models.artifacts.load_artifact import load_artifact
from models.artifacts.manifest import ArtifactFolder, hash_manifest, write_manifest
from models.artifacts.save_artifact import save_artifact
from models.artifacts.trusted_types import TRUSTED_TYPES
from models.base.model_card import Card

REPORTS = [IncidentReport(id=str(n), title=title) for n, title in enumerate(["vpn", "printer"])]


@pytest.fixture
def saved(toy_model, full_card, tmp_path):
    folder = tmp_path / "model"
    return folder, save_artifact(toy_model, full_card, folder)


def test_a_loaded_model_is_the_saved_one(saved, toy_model, full_card, trusted_toy):
    folder, sha256 = saved
    loaded = load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)
    assert loaded.card == full_card
    assert loaded.model.predict(REPORTS) == toy_model.predict(REPORTS)
    assert loaded.model.get_params() == toy_model.get_params()
    assert loaded.model.certificates_ == toy_model.certificates_


def test_what_was_loaded_does_not_change_with_its_files(saved, toy_model, trusted_toy):
    folder, sha256 = saved
    loaded = load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy).model
    for path in ArtifactFolder(folder).scorer.glob("*.npy"):
        with path.open("r+b") as file:
            file.truncate(200)
    assert np.array_equal(loaded.reference_, toy_model.reference_)
    assert loaded.predict(REPORTS) == toy_model.predict(REPORTS)


def test_models_with_equal_arrays_share_them(saved, toy_model, toy_card, trusted_toy, tmp_path):
    folder, sha256 = saved
    first = load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy).model
    again = save_artifact(toy_model, toy_card, tmp_path / "again")
    second = load_artifact(tmp_path / "again", expected_sha256=again, trusted=trusted_toy).model
    assert second.reference_ is first.reference_


def test_saving_leaves_the_model_as_it_was(toy_model, toy_card, tmp_path):
    before = vars(toy_model).copy()
    save_artifact(toy_model, toy_card, tmp_path / "model")
    assert vars(toy_model).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(toy_model).items())


def test_a_loaded_model_can_be_saved_again(saved, toy_card, trusted_toy, tmp_path):
    folder, sha256 = saved
    first = load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)
    again = save_artifact(first.model, toy_card, tmp_path / "again")
    second = load_artifact(tmp_path / "again", expected_sha256=again, trusted=trusted_toy)
    assert second.model.predict(REPORTS) == first.model.predict(REPORTS)


def test_saving_over_something_is_refused(saved, toy_model, toy_card):
    with pytest.raises(FileExistsError):
        save_artifact(toy_model, toy_card, saved[0])


@pytest.mark.parametrize(
    "name",
    [
        "model.skops",
        "card.json",
        "golden.jsonl",
        "learned_from.npy",
        "manifest.json",
        "arrays/0000.npy",
    ],
)
@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_one_altered_byte_or_missing_file_is_refused(saved, trusted_toy, name, damage):
    folder, sha256 = saved
    file = folder / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content) if damage == "flip" else file.unlink()
    with pytest.raises(ArtifactRejected):
        load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)


def test_an_added_file_is_refused(saved, trusted_toy):
    folder, sha256 = saved
    (folder / "arrays" / "0001.npy").write_bytes(b"")
    with pytest.raises(ArtifactRejected, match=r"arrays/0001\.npy"):
        load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)


def test_a_folder_with_its_own_hashes_is_refused(saved, toy_examples, toy_card, trusted_toy):
    folder, sha256 = saved
    other = type(load_artifact(folder, expected_sha256=None, trusted=trusted_toy).model)
    shutil.rmtree(folder)
    save_artifact(other(sharpness=9.0).fit(toy_examples), toy_card, folder)
    load_artifact(folder, expected_sha256=None, trusted=trusted_toy)
    with pytest.raises(ArtifactRejected, match="another hash"):
        load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)


def test_nothing_is_loaded_before_the_hashes_agree(saved, trusted_toy, monkeypatch):
    folder, _ = saved
    monkeypatch.setattr(skops.io, "load", lambda *a, **k: pytest.fail("loaded"))
    with pytest.raises(ArtifactRejected, match="another hash"):
        load_artifact(folder, expected_sha256="0" * 64, trusted=trusted_toy)


def test_a_type_outside_the_allow_list_is_refused(saved):
    folder, sha256 = saved
    with pytest.raises(ArtifactRejected, match="ToyModel"):
        load_artifact(folder, expected_sha256=sha256)


def test_a_file_that_is_no_model_is_refused(saved, trusted_toy):
    folder, _ = saved
    files = ArtifactFolder(folder)
    for content in (b"no archive", b"[]", b'{"array": "missing.npy"}'):
        (files.scorer / "plan.json").write_bytes(content)
        with pytest.raises(ArtifactRejected):
            load_artifact(folder, expected_sha256=write_manifest(files), trusted=trusted_toy)


def test_a_fitted_model_that_is_none_is_refused(saved):
    files = ArtifactFolder(saved[0])
    for content in (b"no archive", skops.io.dumps(["no", "model"])):
        files.model.write_bytes(content)
        with pytest.raises(ArtifactRejected):
            load_fitted_model(files, expected_sha256=write_manifest(files))


def test_the_fitted_model_answers_as_what_serves(saved, toy_model, trusted_toy):
    folder, sha256 = saved
    trusted = (*TRUSTED_TYPES, *trusted_toy)
    fitted = load_fitted_model(ArtifactFolder(folder), expected_sha256=sha256, trusted=trusted)
    assert fitted.predict(REPORTS) == toy_model.predict(REPORTS)


@pytest.mark.parametrize("change", [{"label": "Other"}, {"confidence": 0.123}])
def test_a_model_that_answers_otherwise_is_refused(saved, trusted_toy, change):
    folder, _ = saved
    golden = ArtifactFolder(folder).golden
    lines = [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]
    lines[3] |= change
    golden.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    sha256 = write_manifest(ArtifactFolder(folder))
    with pytest.raises(ArtifactRejected, match="golden-alert"):
        load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)


@pytest.mark.parametrize("text", ["", "{}\n", "not json\n"])
def test_golden_examples_that_say_nothing_are_refused(toy_model, text):
    with pytest.raises(ArtifactRejected, match=r"golden\.jsonl"):
        replay_golden(toy_model, text)


def test_golden_reports_cover_the_odd_cases_and_survive_json(toy_model):
    text = record_golden(toy_model)
    replay_golden(toy_model, text)
    assert len({report.id for report in GOLDEN_REPORTS}) == len(GOLDEN_REPORTS) >= 8
    assert any(not report.title and not report.description for report in GOLDEN_REPORTS)
    assert max(len(report.description) for report in GOLDEN_REPORTS) > 10_000


def test_small_drift_of_confidence_is_tolerated(toy_model):
    def shift(line: str) -> str:
        example = json.loads(line)
        return json.dumps(example | {"confidence": example["confidence"] + 5e-4})

    replay_golden(toy_model, "\n".join(map(shift, record_golden(toy_model).splitlines())))


def test_the_allow_list_names_types_that_exist():
    for path in TRUSTED_TYPES:
        module, _, name = path.rpartition(".")
        assert hasattr(__import__(module, fromlist=[name]), name), path


def test_a_card_survives_json_and_ignores_what_newer_versions_add(full_card):
    content = json.loads(full_card.to_json())
    content["invented_later"] = 1
    content["metrics"][0]["invented_later"] = 1
    assert Card.from_json(json.dumps(content)) == full_card


def test_a_card_keeps_intervals_that_could_not_be_computed(toy_card):
    metric = dataclasses.replace(toy_card.metrics[0], low=float("nan"))
    card = dataclasses.replace(toy_card, metrics=(metric,))
    assert np.isnan(Card.from_json(card.to_json()).metrics[0].low)


def test_thirty_megabytes_save_and_load_quickly(toy_model, toy_card, trusted_toy, tmp_path):
    toy_model.reference_ = np.ones((20_000, 384), dtype=np.float32)
    toy_model.vocabulary_ = {f"word{n}": np.int64(n) for n in range(60_000)}
    started = time.process_time()
    sha256 = save_artifact(toy_model, toy_card, tmp_path / "model")
    loaded = load_artifact(tmp_path / "model", expected_sha256=sha256, trusted=trusted_toy)
    assert time.process_time() - started < 2
    assert loaded.model.vocabulary_ == toy_model.vocabulary_


def test_an_artifact_of_an_earlier_format_says_to_train_again(saved, trusted_toy):
    folder = ArtifactFolder(saved[0])
    files = json.loads(folder.manifest.read_text())["files"]
    folder.manifest.write_text(json.dumps({"files": files}))
    with pytest.raises(ArtifactRejected) as refused:
        load_artifact(folder.root, expected_sha256=hash_manifest(folder), trusted=trusted_toy)
    assert str(refused.value) == (
        f"{folder.root}: saved by an earlier version of Precedent; train again"
    )


def link_to_same_content(folder):
    file = folder / "card.json"
    file.rename(folder.parent / "card.json")
    file.symlink_to(folder.parent / "card.json")


def link_of_the_manifest(folder):
    file = folder / "manifest.json"
    file.rename(folder.parent / "manifest.json")
    file.symlink_to(folder.parent / "manifest.json")


def link_to_a_folder(folder):
    (folder / "more").symlink_to(folder.parent, target_is_directory=True)


def broken_link(folder):
    (folder / "more").symlink_to("nowhere")


def pipe(folder):
    os.mkfifo(folder / "more")


@pytest.mark.parametrize(
    "place", [link_to_same_content, link_of_the_manifest, link_to_a_folder, broken_link, pipe]
)
def test_links_and_special_files_are_refused(saved, trusted_toy, place):
    folder, sha256 = saved
    place(folder)
    with pytest.raises(ArtifactRejected, match="a link or a special file"):
        load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)


def test_hard_links_of_a_backup_are_accepted(saved, trusted_toy, tmp_path):
    folder, sha256 = saved
    shutil.copytree(folder, tmp_path / "backup", copy_function=os.link)
    load_artifact(folder, expected_sha256=sha256, trusted=trusted_toy)


def test_a_fitted_model_is_stored_without_torch() -> None:
    program = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from models.artifacts.fitted_model import dump_fitted_model
from models.artifacts.manifest import ArtifactFolder
from models.runbooks.runbook_model import RunbookModel
with TemporaryDirectory() as folder:
    dump_fitted_model(RunbookModel(encoder="hashing").fit([]), ArtifactFolder(Path(folder)))
assert "torch" not in sys.modules
import sklearn.externals.array_api_compat.torch
assert "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
