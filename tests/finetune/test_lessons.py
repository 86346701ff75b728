"""Replies of our own conversations: proposed, decided, learnt, taken back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from chatbot.app import build
from chatbot.erasure import Erasure
from chatbot.errors import ChatbotError, NotFound
from chatbot.golden import Golden, case_id
from chatbot.handovers import Handovers
from chatbot.originals import Originals
from chatbot.settings import ChatbotSettings
from chatbot.store import Provenance, Store
from chatbot.types import Action, Intent, Reply, Session
from finetune import config, train
from finetune.errors import DatasetError, NotPromotable, TrainingError
from finetune.job import Job
from finetune.learning import course, job_of
from finetune.lessons import Lesson, Lessons, replies_in
from finetune.metrics import Metric
from finetune.registry import Registry, opened
from finetune.retraction import forget, forget_sessions, retract
from finetune.settings import FinetuneSettings
from finetune.tuning import Anchor
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


def test_a_lost_golden_case_of_an_erased_visitor_leaves_the_gate(
    store: Store, database: Database, tmp_path: Path
) -> None:
    """Of a verdict that is there, and of one that is entered after the erasure."""
    build_tables(database)
    app, registry = erasing(store, database, tmp_path), Registry(database, tmp_path / "home")
    _, reply = talk(store, "I am Beate Holm, where is my pot?", "On its way.", "assistant")
    _, kept = talk(store, "Do you gift-wrap?", "Yes, for $3.", "assistant")
    texts = [(reply, "I am Beate Holm, where is my pot?"), (kept, "Do you gift-wrap?")]
    lost = [{"id": case_id(id), "question": text} for id, text in texts]
    lost.append({"id": "team-1", "question": "Is the lid blue?"})
    registry.reserve("smoke", "first")
    with registry.alone():
        registry.begin("first", "smoke", "base", "0" * 64, 1)
    registry.judge("first", {"lost": lost, "failed": ["It loses 3."]})
    assert len(registry.show("first").card["gate"]["lost"]) == 3
    app.erase(visitor("I am Beate Holm, where is my pot?"))
    gate = registry.show("first").card["gate"]
    assert [case["id"] for case in gate["lost"]] == [case_id(kept), "team-1"]
    assert gate["failed"] == ["It loses 3."]
    registry.judge("first", {"lost": lost, "failed": []})
    assert "Beate" not in json.dumps(registry.show("first").card)


def erasing(store: Store, database: Database, tmp_path: Path) -> Erasure:
    """As the program puts it together."""
    Originals(database, 0)
    erasure = Erasure(database, store, Golden(tmp_path / "home" / "golden.jsonl"))
    registry = Registry(database, tmp_path / "home")
    erasure.listeners.append(partial(forget_sessions, database, registry))
    return erasure


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
    assert (row.id, row.language) == (f"zhike:{session.id}", "en")
    assert [turn.speaker for turn in row.turns] == ["customer", "bot", "customer", "agent"]
    assert replies_in([row]) == 1 and first != second


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


def test_every_file_of_a_run_forgets(database: Database, tmp_path: Path) -> None:
    """Examples, dropped and rejected rows, an interrupted run's copies, and what its card shows."""
    registry = Registry(database, tmp_path / "home")
    for name in ("held", "clean"):
        registry.reserve("smoke", name)
        registry.begin(name, "smoke", "base", "0", 1)
    run = registry.folder("held")
    lost, kept = (
        {"conversation": id_, "question": f"{id_} asks", "reply": f"{id_} told"} for id_ in "xy"
    )
    mixed = {**kept, "rejected": "x told", "rejected_conversation": "x"}
    for folder, rows in (
        ("dataset/train", [lost, kept]),
        ("dataset/dropped", [kept, lost]),
        ("dataset/rejected", [mixed, kept]),
        ("resume/train", [{"pair": lost, "ids": [1]}, {"pair": kept, "ids": [2]}]),
    ):
        path = run / f"{folder}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = [{"question": "x asks", "reply": "x told"}, {"question": "y asks", "reply": "y told"}]
    card = {"evaluation": {"samples": shown}, "comparison": {"replies": {"base": shown}}}
    registry.finish("held", "0", (2.0, 1.0), "0", card)
    assert forget(registry, ["x", "never seen"]) == ("held",)
    assert all(b"x told" not in path.read_bytes() for path in run.rglob("*.jsonl"))
    assert all(b"y told" in path.read_bytes() for path in run.rglob("*.jsonl"))
    after = registry.show("held").card
    assert after["retracted"] == ["x"] and "x asks" not in json.dumps(after["evaluation"])
    assert "x asks" not in json.dumps(after["comparison"]) and "y asks" in json.dumps(after)
    assert registry.show("clean").card == {}
    registry.finish("held", "0", (2.0, 1.0), "0", {})  # as if it was being made meanwhile
    assert registry.show("held").card == {"retracted": ["x"]}


