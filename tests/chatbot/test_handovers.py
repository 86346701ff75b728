"""A person takes over: the queue, one call at a time, silence, memory, what is private."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chatbot.errors import ChatbotError, NotFound, WrongState
from chatbot.handovers import Handovers
from chatbot.policy import Situation, decide
from chatbot.store import Store, new_id
from chatbot.types import Action, HandoffReason, Intent, Reply, Verdict
from knowledge.database import Database
from tests.chatbot.test_store import MADE, missed, reply_to

ASKED = HandoffReason.CUSTOMER_REQUEST


@pytest.fixture
def handovers(database: Database, store: Store) -> Handovers:
    return Handovers(database, store)


def calling(store: Store, handovers: Handovers, visitor: str = "ann", text: str = "help") -> str:
    """A conversation whose customer called a person."""
    session = store.open_session(visitor, "web", language="en")
    store.add_message(session.id, "user", text)
    handovers.request(session.id, visitor, ASKED)
    return session.id


def test_the_longest_waiting_comes_first_and_hears_its_place(
    store: Store, handovers: Handovers
) -> None:
    first, second = calling(store, handovers, "ann"), calling(store, handovers, "bob")
    assert [line.session_id for line in handovers.queue("waiting", "kim")] == [first, second]
    places = [handovers.status(s, v).position for s, v in ((first, "ann"), (second, "bob"))]
    assert places == [1, 2]
    handovers.take(first, "kim")
    assert handovers.status(second, "bob").position == 1
    assert handovers.status(first, "ann").position == 0
    assert handovers.counts("kim") == {"waiting": 1, "mine": 1, "others": 0}
    assert handovers.counts("lee") == {"waiting": 1, "mine": 0, "others": 1}
    assert [line.session_id for line in handovers.queue("others", "lee")] == [first]


def test_a_waiting_session_calls_nobody_again(
    store: Store, handovers: Handovers, database: Database
) -> None:
    session = store.open_session("ann", "web")
    handovers.request(session.id, "ann", ASKED, "the E2 again, I am 13812345678")
    handovers.request(session.id, "ann", HandoffReason.ANGER)
    again = reply_to(session.id, Action.HAND_OVER, reason=ASKED)
    store.add_reply(again, MADE)
    rows = database.rows("SELECT reason, note, closed FROM handoffs")
    note = "the E2 again, I am [PHONE_1]"
    assert rows == [{"reason": "customer_request", "note": note, "closed": None}]


def test_the_database_itself_holds_one_open_call(
    store: Store, handovers: Handovers, database: Database
) -> None:
    session = calling(store, handovers)
    row = {"id": new_id(), "session_id": session, "reason": "anger", "created": "2026-01-01"}
    with pytest.raises(Exception, match="UNIQUE"), database.write() as db:
        db.table("handoffs").insert(row)


def test_a_reply_that_comes_too_late_is_silence(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    handovers.take(session, "kim")
    stored = store.add_reply(reply_to(session), MADE)
    assert (stored.action, stored.text, stored.citations) == (Action.WAIT, "", ())
    assert [m.role for m in store.history(session)] == ["user"]


def test_agents_answer_under_their_name(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    assert handovers.name("kim") == ""
    handovers.rename("kim", " Kim Li ")
    said = handovers.say(session, "kim", "Hello, I am Kim. Mail me: kim@shop.example")
    assert store.transcript(session, "ann")[-1].message == said
    assert (said.role, said.author) == ("agent", "Kim Li")
    assert "kim@shop.example" in said.text  # the shop's own word is not masked
    status = handovers.status(session, "ann")
    assert (status.state, status.agent) == ("person", "Kim Li")  # answering takes it


def test_notes_stay_inside(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    handovers.note(session, "kim", "knows the customer: SECRET")
    assert "SECRET" in store.turns(session)[-1].message.text
    assert all("SECRET" not in t.message.text for t in store.transcript(session, "ann"))
    assert all("SECRET" not in m.text for m in store.history(session))


def test_a_colleagues_conversation_must_be_taken_first(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    handovers.take(session, "kim")
    acts: list[Callable[[], object]] = [
        lambda: handovers.say(session, "lee", "hi"),
        lambda: handovers.give_back(session, "lee"),
        lambda: handovers.close(session, "lee", "solved"),
    ]
    for act in acts:
        with pytest.raises(WrongState, match="Assign it to yourself"):
            act()
    handovers.take(session, "lee")
    handovers.say(session, "lee", "hi")
    handovers.close(session, "lee", "solved")
    for act in (*acts, lambda: handovers.take(session, "kim")):
        with pytest.raises(WrongState):
            act()
    assert store.session(session, "ann").state == "closed"


def test_memory_begins_after_the_solution(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    store.add_reply(missed(session), MADE)
    handovers.take(session, "kim")
    handovers.say(session, "kim", "It is in the post.")
    handovers.give_back(session, "kim")
    assert (store.history(session), store.misses(session)) == ((), 0)
    status = handovers.status(session, "ann")
    assert (status.outcome, status.quiet) == ("returned", True)
    store.add_message(session, "user", "and the other?")
    assert not handovers.status(session, "ann").quiet
    assert [m.text for m in store.history(session)] == ["and the other?"]
    assert len(store.transcript(session, "ann")) == 4  # the customer still reads all of it
    handovers.request(session, "ann", ASKED)
    packet = handovers.packet(session)
    assert packet and (packet.questions, packet.first) == (1, "and the other?")


def test_whoever_writes_after_the_end_is_answered(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    handovers.close(session, "kim", "spam")
    (line,) = handovers.queue("solved", "kim")
    assert (line.outcome, line.agent, line.state) == ("spam", "kim", "closed")
    assert (latest := store.latest_session("ann", "web")) and latest.id == session
    store.add_message(session, "user", "hello again")
    assert store.session(session, "ann").state == "bot"
    handovers.request(session, "ann", ASKED)
    assert handovers.queue("solved", "kim") == ()


def test_a_contact_is_for_the_agent_of_the_call_only(
    store: Store, handovers: Handovers, database: Database
) -> None:
    session = calling(store, handovers)
    assert not handovers.status(session, "ann").contact
    handovers.leave_contact(session, "ann", "ann@home.example, after six")
    assert handovers.status(session, "ann").contact
    assert handovers.contact(session, "kim") is None
    handovers.take(session, "kim")
    assert handovers.contact(session, "kim") == "ann@home.example, after six"
    assert handovers.contact(session, "lee") is None
    turns = store.turns(session)
    assert turns[-1].message.text == "[EMAIL]"
    assert "home.example" not in "".join(t.message.text for t in turns)
    with pytest.raises(NotFound):
        handovers.leave_contact(session, "bob", "x")


def test_foreign_and_missing_look_alike(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    calls: list[Callable[[str], object]] = [
        lambda id_: handovers.request(id_, "bob", ASKED),
        lambda id_: handovers.status(id_, "bob"),
        lambda id_: handovers.leave_contact(id_, "bob", "me"),
    ]
    for call in calls:
        messages = []
        for id_ in (session, "0" * 32):
            with pytest.raises(NotFound) as error:
                call(id_)
            messages.append(str(error.value).replace(id_, "ID"))
        assert messages[0] == messages[1]


def test_bad_input_is_a_sentence(store: Store, handovers: Handovers) -> None:
    session = calling(store, handovers)
    bad: list[Callable[[], object]] = [
        lambda: handovers.say(session, "kim", "  "),
        lambda: handovers.say(session, "kim", "x" * 4_001),
        lambda: handovers.leave_contact(session, "ann", "x" * 201),
        lambda: handovers.rename("kim", ""),
        lambda: handovers.close(session, "kim", "later"),  # type: ignore[arg-type]
    ]
    for act in bad:
        with pytest.raises(ChatbotError) as error:
            act()
        assert str(error.value).endswith(".")
    with pytest.raises(WrongState):
        handovers.take(store.open_session("ann", "web").id, "kim")
    with pytest.raises(NotFound):
        handovers.take("0" * 32, "kim")
    assert store.session(session, "ann").state == "waiting"


def test_a_home_of_an_older_version_goes_on(home: Path) -> None:
    """Calls without a packet, as the version before stored them."""
    database = Database(home / "zhike.db")
    store = Store(database)
    session = store.open_session("ann", "web")
    with database.write() as db:
        db.table("sessions").update(session.id, {"state": "waiting"})
        db.table("handoffs").insert(
            {"id": new_id(), "session_id": session.id, "reason": "policy", "created": "2026-01-01"}
        )
    handovers = Handovers(database, store)
    assert handovers.packet(session.id) is None
    assert handovers.queue("waiting", "kim")[0].last_text == ""
    handovers.take(session.id, "kim")
    handovers.close(session.id, "kim", "unsolved")
    database.close()


class Desk(RuleBasedStateMachine):
    """One customer, two agents and the bot as the policy drives it, over a real store."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(FOLDER[0]) / new_id()
        self.database = Database(self.folder / "zhike.db")
        self.store = Store(self.database)
        self.handovers = Handovers(self.database, self.store)
        self.session = self.store.open_session("ann", "web").id
        self.since_end = 0  # questions without evidence since a person ended the matter
        self.said = 0  # messages of the bot

    def state(self) -> str:
        return self.store.session(self.session, "ann").state

    @rule(intent=st.sampled_from(["topic", "person"]), evidence=st.sampled_from([0.0, 1.0]))
    def the_customer_writes(self, intent: str, evidence: float) -> None:
        before = self.state()
        self.store.add_message(self.session, "user", "?")
        route = "person" if intent == "person" else "answer"
        now = Situation(
            state=self.state(),
            verdict=Verdict("?"),
            intent=Intent(intent, 1.0, route),  # type: ignore[arg-type]
            evidence=evidence,
            misses=self.store.misses(self.session),
        )
        decision = decide(now)
        stored = self.reply(decision.action, decision.phrase, decision.reason)
        self.since_end += route == "answer" and not evidence
        assert (stored.action is Action.WAIT) == (before == "person")
        if decision.reason is HandoffReason.MISSING_KNOWLEDGE and before != "waiting":
            assert self.since_end >= 2, "called again for a miss of before the return"

    def reply(self, action: Action, phrase: str, reason: HandoffReason | None) -> Reply:
        escalate = action is Action.HAND_OVER or phrase == "no_evidence"
        return self.store.add_reply(
            reply_to(self.session, action, escalate=escalate, reason=reason, citations=()), MADE
        )

    @rule()
    def a_slow_reply_arrives(self) -> None:
        self.reply(Action.QUOTE, "", None)

    @rule()
    def the_customer_calls(self) -> None:
        self.handovers.request(self.session, "ann", ASKED)
        assert self.state() in ("waiting", "person")

    @rule(agent=st.sampled_from(["kim", "lee"]), act=st.sampled_from(["take", "say", "note"]))
    def an_agent_acts(self, agent: str, act: str) -> None:
        if act == "take":
            self.tried(lambda: self.handovers.take(self.session, agent))
        elif act == "say":
            self.tried(lambda: self.handovers.say(self.session, agent, "hello"))
        else:
            self.handovers.note(self.session, agent, "hm")

    @rule(agent=st.sampled_from(["kim", "lee"]), outcome=st.sampled_from(["", "solved", "spam"]))
    def an_agent_ends_it(self, agent: str, outcome: str) -> None:
        if outcome:
            done = self.tried(
                lambda: self.handovers.close(self.session, agent, outcome)  # type: ignore[arg-type]
            )
        else:
            done = self.tried(lambda: self.handovers.give_back(self.session, agent))
        if done:
            self.since_end = 0
            assert self.store.history(self.session) == ()

    def tried(self, act: Callable[[], object]) -> bool:
        before = self.state()
        try:
            act()
        except (WrongState, NotFound):
            assert self.state() == before  # nothing half done
            return False
        return True

    @invariant()
    def one_open_call_exactly_while_somebody_is_wanted(self) -> None:
        if not hasattr(self, "session"):
            return
        rows = self.database.rows("SELECT agent FROM handoffs WHERE closed IS NULL")
        state = self.state()
        assert len(rows) == (state in ("waiting", "person"))
        assert all((row["agent"] is not None) == (state == "person") for row in rows)

    @invariant()
    def the_bot_is_silent_while_a_person_is_there(self) -> None:
        if not hasattr(self, "session"):
            return
        said = sum(t.message.role == "assistant" for t in self.store.turns(self.session))
        assert self.state() != "person" or said == self.said
        self.said = said

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()


FOLDER: list[Path] = []


@pytest.mark.slow
def test_the_desk_holds_its_promises(tmp_path: Path) -> None:
    FOLDER[:] = [tmp_path]
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=10,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
