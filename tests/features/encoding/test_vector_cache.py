"""The vector cache: by content, shared by processes, and safe against half-written files."""

from pathlib import Path

import numpy as np
import pytest
from fakes import StubNetwork, stub_export

from features.domain.report import IncidentReport
from features.encoding import cached_encoder
from features.encoding import vector_cache as cache_module
from features.encoding.cached_encoder import CachedEncoder, encoding_once
from features.encoding.encoder import HashingEncoder, SentenceEncoder
from features.encoding.erasure import forget_cached
from features.encoding.vector_cache import EncodingCache, encode_ahead, forget_encodings

REFERENCE = "0123456789abcdef" * 4
TEXTS = ["abc", "a bad face", "fed"]


def ahead(pair, root: Path, texts: list[str]) -> tuple[int, list[int]]:
    encoder, _ = pair
    steps: list[int] = []
    return encode_ahead(encoder, texts, EncodingCache(root, encoder), steps.append), steps


def test_second_run_encodes_nothing_and_answers_the_same(make_encoder, tmp_path: Path) -> None:
    first, second = make_encoder(), make_encoder()
    assert ahead(first, tmp_path, TEXTS)[0] == 3
    assert ahead(second, tmp_path, TEXTS)[0] == 0
    wanted = first[0].encode(TEXTS)
    np.testing.assert_array_equal(second[0].encode(TEXTS), wanted)
    assert second[1].texts == []


def test_only_new_texts_are_encoded_the_longest_first(make_encoder, tmp_path: Path) -> None:
    ahead(make_encoder(), tmp_path, TEXTS)
    pair = make_encoder()
    count, steps = ahead(pair, tmp_path, [*TEXTS, "bee", "a dead bee", "bee"])
    assert count == 2
    assert pair[1].texts == ["a dead bee", "bee"]
    assert sum(steps) == 5


def test_remembered_texts_are_not_encoded_again_by_the_models(make_encoder, tmp_path: Path) -> None:
    pair = make_encoder()
    ahead(pair, tmp_path, TEXTS)
    pair[0].encode(TEXTS)
    assert len(pair[1].texts) == 3


def test_big_jobs_are_kept_segment_by_segment(
    make_encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "_SEGMENT_TEXTS", 2)
    pair = make_encoder()
    texts = [f"abc {'d' * n}" for n in range(5)]
    assert ahead(pair, tmp_path, texts) == (5, [0, 2, 2, 1])
    assert len(list(tmp_path.glob("*/*.npy"))) == 3
    assert ahead(make_encoder(), tmp_path, texts) == (0, [5])


def test_what_no_model_learns_from_is_cached_but_not_held(make_encoder, tmp_path: Path) -> None:
    encoder, network = make_encoder()
    cache = EncodingCache(tmp_path, encoder)
    assert encode_ahead(encoder, TEXTS, cache, lambda _: None, remember=False) == 3
    assert cache.holds([*TEXTS, "bee"]) == set(TEXTS)
    assert encode_ahead(encoder, [*TEXTS, "bee"], cache, lambda _: None, remember=False) == 1
    assert len(network.texts) == 4
    encoder.encode(["abc"])
    assert network.texts[-1] == "abc"


def test_interrupted_run_loses_one_segment_at_most(
    make_encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "_SEGMENT_TEXTS", 2)
    encoder, network = make_encoder()
    answer = network.encode

    def fail_at_third(texts):
        if len(network.batches) == 2:
            raise KeyboardInterrupt
        return answer(texts)

    network.encode = fail_at_third
    texts = [f"abc {'d' * n}" for n in range(6)]
    with pytest.raises(KeyboardInterrupt):
        ahead((encoder, network), tmp_path, texts)
    assert ahead(make_encoder(), tmp_path, texts)[0] == 2


def test_half_written_segment_is_ignored(make_encoder, tmp_path: Path) -> None:
    ahead(make_encoder(), tmp_path, TEXTS[:1])
    (whole,) = tmp_path.glob("*/*.npy")
    whole.with_name("killed.part").write_bytes(whole.read_bytes()[:100])
    pair = make_encoder()
    assert ahead(pair, tmp_path, TEXTS)[0] == 2
    assert not [file for file in tmp_path.glob("*/*.part") if file.name != "killed.part"]


