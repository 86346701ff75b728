"""No conversation and no near-duplicate is on both sides of the split."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from finetune import dataset
from finetune.dataset import position, split
from finetune.duplicates import candidates, groups, jaccard, shingles, twins
from finetune.errors import DatasetError
from finetune.examples import Example
from finetune.pairs import Pair

WORDS = [
    "kettle",
    "cup",
    "return",
    "parcel",
    "refund",
    "lid",
    "base",
    "tea",
    "order",
    "glass",
    "wood",
    "silk",
    "stone",
    "river",
    "cloud",
]


def pair(id: str, text: str) -> Pair:
    return Pair(id, "en", (), f"Question about {text}?", f"The answer on {text} is like this.")


def many(count: int) -> list[Pair]:
    chance = random.Random(3)
    return [pair(f"c{i}", " ".join(chance.sample(WORDS, 9))) for i in range(count)]


def test_sides_depend_on_the_id_alone() -> None:
    found = split(many(200))
    held = {p.conversation for p in found.held_out}
    assert 15 <= len(held) <= 45 and not held & {p.conversation for p in found.train}
    again = split(many(100))
    assert {p.conversation for p in again.held_out} <= held | {"leaked"}


def test_planted_twins_move_to_train_with_their_conversation() -> None:
    pairs = many(60)
    held = next(p for p in pairs if position(p.conversation) < dataset.HELD_OUT)
    taught = next(p for p in pairs if position(p.conversation) >= dataset.HELD_OUT)
    planted = Pair(held.conversation, "en", (), taught.question, taught.reply + " Yes.")
    assert held in split(pairs).held_out
    found = split([*pairs, planted])
    assert found.leaks == 1
    assert held in found.train and planted in found.train
    for a, b in itertools.product(found.train, found.held_out):
        assert jaccard(shingles(a.text), shingles(b.text)) < 0.8
        assert jaccard(shingles(a.reply), shingles(b.reply)) < 0.8


def test_a_leak_through_a_moved_conversation_is_found() -> None:
    names = (f"n{i}" for i in itertools.count())
    held = list(itertools.islice((n for n in names if position(n) < 0.15), 3))
    chain = [
        pair("taught", "alpha beta gamma delta"),
        pair(held[0], "alpha beta gamma delta"),
        pair(held[0], "one two three four five"),
        pair(held[1], "one two three four five"),
        pair(held[2], "something of its own entirely"),
    ]
    others = [p for p in many(40) if position(p.conversation) >= 0.15]
    found = split([*chain, *others])
    assert {p.conversation for p in found.held_out} == {held[2]} and found.leaks == 2


def test_too_little_data_is_refused() -> None:
    with pytest.raises(DatasetError, match="Only 2 conversations"):
        split([pair("a", "x"), pair("b", "y"), pair("a", "z")])
    with pytest.raises(DatasetError, match="near-duplicate"):
        split([pair(f"c{i}", "the very same text") for i in range(20)])


def test_twins_are_those_of_comparing_all_pairs() -> None:
    chance = random.Random(5)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(1, 12))) for _ in range(150)]
    texts += [text + "s" for text in texts[:30]] + ["退货运费", "退货运费吗", ""]
    sets = [shingles(text) for text in texts]
    slow = [
        (i, j)
        for i, j in itertools.combinations(range(len(texts)), 2)
        if jaccard(sets[i], sets[j]) >= 0.8
    ]
    assert twins(texts) == slow and len(slow) >= 20


def test_the_card_counts_and_the_hash_follow_the_data(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text("x", encoding="utf-8")
    examples = [Example(pair(f"c{i}", "t"), (1, 2, 3, i), 2, i % 2) for i in range(4)]
    built = dataset.build(examples[:3], examples[3:], (), [source])
    other = dataset.build(examples[:2], examples[2:], (), [source])
    assert built.sha256 != other.sha256 and built.card["sha256"] == built.sha256
    assert built.card["train"]["replies"] == 3 and built.card["train"]["supervised_tokens"] == 6
    assert built.card["train"]["with_passages"] == 1 and set(built.card["sources"]) == {"a.jsonl"}
    dataset.write(built, tmp_path / "data")
    lines = (tmp_path / "data" / "train.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["conversation"] for line in lines] == ["c0", "c1", "c2"]
    assert json.loads((tmp_path / "data" / "card.json").read_text("utf-8")) == built.card
    with pytest.raises(DatasetError, match="to measure with"):
        dataset.build(examples, [], (), [source])


def test_minhash_finds_what_comparing_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above MANY texts candidates come from MinHash: every pair at .8 is among them."""
    chance = random.Random(7)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(3, 14))) for _ in range(200)]
    texts += [f"{text} ok" for text in texts[:60]] + ["同一个问题怎么退货", "同一个问题怎么退货呢"]
    exact = twins(texts)
    monkeypatch.setattr("finetune.duplicates.MANY", 0)
    assert twins(texts) == exact and len(exact) >= 30
    assert len(candidates(texts)) < len(texts) * (len(texts) - 1) / 2 / 4


def test_a_thousand_equal_texts_are_not_a_million_pairs() -> None:
    assert len(candidates(["the same text every time"] * 1_000)) == 999


def test_groups_are_what_is_connected() -> None:
    assert groups(6, [(0, 2), (2, 4), (3, 5)]) == [[0, 2, 4], [1], [3, 5]]


def test_a_customer_is_on_one_side_unless_everybody_has_that_name() -> None:
    owned = [replace(p, customer=f"person{i // 3}") for i, p in enumerate(many(120))]
    found = split(owned, by="customer")
    assert found.held_out
    assert not {p.customer for p in found.train} & {p.customer for p in found.held_out}
    crowd = split([replace(p, customer="visitor") for p in many(120)], by="customer")
    assert {p.conversation for p in crowd.held_out} == {
        p.conversation for p in split(many(120)).held_out
    }


def test_by_time_the_latest_are_measured() -> None:
    timed = [replace(p, time=f"2026-01-{i + 1:02d}T10:00:00") for i, p in enumerate(many(20))]
    late = {p.conversation for p in split(timed, by="time").held_out}
    assert late == {"c17", "c18", "c19"}
    with pytest.raises(DatasetError, match="have a time"):
        split(many(20), by="time")


def test_fifty_planted_twins_across_the_split_are_found() -> None:
    chance = random.Random(11)
    pairs = [replace(p, reply=" ".join(chance.sample(WORDS, 12))) for p in many(400)]
    held = [p for p in pairs if position(p.conversation) < dataset.HELD_OUT][:50]
    assert len(held) == 50
    planted = [replace(p, conversation=f"t{i}", reply=p.reply + "!") for i, p in enumerate(held)]
    taught = [p for p in planted if position(p.conversation) >= dataset.HELD_OUT]
    found = split([*pairs, *taught])
    left = {p.conversation for p in found.held_out}
    assert len(taught) >= 35
    assert not {p.conversation for p in held[: len(planted)] if p in found.held_out} & {
        held[int(p.conversation[1:])].conversation for p in taught
    }
    assert found.leaks >= len(taught) and left
