"""Near-copy groups against a comparison of all pairs."""

import time
from itertools import combinations

import numpy as np
import pytest

from features.text.near_duplicates import near_copy_groups


def drawn_texts(count: int, words: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{n}" for n in rng.integers(0, 5000, words)) for _ in range(count)]


def jaccard(one: str, other: str) -> float:
    first, second = set(one.split()), set(other.split())
    return len(first & second) / len(first | second)


def changed(text: str, words: int) -> str:
    return " ".join([*text.split()[words:], *(f"new{n}" for n in range(words))])


def test_clear_copies_are_found_and_clear_strangers_are_not() -> None:
    texts = drawn_texts(60, 40)
    texts += [changed(text, 2) for text in texts[:30]] + [changed(text, 15) for text in texts[30:]]
    groups = near_copy_groups(texts)
    alike = {pair for pair in combinations(range(120), 2) if groups[pair[0]] == groups[pair[1]]}
    wanted = {
        pair
        for pair in combinations(range(120), 2)
        if jaccard(texts[pair[0]], texts[pair[1]]) > 0.8
    }
    assert alike == wanted
    assert len(wanted) == 30


def test_order_case_and_space_do_not_matter() -> None:
    groups = near_copy_groups(["Disk full on node a", "on NODE a   disk full", "printer jam"])
    assert groups[0] == groups[1] != groups[2]


def test_empty_texts_are_alone() -> None:
    groups = near_copy_groups(["", "vpn down", "", "vpn down"])
    assert len(set(groups.tolist())) == 3
    assert groups[1] == groups[3]


@pytest.mark.parametrize("texts", [[], [""], ["one text"]])
def test_few_texts(texts: list[str]) -> None:
    assert near_copy_groups(texts).tolist() == list(range(len(texts)))


def test_copies_of_copies_join_one_group() -> None:
    first = drawn_texts(1, 60)[0]
    chain = [first]
    for _ in range(4):
        chain.append(changed(chain[-1], 3))
    groups = near_copy_groups(chain)
    assert len(set(groups.tolist())) == 1
    assert jaccard(chain[0], chain[-1]) < 0.8


def test_copies_far_apart_among_like_texts_are_found() -> None:
    template = drawn_texts(1, 30)[0]
    others = [f"{template} {own}" for own in drawn_texts(1500, 9, seed=1)]
    copy = f"{template} {drawn_texts(1, 9, seed=2)[0]}"
    groups = near_copy_groups([copy, *others, copy])
    assert groups[0] == groups[-1]


def test_lower_threshold_joins_more() -> None:
    text = drawn_texts(1, 60)[0]
    pair = [text, changed(text, 12)]
    assert jaccard(*pair) == pytest.approx(0.67, abs=0.02)
    assert len(set(near_copy_groups(pair).tolist())) == 2
    assert len(set(near_copy_groups(pair, threshold=0.5).tolist())) == 1


def test_same_texts_same_groups() -> None:
    texts = drawn_texts(50, 10) * 2
    assert near_copy_groups(texts).tolist() == near_copy_groups(texts).tolist()


def test_time_does_not_grow_with_the_pairs() -> None:
    texts = drawn_texts(3000, 20)
    started = time.perf_counter()
    near_copy_groups([*texts, *["one alert that fired very often"] * 3000])
    assert time.perf_counter() - started < 5
