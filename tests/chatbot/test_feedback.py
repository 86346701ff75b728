"""Thumbs down as a work list: corrected into an approved answer and a golden case, or dismissed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot import evaluate
from chatbot.app import App
from chatbot.errors import ChatbotError, NotFound, WrongState
from chatbot.feedback import Feedback
from chatbot.golden import Golden
from chatbot.store import new_id
from chatbot.types import Incoming, Reply
from knowledge.pairs import BadPair

KETTLE = "How long can I return a kettle?"


@pytest.fixture
def feedback(app: App, tmp_path: Path) -> Iterator[Feedback]:
    before = {pair.id for pair in app.knowledge.approved.pairs()}
    yield Feedback(app.database, app.knowledge.approved, Golden(tmp_path / "golden.jsonl"))
    for pair in app.knowledge.approved.pairs():
        if pair.id not in before:
            app.knowledge.approved.remove(pair.id)


def rated(app: App, text: str, reason: str = "wrong", value: int = -1) -> tuple[Reply, str]:
    visitor = new_id()
    reply = app.assistant.reply(Incoming(text, visitor))
    app.store.rate(reply.id, visitor, -1 if value < 0 else 1, reason)
    return reply, visitor


def test_every_thumb_down_lands_in_the_list(app: App, feedback: Feedback) -> None:
    before = feedback.waiting()
    reply, visitor = rated(app, KETTLE)
    up, _ = rated(app, KETTLE, value=1)
    found = feedback.listed()
    assert found[0].reply_id == reply.id and feedback.waiting() == before + 1
    assert up.id not in {c.reply_id for c in found}
    first = found[0]
    assert (first.question, first.answer, first.reason) == (KETTLE, reply.text, "wrong")
    assert (first.engine, first.session_id, first.state) == (reply.engine, reply.session_id, "open")
    app.store.rate(reply.id, visitor, 1)  # the customer thinks again
    assert feedback.waiting() == before
    with pytest.raises(NotFound):
        feedback.find(reply.id)


def test_a_correction_is_the_next_answer_and_a_golden_case(app: App, feedback: Feedback) -> None:
    answer = "You can return an unused kettle within 45 days."
    reply, _ = rated(app, KETTLE)
    pair = feedback.correct(reply.id, KETTLE, answer, "kim")
    again = app.assistant.reply(Incoming(KETTLE, new_id()))
    assert again.text == answer != reply.text
    settled = feedback.find(reply.id)
    assert (settled.state, settled.note, settled.account) == ("corrected", pair.id, "kim")
    (question,) = evaluate.read(feedback.golden.path)
    assert question.question == KETTLE and question.id.startswith("feedback-")
    outcome = evaluate.ask(app, question)
    assert outcome.right and outcome.facts_right and outcome.cited_right
    app.knowledge.approved.remove(pair.id)
    assert not evaluate.ask(app, question).right  # the case can fail


def test_the_pair_that_answers_already_is_edited(app: App, feedback: Feedback) -> None:
    other, _ = rated(app, KETTLE)
    first = feedback.correct(other.id, KETTLE, "Within 45 days.", "kim")
    reply, _ = rated(app, "how long can i return a KETTLE")
    second = feedback.correct(reply.id, "how long can i return a KETTLE?", "Within 60 days.", "lee")
    assert second.id == first.id and second.answer == "Within 60 days."
    assert len(evaluate.read(feedback.golden.path)) == 2


def test_a_wrong_correction_leaves_it_open(app: App, feedback: Feedback) -> None:
    reply, _ = rated(app, KETTLE)
    with pytest.raises(BadPair):
        feedback.correct(reply.id, KETTLE, "  ", "kim")
    assert feedback.find(reply.id).state == "open" and not feedback.golden.path.exists()
    folder = feedback.golden.path.parent / "folder"
    folder.with_name(".folder.partial").mkdir()
    blocked = Feedback(app.database, app.knowledge.approved, Golden(folder))
    with pytest.raises(ChatbotError, match="cannot be written"):
        blocked.correct(reply.id, KETTLE, "Within 45 days.", "kim")
    assert feedback.find(reply.id).state == "open"
    feedback.correct(reply.id, KETTLE, "Within 45 days.", "kim")  # saved again
    assert feedback.find(reply.id).state == "corrected"


def test_dismissed_with_a_reason_and_open_again_after_another_thumb(
    app: App, feedback: Feedback
) -> None:
    reply, visitor = rated(app, KETTLE)
    with pytest.raises(ChatbotError, match="why"):
        feedback.dismiss(reply.id, " ", "kim")
    feedback.dismiss(reply.id, "The answer is right.", "kim")
    assert feedback.find(reply.id).note == "The answer is right."
    assert reply.id in {c.reply_id for c in feedback.listed("dismissed")}
    assert reply.id not in {c.reply_id for c in feedback.listed()}
    with pytest.raises(WrongState, match="dismissed by kim"):
        feedback.correct(reply.id, KETTLE, "x", "lee")
    import time

    time.sleep(0.01)
    app.store.rate(reply.id, visitor, -1, "missing")
    assert (feedback.find(reply.id).state, feedback.find(reply.id).reason) == ("open", "missing")


def test_pages_follow_each_other(app: App, feedback: Feedback) -> None:
    made = [rated(app, KETTLE)[0].id for _ in range(5)]
    seen: list[str] = []
    before = None
    while page := feedback.listed(limit=2, before=before):
        seen += [c.reply_id for c in page]
        before = page[-1].created + page[-1].reply_id
    assert len(seen) == len(set(seen)) == feedback.waiting()
    assert set(made) <= set(seen)


def test_lines_of_the_team_stay(app: App, feedback: Feedback) -> None:
    mine = '{"id": "a",  "language": "en", "question": "Q?", "answerable": false}'
    feedback.golden.path.write_text(f"{mine}\n\n", encoding="utf-8")
    reply, _ = rated(app, KETTLE)
    feedback.correct(reply.id, KETTLE, "Within 45 days.", "kim")
    assert feedback.golden.path.read_text("utf-8").splitlines()[0] == mine


def test_what_is_erased_leaves_the_list(app: App, feedback: Feedback) -> None:
    reply, visitor = rated(app, KETTLE)
    feedback.dismiss(reply.id, "no", "kim")
    app.erasure.erase(visitor)
    with pytest.raises(NotFound):
        feedback.find(reply.id)
    assert not app.database.rows("SELECT 1 FROM feedback_settled WHERE reply_id = ?", reply.id)
