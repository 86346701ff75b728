"""Replies of our own conversations: proposed, decided, learnt, taken back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.app import build
from chatbot.champions import Champion
from chatbot.errors import ChatbotError, NotFound
from chatbot.settings import ChatbotSettings
from chatbot.store import Provenance, Store
from chatbot.types import Action, Intent, Reply, Session
from finetune import config, train
from finetune.errors import DatasetError, NotPromotable, TrainingError
from finetune.job import Job
from finetune.learning import job_of
from finetune.lessons import Lessons, pairs_in
from finetune.registry import Registry, opened
from finetune.retraction import forget_sessions, retract
from knowledge.database import Database
from tests.finetune.conftest import SAMPLES

DATA = Path(__file__).parents[1] / "data" / "lessons.jsonl"
LESSONS = [tuple(json.loads(line).values()) for line in DATA.read_text("utf-8").splitlines()]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened_ = Database(tmp_path / "home" / "zhike.db")
    yield opened_
    opened_.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def lessons(store: Store, database: Database) -> Lessons:
    build_tables(database)
    return Lessons(database)


def build_tables(database: Database) -> None:
    """Those of the hand-overs, which an App would make."""
    from chatbot.handovers import Handovers

    Handovers(database, Store(database))


def visitor(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:32]


def talk(store: Store, question: str, answer: str, role: str = "agent") -> tuple[Session, str]:
    """A conversation of its own with one exchange; the id of the reply."""
    session = store.open_session(visitor(question), "web")
    asked = store.add_message(session.id, "user", question)
    if role == "agent":
        return session, store.add_message(session.id, "agent", answer).id
    reply = Reply(
        id=f"reply-{asked.id}",
        session_id=session.id,
        text=answer,
        action=Action.QUOTE,
        language="en",
        intent=Intent("other", 0.0),
        engine="quoting",
    )
    store.add_reply(reply, Provenance(asked.id, "", ""))
    return session, reply.id


def test_colleagues_replies_and_thanked_ones_are_proposed(store: Store, lessons: Lessons) -> None:
    session, written = talk(store, "Is the lid dishwasher safe?", "No, wash it by hand.")
    other, quoted = talk(store, "How hot?", "Up to 100 °C.", "assistant")
    assert [one.id for one in lessons.listed()] == [written]  # nobody thanked for the other yet
    store.rate(quoted, visitor("How hot?"), 1)
    store.add_message(session.id, "note", "an internal word")
    found = {one.id: one for one in lessons.listed()}
    assert set(found) == {written, quoted}
    assert (found[written].kind, found[quoted].kind) == ("agent", "thumb")
    assert found[written].question == "Is the lid dishwasher safe?" and not found[written].solved
    store.rate(quoted, visitor("How hot?"), -1)
    assert [one.id for one in lessons.listed()] == [written]
    assert other.id != session.id


def test_who_decided_stays_with_it(store: Store, lessons: Lessons) -> None:
    _, first = talk(store, "Is the lid dishwasher safe?", "No, wash it by hand.")
    _, second = talk(store, "Do you gift-wrap?", "Yes, for $3.")
    assert lessons.accept([first], "anna") == 1 and lessons.reject([second], "ben", "outdated") == 1
    assert lessons.counts() == {"open": 0, "accepted": 1, "rejected": 1, "retracted": 0}
    (no,) = lessons.listed("rejected")
    assert (no.account, no.note) == ("ben", "outdated") and no.at
    lessons.accept([second], "anna")
    assert lessons.counts()["accepted"] == 2


def test_bad_ids_are_one_sentence_and_change_nothing(store: Store, lessons: Lessons) -> None:
    _, first = talk(store, "Is the lid dishwasher safe?", "No, wash it by hand.")
    with pytest.raises(NotFound, match="'nothing'"):
        lessons.accept([first, "nothing"], "anna")
    assert lessons.counts()["open"] == 1
    with pytest.raises(ChatbotError, match="at most 500"):
        lessons.reject([first], "anna", "x" * 501)


def test_only_what_was_accepted_is_learnt(store: Store, lessons: Lessons) -> None:
    session, first = talk(store, "Is the lid dishwasher safe?", "No, wash it by hand.")
    store.add_message(session.id, "user", "And the base?")
    second = store.add_message(session.id, "agent", "Neither.").id
    talk(store, "Do you gift-wrap?", "Yes, for $3.")
    lessons.accept([second], "anna")
    (row,) = lessons.conversations()
    assert row["id"] == f"zhike:{session.id}"
    assert [m["role"] for m in row["messages"]] == ["user", "bot", "user", "agent"]
    assert pairs_in([row]) == 1 and first != second


def test_an_erased_visitor_leaves_no_lesson(tmp_path: Path) -> None:
    app = build(tmp_path / "home", tmp_path / "none", chatbot=ChatbotSettings(generator="none"))
    try:
        lessons = Lessons(app.database)
        _, first = talk(app.store, "Is the lid dishwasher safe?", "No, wash it by hand.")
        lessons.accept([first], "anna")
        told: list[object] = []
        app.erasure.listeners.append(told.append)
        app.erasure.erase(visitor("Is the lid dishwasher safe?"))
        assert lessons.listed() == () == lessons.listed("accepted")
        assert app.database.rows("SELECT * FROM lessons") == [] and len(told) == 1
    finally:
        app.close()


# With a real but tiny model

QUICK = replace(config.load("smoke"), learning_rate=2e-2, epochs=1, measure_every=1.0, samples=2)


@pytest.fixture
def home(
    packaged: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Job, Lessons, Registry, Store]]:
    """A home with a champion trained on samples, and ten accepted lessons."""
    monkeypatch.setattr(config, "load", lambda name: QUICK)
    root = tmp_path / "home"
    job = Job(root, packaged, (SAMPLES / "en-messages.jsonl",), name="first", model=str(tiny))
    train.run(job)
    database = Database(root / "zhike.db")
    store, registry = Store(database), Registry(database, root)
    build_tables(database)
    registry.promote("first", force=True, reason="the test needs a champion")
    lessons = Lessons(database)
    for question, answer in LESSONS:
        _, reply = talk(store, question, answer)
        lessons.accept([reply], "anna")
    yield job, lessons, registry, store
    database.close()


@pytest.mark.slow
def test_a_candidate_begins_with_the_champion_and_replays(
    home: tuple[Job, Lessons, Registry, Store],
) -> None:
    job, lessons, registry, _ = home
    learning, course = job_of(replace(job, name="second"), lessons, registry, 0.25)
    assert (course.lessons, course.replayed, course.champion) == (10, 3, "first")
    made = train.run(learning)
    assert made.card["began_with"]["name"] == "first"
    assert made.card["began_with"]["loss"] != pytest.approx(made.base_loss)
    rows = [
        json.loads(line)
        for name in ("train", "held_out")
        for line in (registry.folder("second") / "dataset" / f"{name}.jsonl").open()
    ]
    assert sum(row["conversation"].startswith("zhike:") for row in rows) >= 8
    assert any(not row["conversation"].startswith("zhike:") for row in rows)
    assert registry.serving() == Champion("first", *_placed(registry), 1.0)  # offered, not promoted


def _placed(registry: Registry) -> tuple[str, str]:
    run = registry.show("first")
    assert run.path and run.sha256
    return run.path, run.sha256


@pytest.mark.slow
def test_what_is_taken_back_leaves_the_data_and_marks_the_run(
    home: tuple[Job, Lessons, Registry, Store],
) -> None:
    job, lessons, registry, _ = home
    learning, _ = job_of(replace(job, name="second"), lessons, registry, 0.0)
    train.run(learning)
    session = lessons.listed("accepted")[0].session_id
    found = retract(lessons, registry, session, "anna")
    assert (found.lessons, found.runs, found.serving) == (1, ("second",), False)
    folder = registry.folder("second") / "dataset"
    assert all(session not in path.read_text("utf-8") for path in folder.glob("*.jsonl"))
    assert registry.show("second").card["retracted"] == [f"zhike:{session}"]
    with pytest.raises(NotPromotable, match="1 conversations that were taken back"):
        registry.promote("second")
    assert lessons.counts()["retracted"] == 1
    with pytest.raises(ChatbotError, match="taken back"):
        lessons.accept([lessons.listed("retracted")[0].id], "anna")
    _, after = job_of(replace(job, name="third"), lessons, registry, 0.0)
    assert after.lessons == 9
    # an imported conversation, by the id in its file; here of the run that serves
    imported = json.loads((registry.folder("first") / "dataset" / "train.jsonl").open().readline())
    again = retract(lessons, registry, imported["conversation"], "anna")
    assert (again.lessons, again.runs, again.serving) == (0, ("first",), True)
    # and one whose visitor was erased
    other = lessons.listed("accepted")[0].session_id
    assert forget_sessions(registry, [other]) == ("second",)
    assert forget_sessions(registry, [other, "unknown"]) == ()


@pytest.mark.slow
def test_an_adapter_of_another_base_is_refused(
    home: tuple[Job, Lessons, Registry, Store],
) -> None:
    job, lessons, registry, _ = home
    learning, _ = job_of(replace(job, name="second"), lessons, registry, 0.0)
    card = Path(learning.start) / "zhike.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"base_sha256": "0" * 64}))
    with pytest.raises(TrainingError, match="made for another base"):
        train.run(learning)


def test_nothing_accepted_is_one_sentence(lessons: Lessons, tmp_path: Path) -> None:
    registry = opened(tmp_path / "home")
    job = Job(tmp_path / "home", tmp_path, ())
    with pytest.raises(DatasetError, match="No lesson is accepted"):
        job_of(job, lessons, registry, 0.25)
    with pytest.raises(DatasetError, match="below 1"):
        job_of(job, lessons, registry, 1.0)
