"""What happened in a period, counted from conversations that were really had."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatbot.insights import Insights, insights
from chatbot.store import Provenance, Store, new_id
from chatbot.types import Action, HandoffReason, Intent, Reply, Step
from knowledge.database import Database

NOW = datetime.now(UTC)
TODAY = NOW.date()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "zhike.db")
    yield database
    database.close()


class Shop:
    """Conversations at chosen times."""

    def __init__(self, database: Database) -> None:
        self.db, self.store = database, Store(database)

    def talk(
        self,
        *turns: tuple[str, Action],
        ago: timedelta = timedelta(days=4),
        visitor: str = "",
        language: str = "en",
        thumb: int = 0,
        reason: HandoffReason | None = None,
    ) -> str:
        session = self.store.open_session(visitor or new_id(), "web", None, language)
        for text, action in turns:
            question = self.store.add_message(session.id, "user", text)
            reply = Reply(
                id=new_id(),
                session_id=session.id,
                text="…",
                action=action,
                intent=Intent("returns", 0.9),
                confidence=0.9,
                language=language,
                escalate=action is Action.REFUSE,
                reason=reason if action is Action.HAND_OVER else None,
                engine="quoting",
                trace=(Step("search", 10.0, ""), Step("answer", 2.0, "")),
            )
            self.store.add_reply(reply, Provenance(question.id, "", ""))
        if thumb:
            self.store.rate(reply.id, session.visitor, 1 if thumb > 0 else -1)
        self._move(session.id, NOW - ago)
        return session.visitor

    def _move(self, session: str, when: datetime) -> None:
        stamp = when.isoformat(timespec="milliseconds")
        with self.db.write() as db:
            db.execute("UPDATE sessions SET created = ? WHERE id = ?", [stamp, session])
            db.execute("UPDATE messages SET created = ? WHERE session_id = ?", [stamp, session])
            db.execute("UPDATE handoffs SET created = ? WHERE session_id = ?", [stamp, session])


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def seen(shop: Shop, days: int = 30, language: str = "") -> Insights:
    return insights(shop.db, days, language, TODAY)


QUOTED = ("Can I return tea?", Action.QUOTE)
REFUSED = ("Do you sell bicycles?", Action.REFUSE)


def test_nothing_happened(shop: Shop) -> None:
    found = seen(shop)
    assert found.questions == 0 and found.times == () and found.gaps == ()
    assert len(found.days) == 30 and set(found.ends.values()) == {0}


@pytest.mark.parametrize(
    ("turns", "options", "end"),
    [
        ([QUOTED], {}, "resolved"),
        ([QUOTED], {"thumb": 1, "ago": timedelta(hours=1)}, "resolved"),
        ([QUOTED], {"ago": timedelta(hours=1)}, "open"),
        ([QUOTED], {"thumb": -1}, "disliked"),
        ([REFUSED], {}, "unanswered"),
        ([QUOTED, REFUSED], {}, "unanswered"),
        ([REFUSED, QUOTED], {}, "resolved"),
        ([QUOTED, ("thanks", Action.SMALLTALK)], {}, "resolved"),
        ([("which?", Action.CLARIFY)], {}, "unanswered"),
        ([("hello", Action.SMALLTALK)], {}, "small_talk"),
        (
            [QUOTED, ("a person", Action.HAND_OVER)],
            {"reason": HandoffReason.CUSTOMER_REQUEST},
            "person",
        ),
    ],
)
def test_how_a_conversation_ended(
    shop: Shop, turns: list[tuple[str, Action]], options: dict[str, object], end: str
) -> None:
    shop.talk(*turns, **options)  # type: ignore[arg-type]
    assert {name for name, count in seen(shop).ends.items() if count} == {end}


def test_whoever_comes_back_within_48_hours_was_not_helped(shop: Shop) -> None:
    visitor = shop.talk(QUOTED, ago=timedelta(days=10))
    shop.talk(QUOTED, ago=timedelta(days=9), visitor=visitor)
    ends = seen(shop).ends
    assert (ends["returned"], ends["resolved"]) == (1, 1)


def test_a_return_after_three_days_is_another_matter(shop: Shop) -> None:
    visitor = shop.talk(QUOTED, ago=timedelta(days=10))
    shop.talk(QUOTED, ago=timedelta(days=7), visitor=visitor)
    assert seen(shop).ends["resolved"] == 2


def test_period_and_language_choose(shop: Shop) -> None:
    shop.talk(QUOTED, ago=timedelta(days=20))
    shop.talk(("可以退货吗", Action.QUOTE), language="zh-Hans")
    shop.talk(("可以退貨嗎", Action.REFUSE), language="zh-Hant")
    assert seen(shop).questions == 3
    assert seen(shop, 7).questions == 2
    assert seen(shop, 30, "zh").questions == 2
    assert seen(shop, 30, "en").actions == {"quote": 1}


def test_days_have_no_holes(shop: Shop) -> None:
    shop.talk(QUOTED, QUOTED, ago=timedelta(days=2))
    days = seen(shop, 7).days
    assert [day.date for day in days] == [TODAY - timedelta(days=i) for i in range(6, -1, -1)]
    assert [(d.conversations, d.questions) for d in days if d.questions] == [(1, 2)]


def test_the_same_question_in_other_dress_is_one_gap(shop: Shop) -> None:
    for text in ("Do you sell bicycles?", "do you sell BICYCLES", "Do you sell bicycles ?!"):
        shop.talk((text, Action.REFUSE))
    shop.talk(("Is there a student discount?", Action.REFUSE))
    gaps = seen(shop).gaps
    assert [(gap.count, gap.question) for gap in gaps] == [
        (3, "Do you sell bicycles ?!"),
        (1, "Is there a student discount?"),
    ]


def test_times_are_of_whole_turns_too(shop: Shop) -> None:
    shop.talk(QUOTED, QUOTED)
    times = {time.step: (time.p50, time.count) for time in seen(shop).times}
    assert times == {"search": (10.0, 2), "answer": (2.0, 2), "turn": (12.0, 2)}
    assert seen(shop).times[-1].step == "turn"


def test_thumbs_and_reasons(shop: Shop) -> None:
    shop.talk(QUOTED, thumb=1)
    shop.talk(QUOTED, thumb=-1)
    shop.talk(QUOTED, thumb=1)
    shop.talk(("person!", Action.HAND_OVER), reason=HandoffReason.ANGER)
    found = seen(shop)
    assert found.thumbs == (2, 1) and found.reasons == {"anger": 1}
