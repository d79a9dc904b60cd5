"""Exports of small random models: faithful, whatever their pooling, prompts and tokenizer."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_encoders import save_small_encoder, unigram_tokenizer

from features.encoding import encoder_weights, onnx_export
from features.encoding.encoder import SentenceEncoder
from features.encoding.encoder_export import EncoderExport, hash_file, read_export
from features.encoding.encoder_weights import (
    MINILM,
    find_export,
    find_weights,
    install_encoder,
    open_encoder,
)
from features.encoding.onnx_export import (
    GOLDEN_TEXTS,
    MINILM_GOLDEN_VECTORS,
    export_encoder,
    golden_vectors,
)
from features.encoding.torch_model import load_torch_model
from features.errors import EncoderUnavailable
from features.home import Home

TEXTS = [*GOLDEN_TEXTS, "", "Disk 97% full on db-17"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that pools by mean and has no prompt."""
    return save_small_encoder(tmp_path_factory.mktemp("weights") / "mean")


@pytest.fixture(scope="module")
def export(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> EncoderExport:
    return export_encoder(weights, tmp_path_factory.mktemp("exports"), "float32")


def expected_vectors(weights: Path, texts: list[str], **options: object) -> np.ndarray:
    return load_torch_model(weights).encode(texts, normalize_embeddings=True, **options)


def test_an_export_answers_as_sentence_transformers_does(
    weights: Path, export: EncoderExport
) -> None:
    vectors = SentenceEncoder(export).compute(TEXTS)
    np.testing.assert_allclose(vectors, expected_vectors(weights, TEXTS), atol=1e-5)
    assert export.description.cosine > 0.99999
    assert export.description.pooling == ("mean",)
    assert (export.description.dimension, export.description.token_limit) == (32, 48)


@pytest.mark.parametrize("pooling", ["cls", "max", "lasttoken", "weightedmean", ("cls", "mean")])
def test_pooling_dimension_and_prompt_are_read(tmp_path: Path, pooling: str) -> None:
    prompts = {"query": "query: ", "passage": "passage: "}
    weights = save_small_encoder(tmp_path / "weights", pooling=pooling, prompts=prompts)
    export = export_encoder(weights, tmp_path / "exports", "float32")
    wanted = expected_vectors(weights, TEXTS, prompt_name="query")
    vectors = SentenceEncoder(export).compute(TEXTS)
    np.testing.assert_allclose(vectors, wanted, atol=1e-5)
    assert vectors.shape[1] == export.description.dimension == wanted.shape[1]
    assert export.description.prompt == "query: "
    assert export.description.prompts["passage"] == "passage: "


def test_a_dense_layer_and_a_prompt_outside_the_pooling_are_exported(tmp_path: Path) -> None:
    weights = save_small_encoder(
        tmp_path / "weights", dense=16, prompts={"query": "find: "}, pools_prompt=False
    )
    export = export_encoder(weights, tmp_path / "exports", "float32")
    wanted = expected_vectors(weights, TEXTS, prompt_name="query")
    np.testing.assert_allclose(SentenceEncoder(export).compute(TEXTS), wanted, atol=1e-5)
    assert wanted.shape[1] == export.description.dimension == 16


def test_a_multilingual_tokenizer_with_other_special_tokens_is_exported(tmp_path: Path) -> None:
    weights = save_small_encoder(
        tmp_path / "weights",
        tokenizer=unigram_tokenizer(),
        special=("<pad>", "<unk>", "<s>", "</s>", "<mask>"),
        prompts={"query": "query: "},
    )
    export = export_encoder(weights, tmp_path / "exports", "float32")
    texts = [*TEXTS, "Der Drucker druckt nicht", "数据库连接失败"]
    wanted = expected_vectors(weights, texts, prompt_name="query")
    np.testing.assert_allclose(SentenceEncoder(export).compute(texts), wanted, atol=1e-5)


def test_the_shipped_encoder_is_exported_without_torch(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from features.encoding.encoder_weights import MINILM, find_weights
from features.encoding.onnx_export import export_encoder
export = export_encoder(find_weights(MINILM), Path({str(tmp_path)!r}), "float32")
assert export.description.cosine > 0.99999, export.description
assert not {{"torch", "transformers", "sentence_transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_the_shipped_encoder_answers_and_reads_as_sentence_transformers_does(
    tmp_path: Path,
) -> None:
    weights = find_weights(MINILM)
    export = export_encoder(weights, tmp_path, "float32")
    model = load_torch_model(weights)
    np.testing.assert_allclose(np.load(MINILM_GOLDEN_VECTORS), golden_vectors(model), atol=1e-5)
    onnx_export._write_tokenizer(model, tmp_path / "tokenizer.json")
    assert (tmp_path / "tokenizer.json").read_bytes() == (
        export.folder / "tokenizer.json"
    ).read_bytes()
    wanted = expected_vectors(weights, TEXTS)
    np.testing.assert_allclose(SentenceEncoder(export).compute(TEXTS), wanted, atol=1e-5)


def test_vectors_do_not_depend_on_the_texts_beside(export: EncoderExport) -> None:
    encoder = SentenceEncoder(export)
    single = np.vstack([encoder.compute([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.compute(TEXTS), single, atol=1e-6)


def test_a_changed_network_or_tokenizer_is_refused(export: EncoderExport, tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        folder = shutil.copytree(export.folder, tmp_path / name)
        file = folder / name
        file.write_bytes(file.read_bytes()[:-1] + b" ")
        encoder = SentenceEncoder(replace(export, folder=folder))
        with pytest.raises(EncoderUnavailable, match="has changed since its export"):
            encoder.encode(["disk full"])


def test_a_description_that_cannot_be_read_is_refused(export: EncoderExport, tmp_path) -> None:
    folder = shutil.copytree(export.folder, tmp_path / "copy")
    (folder / "encoder.json").write_text("{}")
    with pytest.raises(EncoderUnavailable, match=r"encoder\.json cannot be read"):
        read_export(folder)


def test_an_unfaithful_export_is_refused_and_leaves_nothing(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "_LOWEST_COSINE", 1.5)
    with pytest.raises(EncoderUnavailable, match="differs from its model"):
        export_encoder(weights, tmp_path / "exports", "float32")
    assert not list((tmp_path / "exports").iterdir())


def test_two_threads_export_once(weights: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(lambda _: export_encoder(weights, tmp_path, "float32"), range(2)))
    assert made[0] == made[1]
    assert [made[0].folder] == list(tmp_path.iterdir())


def test_the_export_of_a_faster_process_is_used(
    weights: Path, export: EncoderExport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = onnx_export._check

    def check_while_another_finishes(draft, folder: Path, precision: str) -> None:
        check(draft, folder, precision)
        shutil.copytree(export.folder, tmp_path / draft.description.reference)

    monkeypatch.setattr(onnx_export, "_check", check_while_another_finishes)
    made = export_encoder(weights, tmp_path, "float32")
    assert [made.folder] == list(tmp_path.iterdir())
    SentenceEncoder(made).encode(["disk full"])


@pytest.fixture
def home(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home, for which the encoder's weights are configured."""
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PRECEDENT_ENCODER_PATH", str(weights))
    return Home(tmp_path / "home")


def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.encoding.torch_model.find_spec", lambda name: None)


def test_after_one_export_the_weights_and_torch_are_not_needed(
    home: Home, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = hash_file(weights / "model.safetensors")
    export = find_export(reference)
    assert export.folder == home.exported_encoders / reference
    without_torch(monkeypatch)
    monkeypatch.setenv("PRECEDENT_ENCODER_PATH", "/nowhere")
    assert find_export(reference) == export


def test_encoding_from_an_export_imports_no_torch(home: Home, weights: Path) -> None:
    reference = hash_file(weights / "model.safetensors")
    find_export(reference)
    program = f"""
import sys
from features.encoding.encoder_weights import open_encoder
from features.encoding.word_pieces import open_word_pieces
assert open_encoder({reference!r}).encode(["disk full"]).any()
assert open_word_pieces({reference!r}).words
assert not {{"torch", "transformers", "sentence_transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_without_torch_and_export_the_message_says_what_to_do(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_torch(monkeypatch)
    with pytest.raises(
        EncoderUnavailable, match=r"precedent train, on this home.*precedent\[training\]"
    ):
        open_encoder("0" * 64)


def test_another_precision_than_the_homes_is_refused(
    home: Home, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = hash_file(weights / "model.safetensors")
    monkeypatch.setenv("PRECEDENT_ENCODER_PRECISION", "int8")
    export = find_export(reference)
    assert export.description.precision == "int8"
    assert 0.9 < export.description.cosine < 0.99999
    monkeypatch.delenv("PRECEDENT_ENCODER_PRECISION")
    with pytest.raises(EncoderUnavailable, match="was exported as int8"):
        find_export(reference)


def test_an_adapted_encoder_is_installed_with_its_export(
    home: Home, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapted = shutil.copytree(weights, tmp_path / "adapted")
    reference = install_encoder(adapted, home)
    assert not adapted.exists()
    assert (home.adapted_encoders / reference / "model.safetensors").is_file()
    without_torch(monkeypatch)
    monkeypatch.setattr(encoder_weights, "_OPENED", {})
    assert open_encoder(reference).encode(["disk full"]).shape == (1, 32)
