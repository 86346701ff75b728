"""What a candidate may lose, and what it may not, on the outcomes of a real shop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.evaluate import Outcome, Question, ask
from chatbot.settings import ChatbotSettings
from chatbot.types import Action
from finetune import gate
from finetune.errors import NotPromotable
from finetune.registry import Run

SHOP = "# Kettle\n\nThe kettle costs $49. It has a warranty of 24 months. The lid is blue.\n"
ASKED = [
    Question("a", "en", "How much does the kettle cost?", True, (), ("shop.md",), (("$49",),)),
    Question("b", "en", "How long is the warranty?", True, (), ("shop.md",), (("24 months",),)),
    Question("c", "en", "Do you sell bicycles?", False),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("gate")
    (folder / "shop.md").write_text(SHOP, encoding="utf-8")
    app = build(folder / "home", folder / "none", chatbot=ChatbotSettings(generator="none"))
    assert [i.status for i in app.knowledge.add([folder / "shop.md"])] == ["added"]
    yield app
    app.close()


@pytest.fixture(scope="module")
def outcomes(app: App) -> list[Outcome]:
    found = [ask(app, question) for question in ASKED]
    assert [o.right for o in found] == [True, True, True]
    return found


def _written(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The same, as if an adapter had written the answers."""
    return [
        replace(o, reply=replace(o.reply, adapter="tea-1")) if o.question.answerable else o
        for o in outcomes
    ]


def test_as_good_as_what_serves_passes(outcomes: list[Outcome]) -> None:
    verdict = gate.judge(outcomes, _written(outcomes), "quoting")
    assert verdict.failed == () and verdict.lost == ()
    assert verdict.candidate.answered_right == verdict.before.answered_right == 1
    assert verdict.before.written == 0
    assert verdict.candidate.written == pytest.approx(2 / 3, abs=1e-3)


def test_a_lost_question_is_named_and_refused(outcomes: list[Outcome]) -> None:
    candidate = _written(outcomes)
    candidate[0] = replace(candidate[0], reply=replace(candidate[0].reply, text="It is cheap."))
    verdict = gate.judge(outcomes, candidate, "tea-0")
    assert [case["id"] for case in verdict.lost] == ["a"]
    assert "$49" in verdict.lost[0]["before"] and verdict.lost[0]["candidate"] == "It is cheap."
    assert "loses 1 of 3 questions that tea-0 gets right" in verdict.failed[0]
    assert any("stand in what they cite" in sentence for sentence in verdict.failed)


def test_what_is_won_makes_up_for_what_is_lost(outcomes: list[Outcome]) -> None:
    before, after = _written(outcomes), _written(outcomes)
    before[0] = replace(before[0], reply=replace(before[0].reply, action=Action.REFUSE))
    after[1] = replace(after[1], reply=replace(after[1].reply, action=Action.REFUSE))
    assert gate.judge(before, after, "tea-0").failed == ()


def test_answering_what_nothing_answers_is_refused(outcomes: list[Outcome]) -> None:
    candidate = _written(outcomes)
    candidate[2] = replace(candidate[2], reply=replace(candidate[0].reply, text="The lid is blue."))
    failed = gate.judge(outcomes, candidate, "quoting").failed
    assert any("100% more of the questions that nothing answers" in sentence for sentence in failed)


def test_an_adapter_that_never_speaks_changes_nothing(outcomes: list[Outcome]) -> None:
    (sentence,) = gate.judge(outcomes, outcomes, "quoting").failed
    assert "None of its sentences could be shown" in sentence


def test_without_a_writer_nothing_is_measured(app: App, tmp_path: Path) -> None:
    run = Run("tea-1", "smoke", "done", "2026-11-26", path=str(tmp_path))
    with pytest.raises(NotPromotable, match="cannot be measured"):
        gate.measure(app, run, ASKED)
    with pytest.raises(NotPromotable, match="no finished dialogue adapter"):
        gate.measure(app, replace(run, state="failed"), ASKED)
