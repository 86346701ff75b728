"""Conversations in SQLite: owners, order, all or nothing, many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.errors import NotFound
from chatbot.handovers import Handovers
from chatbot.store import Provenance, Store, new_id
from chatbot.types import Action, Citation, HandoffReason, Intent, Reply, Step
from knowledge.database import Database

CITED = Citation(
    id=2**62,
    document_id="d",
    collection="default",
    document="returns.md",
    title="Returns",
    heading="Returns › Kettles",
    text="An unused kettle can be returned within 30 days. It must be clean.",
    sentence="An unused kettle can be returned within 30 days.",
    score=0.75,
)
MADE = Provenance("question", "index-1.faiss", "", ((2**62, 0.9),))


def reply_to(session_id: str, action: Action = Action.QUOTE, **changes: object) -> Reply:
    reply = Reply(
        id=new_id(),
        session_id=session_id,
        text="An unused kettle can be returned within 30 days.",
        action=action,
        language="en",
        intent=Intent("return", 0.9),
        citations=(CITED,),
        confidence=0.9,
        trace=(Step("search", 1.5, "K1 › 保修"),),
    )
    return replace(reply, **changes)  # type: ignore[arg-type]


def missed(session_id: str) -> Reply:
    return reply_to(session_id, Action.REFUSE, escalate=True, citations=())


def counts(database: Database) -> dict[str, int]:
    tables = ("sessions", "messages", "replies", "citations", "ratings", "handoffs")
    return {t: database.rows(f"SELECT count(*) AS n FROM {t}")[0]["n"] for t in tables}


def test_a_session_is_found_again_by_its_owner(store: Store) -> None:
    opened = store.open_session("ann", "web", language="zh-Hans")
    assert store.open_session("ann", "web", opened.id) == opened
    assert store.session(opened.id, "ann") == opened
    assert (opened.state, opened.language) == ("bot", "zh-Hans")
    assert len(opened.id) == 32


FOREIGN: dict[str, Callable[[Store, str, str], object]] = {
    "open": lambda store, session, reply: store.open_session("bob", "web", session),
    "session": lambda store, session, reply: store.session(session, "bob"),
    "reply": lambda store, session, reply: store.reply(reply, "bob"),
    "rate": lambda store, session, reply: store.rate(reply, "bob", -1),
    "transcript": lambda store, session, reply: store.transcript(session, "bob"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_visitor_finds_nothing_and_changes_nothing(
    store: Store, database: Database, name: str
) -> None:
    session = store.open_session("ann", "web")
    reply = reply_to(session.id)
    store.add_reply(reply, MADE)
    before = counts(database)
    with pytest.raises(NotFound) as foreign:
        FOREIGN[name](store, session.id, reply.id)
    with pytest.raises(NotFound) as missing:
        FOREIGN[name](store, "0" * 32, "0" * 32)
    ids = (session.id, reply.id, "0" * 32)
    messages = [str(error.value) for error in (foreign, missing)]
    for id_ in ids:
        messages = [message.replace(id_, "ID") for message in messages]
    assert messages[0] == messages[1]  # nothing tells a foreign id from one that never was
    assert counts(database) == before
    assert store.session(session.id, "ann").state == "bot"


def test_the_latest_open_session_goes_on(store: Store, database: Database) -> None:
    assert store.latest_session("ann", "web") is None
    first = store.open_session("ann", "web")
    store.open_session("ann", "api")
    store.open_session("bob", "web")
    second = store.open_session("ann", "web")
    assert store.latest_session("ann", "web") == second
    with database.write() as db:
        db.table("sessions").update(second.id, {"state": "closed"})
    assert store.latest_session("ann", "web") == first


def test_history_is_the_latest_messages_oldest_first(store: Store) -> None:
    session, other = store.open_session("ann", "web"), store.open_session("ann", "web")
    for i in range(25):
        store.add_message(session.id, "user", str(i))
    store.add_message(other.id, "user", "elsewhere")
    assert [m.text for m in store.history(session.id)] == [str(i) for i in range(5, 25)]
    assert [m.text for m in store.history(session.id, limit=2)] == ["23", "24"]


def test_a_message_needs_a_session(store: Store, database: Database) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"):
        store.add_message("nowhere", "user", "hi")
    assert counts(database)["messages"] == 0


def test_a_reply_is_read_back_whole(store: Store) -> None:
    session = store.open_session("ann", "web", language="zh-Hans")
    reply = reply_to(
        session.id,
        citations=(CITED, replace(CITED, id=3, sentence="It must be clean.")),
        adapter="run-1",
        engine="tiny",
    )
    store.add_reply(reply, MADE)
    assert store.reply(reply.id, "ann") == reply
    assert store.session(session.id, "ann").language == "en"
    assert [m.text for m in store.history(session.id)] == [reply.text]


def test_a_reply_is_stored_whole_or_not_at_all(store: Store, database: Database) -> None:
    session = store.open_session("ann", "web", language="zh-Hans")
    before = counts(database)
    broken = replace(CITED, score="much")  # type: ignore[arg-type]
    reply = reply_to(
        session.id,
        Action.HAND_OVER,
        reason=HandoffReason.MISSING_KNOWLEDGE,
        citations=(CITED, broken),
    )
    with pytest.raises(Exception, match="REAL column"):
        store.add_reply(reply, MADE)
    assert counts(database) == before
    after = store.session(session.id, "ann")
    assert (after.state, after.language) == ("bot", "zh-Hans")
    store.add_reply(replace(reply, citations=(CITED,)), MADE)
    assert counts(database)["citations"] == 1


def test_misses_counts_what_was_not_found_in_a_row(store: Store) -> None:
    session = store.open_session("ann", "web")
    assert store.misses(session.id) == 0
    store.add_reply(missed(session.id), MADE)
    store.add_message(session.id, "user", "and?")
    assert store.misses(session.id) == 1
    store.add_reply(missed(session.id), MADE)
    assert store.misses(session.id) == 2
    store.add_reply(reply_to(session.id), MADE)
    assert store.misses(session.id) == 0
    store.add_reply(reply_to(session.id, Action.REFUSE), MADE)  # of an injection: not offered
    assert store.misses(session.id) == 0
    assert store.misses(store.open_session("ann", "web").id) == 0


def test_the_last_rating_counts(store: Store) -> None:
    session = store.open_session("ann", "web")
    reply = reply_to(session.id)
    store.add_reply(reply, MADE)
    assert store.turns(session.id)[0].rating == 0
    store.rate(reply.id, "ann", 1)
    store.rate(reply.id, "ann", -1, "wrong kettle")
    (turn,) = store.turns(session.id)
    assert (turn.rating, turn.rating_reason, turn.reply) == (-1, "wrong kettle", reply)


def test_silence_leaves_no_message(store: Store) -> None:
    session = store.open_session("ann", "web")
    store.add_reply(reply_to(session.id, Action.WAIT, text="", citations=()), MADE)
    assert store.history(session.id) == ()


def test_the_owner_sees_no_notes_and_staff_do(store: Store) -> None:
    session = store.open_session("ann", "web")
    store.add_message(session.id, "user", "hi")
    store.add_message(session.id, "note", "a colleague joined")
    store.add_message(session.id, "agent", "hello")
    assert [t.message.text for t in store.transcript(session.id, "ann")] == ["hi", "hello"]
    assert len(store.turns(session.id)) == 3


def test_staff_see_conversations_newest_first(store: Store, database: Database) -> None:
    first, second, empty = (store.open_session("ann", "web") for _ in range(3))
    store.add_message(first.id, "user", "one")
    store.add_message(second.id, "user", "two")
    store.add_message(first.id, "user", "three")
    store.add_message(first.id, "assistant", "four")
    Handovers(database, store).request(first.id, "ann", HandoffReason.CUSTOMER_REQUEST)
    listed = store.sessions()
    assert [s.id for s in listed] == [first.id, second.id]
    assert empty.id not in {s.id for s in listed}
    assert (listed[0].turns, listed[0].last_text, listed[0].waiting) == (2, "four", True)
    assert [s.id for s in store.sessions(limit=1, offset=1)] == [second.id]


def test_eight_threads_lose_nothing(store: Store, database: Database) -> None:
    shared, handovers = store.open_session("ann", "web"), Handovers(database, store)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            own = store.open_session(f"visitor-{number}", "web")
            for i in range(10):
                store.add_message(shared.id, "user", f"{number}-{i}")
                store.add_reply(reply_to(own.id, text=f"{number}-{i}"), MADE)
                handovers.request(shared.id, "ann", HandoffReason.CUSTOMER_REQUEST)
            said = [m.text for m in store.history(own.id)]
            assert said == [f"{number}-{i}" for i in range(10)]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert counts(database) == {
        "sessions": 9,
        "messages": 160,
        "replies": 80,
        "citations": 80,
        "ratings": 0,
        "handoffs": 1,  # eight threads asked eighty times
    }
    texts = [m.text for m in store.history(shared.id, limit=100)]
    for number in range(8):
        own = [text for text in texts if text.startswith(f"{number}-")]
        assert own == [f"{number}-{i}" for i in range(10)]


def test_it_is_still_there_after_a_restart(home: Path) -> None:
    database = Database(home / "zhike.db")
    session = Store(database).open_session("ann", "web")
    reply = reply_to(session.id)
    Store(database).add_reply(reply, MADE)
    database.close()
    again = Database(home / "zhike.db")
    assert Store(again).reply(reply.id, "ann") == reply
    again.close()