def test_the_pull_grows_with_the_distance() -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    anchor = Anchor(0.5, {"weight": layer.weight.detach().clone()})
    assert anchor.pull(layer).item() == 0.0
    with torch.no_grad():
        layer.weight += torch.tensor([[3.0, -4.0]])
    cost = anchor.pull(layer)
    assert cost.item() == pytest.approx(0.5 * 25)
    cost.backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [
        pytest.approx([3.0, -4.0])
    ]  # a step against it leads back


# With a real but tiny model

QUICK = replace(config.load("smoke"), learning_rate=2e-2, epochs=1, measure_every=1.0, samples=2)


@dataclass(frozen=True, slots=True)
class Shop:
    """A home with a champion trained on samples, and ten accepted lessons."""

    job: Job
    database: Database
    lessons: Lessons
    registry: Registry

    def learning(self, name: str = "second", replay: float = 0.0, pull: float = 0.001) -> Job:
        job = replace(self.job, name=name, finetune=FinetuneSettings(pull=pull))
        return job_of(job, self.lessons, self.registry, replay)[0]

    def holding(self, run: str, text: str) -> list[str]:
        """Files of a run in which the text stands."""
        files = [path for path in self.registry.folder(run).rglob("*") if path.is_file()]
        return [path.name for path in files if text.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def once(packaged: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a home, which no test changes."""
    root = tmp_path_factory.mktemp("once") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load", lambda name: QUICK)
        samples = (SAMPLES / "en-messages.jsonl",)
        train.run(Job(root, packaged, samples, name="first", model=str(tiny)))
    database = Database(root / "zhike.db")
    store = Store(database)
    build_tables(database)
    opened(root).promote("first", force=True, reason="the test needs a champion")
    lessons = Lessons(database)
    for question, answer in LESSONS:
        _, reply = talk(store, question, answer)
        lessons.accept([reply], "anna")
    database.close()
    return root


@pytest.fixture
def shop(
    once: Path, packaged: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A copy of it for one test to change."""
    monkeypatch.setattr(config, "load", lambda name: QUICK)
    root = Path(shutil.copytree(once, tmp_path / "shop"))
    database = Database(root / "zhike.db")
    registry = Registry(database, root)
    registry.promote("first", force=True, reason="the home was moved")
    yield Shop(Job(root, packaged, (), model=str(tiny)), database, Lessons(database), registry)
    database.close()


@pytest.mark.slow
def test_a_candidate_begins_with_the_champion_and_replays(shop: Shop) -> None:
    job, course = job_of(replace(shop.job, name="second"), shop.lessons, shop.registry, 0.25)
    assert (course.lessons, course.replayed, course.champion) == (10, 3, "first")
    made = train.run(job)
    assert made.card["began_with"]["name"] == "first"
    assert made.card["began_with"]["loss"] != pytest.approx(made.base_loss)
    rows = [
        json.loads(line)
        for name in ("train", "held_out")
        for line in (shop.registry.folder("second") / "dataset" / f"{name}.jsonl").open()
    ]
    assert sum(row["conversation"].startswith("zhike:") for row in rows) >= 8
    assert any(not row["conversation"].startswith("zhike:") for row in rows)
    serving = shop.registry.serving()
    assert serving is not None and serving.name == "first"  # offered, not promoted


@pytest.mark.slow
def test_a_strong_pull_keeps_the_champions_weights(shop: Shop) -> None:
    begin = load_file(Path(shop.registry.show("first").path or "") / "adapter_model.safetensors")

    def moved(name: str, pull: float) -> float:
        path = train.run(shop.learning(name, pull=pull)).path
        end = load_file(Path(path or "") / "adapter_model.safetensors")
        return sum(float((end[k].float() - begin[k].float()).square().sum()) for k in begin)

    assert moved("held", 1e3) < 0.5 * moved("free", 0.0)


@pytest.mark.slow
def test_what_is_taken_back_leaves_the_data_and_marks_the_run(shop: Shop) -> None:
    lessons, registry = shop.lessons, shop.registry
    train.run(shop.learning())
    lesson = lessons.listed("accepted")[0]
    assert shop.holding("second", lesson.reply[:30])
    found = retract(lessons, registry, lesson.session_id, "anna")
    assert (found.lessons, found.runs, found.serving) == (1, ("second",), False)
    assert shop.holding("second", lesson.reply[:30]) == []
    assert lesson.reply[:30] not in json.dumps(registry.show("second").card)
    assert registry.show("second").card["retracted"] == [f"zhike:{lesson.session_id}"]
    with pytest.raises(NotPromotable, match="1 conversations that were taken back"):
        registry.promote("second")
    assert lessons.counts()["retracted"] == 1
    with pytest.raises(ChatbotError, match="taken back"):
        lessons.accept([lesson.id], "anna")
    assert course(lessons, registry, 0.0).lessons == 9
    # an imported conversation, by the id in its file; here of the run that serves
    imported = json.loads((registry.folder("first") / "dataset" / "train.jsonl").open().readline())
    again = retract(lessons, registry, imported["conversation"], "anna")
    assert (again.lessons, again.runs, again.serving) == (0, ("first",), True)
    # and one whose visitor was erased
    other = lessons.listed("accepted")[0].session_id
    assert forget_sessions(shop.database, registry, [other]) == ("second",)
    assert forget_sessions(shop.database, registry, [other, "unknown"]) == ()


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["reading", "training"])
def test_what_is_taken_back_while_it_is_learnt(shop: Shop, stage: str) -> None:
    """Before its texts are written into the run's folder, and after."""
    taken: list[Lesson] = []

    def tell(metric: Metric) -> None:
        if metric.stage == stage and not taken:
            taken.append(shop.lessons.listed("accepted")[0])
            if stage == "reading":  # the run has its lessons in memory, or takes them next
                shop.lessons.retract(taken[0].session_id, "anna")
            else:
                retract(shop.lessons, shop.registry, taken[0].session_id, "anna")

    made = train.run(shop.learning(), tell)
    text = taken[0].reply[:30]
    assert made.state == "done" and shop.holding("second", text) == []
    assert text not in json.dumps(shop.registry.show("second").card)
    marked = shop.registry.show("second").card.get("retracted", [])
    assert marked == ([f"zhike:{taken[0].session_id}"] if stage == "training" else [])


@pytest.mark.slow
def test_an_adapter_of_another_base_is_refused(shop: Shop) -> None:
    job = shop.learning()
    card = Path(job.start) / "zhike.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"base_sha256": "0" * 64}))
    with pytest.raises(TrainingError, match="made for another base"):
        train.run(job)


def test_nothing_accepted_is_one_sentence(lessons: Lessons, tmp_path: Path) -> None:
    registry = opened(tmp_path / "home")
    with pytest.raises(DatasetError, match="No lesson is accepted"):
        course(lessons, registry, 0.25)
    with pytest.raises(DatasetError, match="below 1"):
        course(lessons, registry, 1.0)
