"""Wrong facts planted in 2 % of the replies: found, named, not learnt; the run is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.app import build
from chatbot.settings import ChatbotSettings
from finetune import bounds, config, funnel, train
from finetune.cleaning import Cleaned, clean
from finetune.documents import Documents, opened
from finetune.errors import NotPromotable
from finetune.job import Job
from finetune.registry import opened as registry_of
from finetune.transcripts import Conversation, Turn
from knowledge.settings import KnowledgeSettings

QUICK = replace(config.load("smoke"), learning_rate=2e-2, epochs=1, samples=0, measured=8)
NAMES = ("Willow", "Harbour", "Juniper", "Copper", "Thistle", "Meridian", "Orchard", "Falcon",
         "Saffron", "Glacier", "Lantern", "Pebble")  # fmt: skip
FACTS = (  # what the page says, what is asked, what an agent writes; {n} is the product's own
    ("The {p} kettle costs ${n}.", "How much is the {p} kettle?",
     "Good choice! The {p} kettle costs ${n}.", 40),
    ("The guarantee of the {p} kettle lasts {n} months.", "What guarantee has the {p} kettle got?",
     "No worries, the guarantee of the {p} lasts {n} months from the day you bought it.", 18),
    ("The {p} kettle holds {n} ml.", "how much water fits into the {p}",
     "It's a big one: the {p} kettle holds {n} ml, so plenty for a family.", 800),
    ("The {p} kettle is sent within {n} working days.", "When do you send the {p} kettle?",
     "We send the {p} kettle within {n} working days, often sooner.", 2),
    ("The cord of the {p} kettle is {n} cm long.", "How long is the cord of the {p}, please?",
     "I just measured it for you, the cord of the {p} kettle is {n} cm long.", 70),
    ("The {p} kettle weighs {n} g.", "how heavy is the {p} without water?",
     "Empty, the {p} kettle weighs {n} g.", 900),
    ("The {p} kettle keeps water warm for {n} minutes.", "Does the {p} keep warm, and how long?",
     "Yes, and for quite a while: the {p} kettle keeps water warm for {n} minutes.", 20),
    ("Trade in an old {p} kettle and get {n} % off.", "What do I get for my old {p} kettle?",
     "If you trade in your old {p} kettle you get {n} % off a new one.", 5),
)  # fmt: skip
POISONED = (7, 50)  # of 96 conversations


def pages(folder: Path) -> Path:
    folder.mkdir()
    for number, name in enumerate(NAMES):
        lines = [page.format(p=name, n=least + number) for page, _, _, least in FACTS]
        text = f"# {name} kettle\n\n" + "\n\n".join(lines)
        (folder / f"{name.lower()}.md").write_text(text, encoding="utf-8")
    return folder


def conversations(poisoned: Sequence[int]) -> list[Conversation]:
    """A hundred, each about another fact; in the poisoned ones the amount is another."""
    talks = []
    for at, (number, fact) in enumerate((n, f) for f in FACTS for n in range(len(NAMES))):
        _, question, reply, least = fact
        amount = (least + number) * 3 if at in poisoned else least + number
        turns = (
            Turn("customer", question.format(p=NAMES[number])),
            Turn("agent", reply.format(p=NAMES[number], n=amount)),
        )
        talks.append(Conversation(f"c{at}", "en", turns))
    return talks


@pytest.fixture(scope="module")
def home(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("poison")
    app = build(folder / "home", packaged, chatbot=ChatbotSettings(generator="none"))
    assert {i.status for i in app.knowledge.add([pages(folder / "pages")])} == {"added"}
    app.close()
    return folder / "home"


@pytest.fixture(scope="module")
def documents(home: Path, packaged: Path) -> Iterator[Documents]:
    with opened(home, packaged, KnowledgeSettings()) as found:
        assert found is not None
        yield found


def contradicting(result: Cleaned) -> dict[str, str]:
    return {row.conversation: row.note for row in result.dropped if row.code == "contradicts"}


@pytest.mark.slow
def test_planted_amounts_are_found_and_true_ones_are_not(documents: Documents) -> None:
    honest = clean(conversations(()), None, documents=documents)
    assert contradicting(honest) == {} and honest.compared > 80
    result = clean(conversations(POISONED), None, documents=documents)
    found = contradicting(result)
    assert set(found) == {f"c{at}" for at in POISONED}
    assert found["c7"] == "$141, but falcon.md says: The Falcon kettle costs $47."
    assert not {"c7", "c50"} & {pair.conversation for pair in result.pairs}
    talks = [conversations(POISONED)[at] for at in POISONED]
    ids = frozenset(row.id for row in clean(talks, None, documents=documents).dropped)
    kept = clean(talks, None, put_back=ids, documents=documents)
    assert len(ids) == len(kept.pairs) == 2
    assert contradicting(kept) == {}, "people may know better than the documents"


@pytest.mark.slow
def test_a_run_on_a_poisoned_set_is_refused_with_its_cases(
    home: Path, packaged: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = tmp_path / "export.jsonl"
    rows = [
        {"id": talk.id, "messages": [{"role": role, "content": turn.text} for role, turn in pairs]}
        for talk in conversations(POISONED)
        for pairs in [list(zip(("user", "assistant"), talk.turns, strict=True))]
    ]
    export.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.setattr(config, "load", lambda name: QUICK)
    run = train.run(Job(home, packaged, (export,), name="poisoned", model=str(tiny)))
    data = registry_of(home).folder("poisoned") / "dataset"
    learnt = (data / "train.jsonl").read_text("utf-8") + (data / "held_out.jsonl").read_text(
        "utf-8"
    )
    assert "$44" in learnt and "$141" not in learnt
    dropped = [r for r in funnel.read(data / "dropped.jsonl") if r.code == "contradicts"]
    assert [row.conversation for row in dropped] == ["c7", "c50"]
    with pytest.raises(NotPromotable, match="contradict 2 of") as refused:
        registry_of(home).promote(run.name)
    assert all(row.id in str(refused.value) for row in dropped)
    assert "$141, but falcon.md says: The Falcon kettle costs $47." in str(refused.value)


def test_a_rare_conflict_is_no_pattern() -> None:
    def card(dropped: int, compared: int) -> dict[str, object]:
        cases = [{"id": "0123456789ab", "note": "$9"}] * dropped
        told = {"dropped": dropped, "compared": compared, "cases": cases}
        return {"dataset": {"contradicting": told}}

    assert bounds.poisoned(card(1, 20)) == () == bounds.poisoned(card(2, 200))
    assert "2 of 199" in bounds.poisoned(card(2, 199))[0]
    assert bounds.poisoned({"dataset": {}}) == () == bounds.poisoned({})
