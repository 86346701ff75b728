"""Preference training for real, on a tiny model: from a run's runner-ups to a run of its own."""

from __future__ import annotations

import importlib.util
import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from chatbot.app import build
from chatbot.generation.adapters import check_adapter
from chatbot.settings import ChatbotSettings
from chatbot.store import Provenance
from chatbot.types import Action, HandoffReason, Intent, Reply
from finetune import bounds, config, metrics, preference_tuning, preferences, train
from finetune.best_reply import Rejected
from finetune.errors import DatasetError, NotPromotable, TrainingError, UnknownRun
from finetune.examples import Example
from finetune.job import Job
from finetune.pairs import Pair
from finetune.preferences import Preference, balanced, collect, corrected, edited
from finetune.registry import Registry, opened
from finetune.retraction import forget
from finetune.tuning import tokenizer_of
from tests.finetune.conftest import SAMPLES

QUICK = replace(config.load("smoke"), learning_rate=2e-2, epochs=2, samples=0, measured=8)
TRL = importlib.util.find_spec("trl") is not None
needs_trl = pytest.mark.skipif(not TRL, reason="TRL is the extra `preference`")
COLOURS = ("red", "blue", "green", "black", "white", "grey", "amber", "pink", "gold", "teal")


def runners_up(count: int = 40) -> list[Rejected]:
    """Better replies name a colour and a place, worse ones send away; equally long."""
    return [
        Rejected(
            f"Where do I find the {COLOURS[n % 10]} cup number {n}?",
            f"The {COLOURS[n % 10]} cup stands on shelf {n}, next to the door.",
            f"I do not know that, please ask somebody else {n} times.",
            "en",
            f"won{n}",
            f"lost{n}",
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def registry(packaged: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A home with a finished run that kept runner-ups."""
    home = tmp_path_factory.mktemp("preference") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load", lambda name: QUICK)
        files = (SAMPLES / "en-messages.jsonl",)
        train.run(Job(home, packaged, files, name="first", model=str(tiny)))
    found = opened(home)
    lines = [json.dumps(asdict(row)) for row in runners_up()]
    path = found.folder("first") / "dataset" / "rejected.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return found


def job(registry: Registry, packaged: Path, tiny: Path, **changes: object) -> Job:
    home = registry.folder("first").parent.parent
    made = Job(home, packaged, (), preference="first", model=str(tiny))
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.slow
@needs_trl
def test_preferences_make_a_run_of_their_own(
    registry: Registry, packaged: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "load", lambda name: QUICK)
    run = train.run(job(registry, packaged, tiny, name="second"))
    told = run.card["preference"]
    assert run.state == "done" and told["start"] == "first" and told["counts"]["runner-ups"] == 40
    assert told["pairs"]["held_out"] > 0 and told["measured_on"] == "held out"
    assert told["margin"] > 0 and told["after"]["chosen"] > told["before"]["chosen"]
    assert told["start_loss"] == pytest.approx(registry.show("first").adapter_loss, rel=1e-3)
    assert abs(math.log(told["tokens"]["chosen"] / told["tokens"]["rejected"])) < 0.2
    seen = metrics.read(registry.folder("second"))
    margins = [metric.margin for metric in seen if metric.margin is not None]
    assert margins[0] == pytest.approx(0, abs=1e-6), "the reference is the adapter's own start"
    assert margins[-1] > 0
    folder = registry.folder("second")
    assert sorted(p.name for p in folder.iterdir()) == ["adapter", "dataset", metrics.FILE]
    card = json.loads((folder / "adapter" / "zhike.json").read_text("utf-8"))
    check_adapter(folder / "adapter", {str(tiny)}, card["template_hash"], run.sha256 or "")
    assert run.sha256 != registry.show("first").sha256
    registry._update("second", adapter_loss=0.1, base_loss=0.2)
    assert registry.promote("second").name == "second"
    assert forget(registry, ["lost3"]) == ("second", "first")  # of both, whatever they learnt
    with pytest.raises(NotPromotable, match="taken back"):
        registry.promote("second")


@pytest.mark.slow
def test_what_preferences_may_not_begin_with(
    registry: Registry, packaged: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preference_tuning, "find_spec", lambda name: object())
    with pytest.raises(UnknownRun, match="no run 'nope'"):
        train.run(job(registry, packaged, tiny, preference="nope"))
    registry.reserve("smoke", "stopped")
    registry.begin("stopped", "smoke", "base", "0", 1)
    registry.end("stopped", "cancelled", "on request")
    with pytest.raises(TrainingError, match="stopped is no finished dialogue adapter"):
        train.run(job(registry, packaged, tiny, preference="stopped"))
    with pytest.raises(TrainingError, match="made for another base"):
        train.run(job(registry, packaged, tiny, model="SmolLM2-135M-Instruct"))


@pytest.mark.slow
def test_without_trl_a_sentence_says_what_to_install(
    registry: Registry, packaged: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preference_tuning, "find_spec", lambda name: None)
    before = registry.list()
    with pytest.raises(TrainingError, match=r"needs TRL, which is not installed.*preference"):
        train.run(job(registry, packaged, tiny))
    assert registry.list() == before


def test_both_replies_follow_the_prompt_of_serving(tiny: Path) -> None:
    found = collect({"runner-ups": runners_up()}, tokenizer_of(tiny), None, 3, 1024)
    assert len(found.train) + len(found.held_out) == 40 and found.held_out
    for one in (*found.train, *found.held_out):
        assert one.chosen.prompt == one.rejected.prompt
        assert one.chosen.ids[-1] == one.rejected.ids[-1] == tokenizer_of(tiny).eos_token_id
    assert not {p.row.conversation for p in found.train} & {
        p.row.conversation for p in found.held_out
    }


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ("I guarantee you that it will never break.", "promise"),
        ("The password is tea4you77, just use that one.", "secret"),
        ("The same reply.", "same"),
        ("It stands on the shelf. " * 200, "too-long"),
    ],
)
def test_a_better_reply_is_checked_once_more(tiny: Path, chosen: str, reason: str) -> None:
    bad = Rejected("Where is the cup that I ordered?", chosen, "The same reply.", "en", "c", "d")
    found = collect({"runner-ups": [*runners_up(), bad]}, tokenizer_of(tiny), None, 0, 512)
    assert found.counts[reason] == 1 and found.counts["runner-ups"] == 41


def test_a_corrected_complaint_is_a_pair_unless_it_was_quoted(
    packaged: Path, tmp_path: Path
) -> None:
    app = build(tmp_path / "home", packaged, chatbot=ChatbotSettings(generator="none"))
    for number, engine in enumerate(("transformers", "quoting")):
        visitor = f"{number}" * 32
        session = app.store.open_session(visitor, "web")
        asked = app.store.add_message(session.id, "user", f"Where is shop {number}?")
        reply = Reply(
            id=f"reply-{number}",
            session_id=session.id,
            text=f"I cannot say, write to bea{number}@example.com.",
            action=Action.ANSWER,
            language="en",
            intent=Intent("other", 0.0),
            engine=engine,
        )
        app.store.add_reply(reply, Provenance(asked.id, "", ""))
        app.store.rate(reply.id, visitor, -1)
        app.feedback.correct(reply.id, f"Where is shop {number}?", f"In street {number}.", "kim")
    found = corrected(app.database)
    app.close()
    assert [(row.question, row.chosen) for row in found] == [("Where is shop 0?", "In street 0.")]
    assert found[0].rejected == "I cannot say, write to [EMAIL_1]."
    assert found[0].conversation == found[0].rejected_conversation
    assert found[0].conversation.startswith("zhike:")


def test_an_edited_suggestion_is_a_pair(packaged: Path, tmp_path: Path) -> None:
    app = build(tmp_path / "home", packaged, chatbot=ChatbotSettings(generator="none"))
    session = app.store.open_session("a" * 32, "web", language="en")
    app.store.add_message(session.id, "user", "Where is the shop?")
    app.handovers.request(session.id, "a" * 32, HandoffReason.CUSTOMER_REQUEST)
    said = "In Tea Street 4, you are welcome; mail bea@example.com."
    app.handovers.say(session.id, "kim", said, suggested="The shop is in Tea Street 4.")
    found = edited(app.database)
    app.close()
    assert [(row.question, row.rejected) for row in found] == [
        ("Where is the shop?", "The shop is in Tea Street 4.")
    ]
    assert found[0].chosen == "In Tea Street 4, you are welcome; mail [EMAIL_1]."
    assert found[0].conversation == f"zhike:{session.id}"


def test_too_few_pairs_are_refused_with_their_count(tiny: Path) -> None:
    with pytest.raises(DatasetError, match=r"Only 0 pairs.*none found"):
        collect({"runner-ups": []}, tokenizer_of(tiny), None, 0, 512)
    with pytest.raises(DatasetError, match=r"at least 8 are needed .runner-ups 5"):
        collect({"runner-ups": runners_up(5)}, tokenizer_of(tiny), None, 0, 512)


def sized(chosen: int, rejected: int) -> Preference:
    pair = Pair("c", "en", (), "q", "r")
    sides = [Example(pair, tuple(range(n + 5)), n, 0) for n in (chosen, rejected)]
    return Preference(sides[0], sides[1], Rejected("q", "a", "b", "en"))


def test_neither_side_is_longer() -> None:
    longer = [sized(20 + n % 8, 18) for n in range(30)]
    even = [sized(20, 20 + n % 3) for n in range(12)]
    kept = balanced([*longer, *even, sized(60, 20), sized(10, 40)])
    assert all(one in kept for one in even) and 12 < len(kept) < 42
    mean = sum(one.length for one in kept) / len(kept)
    assert abs(mean) <= preferences.BALANCE and max(abs(p.length) for p in kept) <= math.log(2)
    assert balanced([]) == []


def test_what_it_may_not_do_to_replies() -> None:
    told = {
        "start": "march",
        "start_loss": 1.0,
        "margin": 0.2,
        "before": {"chosen": -1.0},
        "after": {"chosen": -1.005},
    }

    def card(**changes: object) -> dict[str, object]:
        return {"preference": told | changes, "evaluation": {"adapter_loss": 1.01}}

    assert bounds.preferred(card()) == () == bounds.preferred({})
    assert "less likely, by 0.020" in bounds.preferred(card(after={"chosen": -1.02}))[0]
    assert "more than march did" in bounds.preferred(card(margin=0.0))[0]
    assert "5.2% above that of march" in bounds.preferred(card(start_loss=0.96))[0]