def test_encoders_exports_and_cleanings_do_not_share(
    make_encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead(make_encoder(), tmp_path, TEXTS)
    assert ahead(make_encoder("f" * 64), tmp_path, TEXTS)[0] == 3
    other_export = SentenceEncoder(stub_export(REFERENCE, export_hash="f" * 64))
    other_export._network = StubNetwork()
    assert ahead((other_export, None), tmp_path, TEXTS)[0] == 3
    monkeypatch.setattr(cache_module, "CLEANING_VERSION", 99)
    assert ahead(make_encoder(), tmp_path, TEXTS)[0] == 3


def test_no_text_is_kept(make_encoder, tmp_path: Path) -> None:
    secret = "password of the boss"
    ahead(make_encoder(), tmp_path, [secret])
    (file,) = tmp_path.glob("*/*.npy")
    assert not any(word.encode() in file.read_bytes() for word in secret.split() if len(word) > 3)
    assert secret not in str(file)


def vectors_in(root: Path) -> int:
    return sum(len(np.load(file)) for file in root.glob("*/*.npy"))


def test_forgotten_texts_leave_the_caches_of_every_encoder(make_encoder, tmp_path: Path) -> None:
    first, other = make_encoder(), make_encoder("f" * 64)
    ahead(first, tmp_path, TEXTS)
    ahead(other, tmp_path, TEXTS)
    cached_vectors = EncodingCache(tmp_path, first[0]).find(TEXTS)
    assert forget_encodings(tmp_path, ["abc", "never met"]) == 2
    assert vectors_in(tmp_path) == 4
    left = EncodingCache(tmp_path, first[0]).find(TEXTS)
    assert left.keys() == {"a bad face", "fed"}
    assert all(np.array_equal(left[text], cached_vectors[text]) for text in left)
    assert forget_encodings(tmp_path, TEXTS) == 4
    assert not list(tmp_path.glob("*/*.npy"))


def test_a_cache_that_was_read_before_notices(make_encoder, tmp_path: Path) -> None:
    pair = make_encoder()
    ahead(pair, tmp_path, TEXTS)
    cache = EncodingCache(tmp_path, pair[0])
    assert len(cache.find(TEXTS)) == 3
    forget_encodings(tmp_path, ["abc"])
    assert cache.find(TEXTS).keys() == {"a bad face", "fed"}


def test_what_waits_to_be_written_can_be_forgotten(make_encoder, tmp_path: Path) -> None:
    encoder, network = make_encoder()
    cached_encoder = CachedEncoder(encoder, EncodingCache(tmp_path, encoder))
    cached_encoder.encode(["abc"])
    cached_encoder.discard_pending()
    cached_encoder.flush()
    assert vectors_in(tmp_path) == 0
    cached_encoder.encode(["abc"])
    assert network.texts == ["abc", "abc"]


def test_a_report_leaves_with_its_title_and_its_text(make_encoder, tmp_path: Path) -> None:
    report = IncidentReport(id="1", title="abc", description="a bad face")
    ahead(make_encoder(), tmp_path, ["abc", "abc. a bad face", "fed"])
    forget_cached(report, tmp_path)
    assert vectors_in(tmp_path) == 1
    forget_cached(IncidentReport(id="2"), tmp_path)
    assert vectors_in(tmp_path) == 1


def test_empty_cache_and_no_text(make_encoder, tmp_path: Path) -> None:
    encoder, _ = make_encoder()
    assert EncodingCache(tmp_path, encoder).find(TEXTS) == {}
    assert ahead((encoder, None), tmp_path, []) == (0, [0])


def test_cheap_encoder_is_not_cached(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    assert encode_ahead(encoder, TEXTS, EncodingCache(tmp_path, encoder), lambda count: None) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_every_process_reads_is_encoded_by_the_first(
    make_encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path / "home"))
    vectors = []
    for encoded in (TEXTS, []):
        encoder, network = make_encoder()
        monkeypatch.setattr(cached_encoder, "open_encoder", {REFERENCE: encoder}.get)
        with encoding_once(REFERENCE) as once:
            vectors.append(once.encode(TEXTS))
        assert sorted(network.texts) == sorted(encoded)
    np.testing.assert_array_equal(*vectors)


def test_a_home_that_cannot_be_written_only_costs_time(
    make_encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("PRECEDENT_HOME", str(tmp_path))
    monkeypatch.setattr(cached_encoder, "open_encoder", {REFERENCE: make_encoder()[0]}.get)
    with encoding_once(REFERENCE) as once:
        assert once.encode(TEXTS).any()
