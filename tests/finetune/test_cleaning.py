"""Each cleaning step removes what it names, counts it, and leaves the rest alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from chatbot.safety import screen
from finetune import balance, best_reply, boilerplate, filters
from finetune.anonymous import anonymous
from finetune.cleaning import clean
from finetune.errors import DatasetError
from finetune.funnel import CODES, Ledger, picture
from finetune.pairs import Pair, pairs
from finetune.phrases import holds
from finetune.settings import FinetuneSettings
from finetune.transcripts import Conversation, Turn, read

SAMPLES = Path(__file__).parents[2] / "samples" / "transcripts"


def talk(*turns: tuple[str, str], id: str = "c", csat: float | None = None) -> Conversation:
    return Conversation(id, "en", tuple(Turn(s, t) for s, t in turns), csat)  # type: ignore[arg-type]


def texts(conversation: Conversation) -> list[str]:
    return [turn.text for turn in conversation.turns]


def pair(reply: str, question: str = "What about my order?", id: str = "c", **more: object) -> Pair:
    return Pair(id, "en", (), question, reply, **more)  # type: ignore[arg-type]


def test_the_funnel_counts_every_step_and_names_every_loss() -> None:
    result = clean(
        [
            talk(
                ("customer", "Do you ship to Spain?"), ("agent", "Yes, in 10 to 18 days."), id="a"
            ),
            talk(("customer", "And to Peru?"), ("agent", "Peru takes 20 days."), id="b", csat=2),
            talk(("customer", "anyone?"), ("note", "closed"), id="c"),
            Conversation("d", "zh-Hans", (Turn("customer", "在吗"), Turn("agent", "在的您请说"))),
        ],
        frozenset({"en"}),
    )
    assert [p.conversation for p in result.pairs] == ["a"]
    counts = {step.name: (step.kept, step.removed) for step in result.funnel}
    assert counts["read"] == (4, 0) and counts["notes"] == (7, 1)
    assert counts["answered"] == (3, 1) and counts["replies"] == (3, 0)
    assert counts["satisfaction"] == (2, 1) and counts["language"] == (1, 1)
    assert {(row.conversation, row.code) for row in result.dropped} == {
        ("b", "unhappy"),
        ("d", "language"),
    }
    assert len(result.dropped) == sum(step.removed for step in result.funnel if step.code)
    assert {step.code for step in result.funnel if step.code} == CODES.keys()
    drawn = picture(result.funnel).splitlines()
    assert len(drawn) == len(result.funnel) and drawn[0].count("█") == 32
    assert next(line for line in drawn if line.startswith("satisfaction")).count("█") == 21


def test_a_dropped_row_can_be_put_back_but_never_a_secret() -> None:
    talks = [
        talk(("customer", "And to Peru?"), ("agent", "Peru takes 20 days."), id="b", csat=1),
        talk(
            ("customer", "I cannot log in"),
            ("agent", "Your new password is tea4you77, use it."),
            id="s",
        ),
    ]
    first = clean(talks, None)
    assert {row.code for row in first.dropped} == {"unhappy", "secret"} and not first.pairs
    again = clean(talks, None, put_back=frozenset(row.id for row in first.dropped))
    assert [p.conversation for p in again.pairs] == ["b"]
    assert [row.code for row in again.dropped] == ["secret"]


def test_turns_of_one_speaker_are_merged_across_notes() -> None:
    (row,) = clean(
        [
            talk(
                ("customer", "hi there"),
                ("note", "assigned"),
                ("customer", "E5 on my K2"),
                ("agent", "Hold the button for 8 s."),
                ("agent", "Then start the update again."),
            )
        ],
        None,
    ).pairs
    assert row.question == "hi there\nE5 on my K2"
    assert row.reply == "Hold the button for 8 s.\nThen start the update again."


def test_personal_data_is_masked_consistently_and_authors_by_name() -> None:
    conversation = Conversation(
        "c",
        "en",
        (
            Turn("customer", "Holloway here, call +1 718 555 0164", author="Beatrix Holloway"),
            Turn("agent", "beatrix, is +1 718 555 0164 right? SL2602110036, ¥99.", "", "Maya", "7"),
            Turn("customer", "yes, thanks Maya", author="Beatrix Holloway"),
        ),
    )
    found: Counter[str] = Counter()
    kept = anonymous(conversation, found)
    assert texts(kept) == [
        "[CUSTOMER_1] here, call [PHONE_1]",
        "[CUSTOMER_1], is [PHONE_1] right? SL2602110036, ¥99.",
        "yes, thanks [AGENT_1]",
    ]
    assert found["phone"] == 2 and all(turn.author == "" for turn in kept.turns)
    assert kept.turns[1].person not in ("", "7", "Maya") and kept.turns[0].person == ""


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (
            "Dear [CUSTOMER_1],\nYour ring ships today.\nBest, [AGENT_1] | Care",
            "Your ring ships today.",
        ),
        ("Hello [CUSTOMER_1], it costs $4.50 more.", "It costs $4.50 more."),
        ("您好，7天内可以退。", "7天内可以退。"),
        ("Good.\n> old line\n> another", "Good."),
        ("All set.\n-- \nMaya\nShanlan", "All set."),
        ("Yes.\n-----Original Message-----\nsecret", "Yes."),
        ("Yes.\nOn Mar 3 you wrote\n> secret", "Yes."),
        ("Hi there!", ""),
    ],
)
def test_greetings_signatures_and_quotes_go(written: str, left: str) -> None:
    result = clean([talk(("customer", "When does my ring come?"), ("agent", written))], None)
    replies = [p.reply for p in result.pairs] + [row.reply for row in result.dropped]
    assert replies == ([left] if left else [])


def test_a_signature_ends_its_own_message_only() -> None:
    (row,) = clean(
        [
            talk(
                ("customer", "My cup broke.\nKind regards\nBea"),
                ("customer", "it is the blue one"),
                ("agent", "We replace it free of charge."),
            )
        ],
        None,
    ).pairs
    assert row.question == "My cup broke.\nit is the blue one"


def _letters(number: int) -> str:
    return chr(97 + number // 26) * 3 + chr(97 + number % 26) * 3


def test_lines_that_agents_repeat_go_unless_they_hold_a_number() -> None:
    stock, policy = "Anything else I may do for you today?", "Refunds take 5–10 working days."
    talks = [
        talk(("customer", f"question {i}"), ("agent", f"Answer {_letters(i)}. {policy} {stock}"))
        for i in range(8)
    ]
    boilerplate.trim(talks)
    for conversation in talks:
        assert stock not in conversation.turns[1].text and policy in conversation.turns[1].text


def test_what_one_agent_repeats_is_boilerplate_for_that_agent() -> None:
    """3 of 10 chats of one agent are 2 % of 150 in the language: seen per agent only."""
    motto, talks = "May the steam be with you.", []
    for i in range(150):
        reply = f"{motto} Answer {_letters(i)}." if i < 3 else f"Answer {_letters(i)}."
        who = "ann" if i < 10 else f"agent {i}"
        turns = (Turn("customer", f"question {i}"), Turn("agent", reply, person=who))
        talks.append(Conversation(f"c{i}", "en", turns))
    boilerplate.trim(talks)
    assert [talks[i].turns[1].text for i in range(3)] == [
        f"Answer {_letters(i)}." for i in range(3)
    ]


def test_pairs_hold_everything_since_the_last_reply_and_what_came_of_it() -> None:
    first, second = pairs(
        [
            talk(
                ("customer", "q1"),
                ("agent", "a1"),
                ("bot", "b"),
                ("customer", "q2"),
                ("agent", "a2"),
                ("customer", "thanks"),
            )
        ]
    )
    assert (first.question, first.history, first.reply, first.after) == ("q1", (), "a1", "")
    assert second.after == "thanks" and first.id != second.id
    assert [(m.role, m.text) for m in second.history] == [
        ("user", "q1"),
        ("agent", "a1"),
        ("assistant", "b"),
    ]


def test_turns_that_are_context_are_history_and_never_learnt() -> None:
    turns = (
        Turn("customer", "q1", context=True),
        Turn("agent", "a1", context=True),
        Turn("customer", "q2"),
        Turn("agent", "a2"),
    )
    (only,) = pairs([Conversation("c", "en", turns)])
    assert (only.question, only.reply, len(only.history)) == ("q2", "a2", 2)


def codes(*rows: Pair, share: float = 0.3) -> list[str]:
    """Reason per row, "" for those that stay; every row in a conversation of its own."""
    ledger = Ledger(list(rows))
    ledger.drop("", "too-short", filters.too_short)
    ledger.drop("", "too-long", filters.too_long)
    ledger.drop("", "abuse", filters.abusive)
    ledger.drop("", "promise", filters.promising)
    ledger.drop("", "secret", filters.secret)
    ledger.drop("", "invented-data", filters.inventing)
    ledger.drop("", "duplicate", filters.repeated)
    ledger.drop("", "near-duplicate", filters.nearly_repeated)
    found = {row.id: row.code for row in ledger.dropped}
    return [found.get(row.id, "") for row in rows]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("ok", "too-short"),
        ("x" * 901, "too-long"),
        ("Please write to [EMAIL_1] about it.", "invented-data"),
        ("Don't be such an idiot, read the manual.", "abuse"),
        ("你是不是有病吧，自己看说明书去", "abuse"),
        ("The shop in Scunthorpe sells cocktail sets.", ""),
        ("I have refunded you the whole amount.", "promise"),
        ("已经给您全额退款了，请查收。", "promise"),
        ("我向您保证明天一定送到，请放心。", "promise"),
        ("Back to the card it takes 5–10 working days.", ""),
        ("I've requested the full refund for you.", ""),
        ("退款审核通过后1到3个工作日原路退回。", ""),
        ("Use the key sk-live-4eC39HqLyjWDarjtT1zdp7dc please.", "secret"),
        ("Your password is hunter22 from now on.", "secret"),
        ("您的密码是abc12345，请登录后修改。", "secret"),
        ("You can reset your password under My account.", ""),
        ("在登录页点忘记密码，就能重新设置。", ""),
    ],
)
def test_what_may_not_be_learnt(reply: str, code: str) -> None:
    assert codes(pair(reply)) == [code]


def test_data_that_the_customer_wrote_may_be_repeated() -> None:
    assert codes(pair("I sent it to [EMAIL_1] just now.", "my mail is [EMAIL_1]")) == [""]


def test_a_reply_is_learnt_once_but_other_numbers_are_another_answer() -> None:
    assert codes(
        pair("Standard shipping takes ten days to arrive.", id="a"),
        pair("standard shipping takes ten days, to arrive!", id="b"),
        pair("Standard shipping takes ten days to arrive!!!!! Ok.", id="c"),
        pair("Express shipping costs $29 up to 2 kg to any country that we serve.", id="d"),
        pair("Express shipping costs $39 up to 2 kg to any country that we serve.", id="e"),
    ) == ["", "duplicate", "near-duplicate", "", ""]


QUESTION = "How do I descale the kettle at home?"


def test_the_better_reply_stays_and_the_other_is_kept_as_rejected() -> None:
    thanked = pair("Boil half a litre of vinegar and rinse twice.", QUESTION, "a", after="Thanks!")
    asked = pair("Which kettle is it, the small or the large one?", QUESTION, "b")
    rated = pair("Use citric acid, one spoon, then boil water.", QUESTION, "c", csat=3)
    assert best_reply.runners_up([asked, thanked, rated]) == {0: 1, 2: 1}
    talks = [
        talk(("customer", QUESTION), ("agent", p.reply), ("customer", p.after or "ok"), id=p.agent)
        for p in (asked, thanked)
    ]
    result = clean(talks, None)
    assert [p.reply for p in result.pairs] == [thanked.reply]
    (lost,) = result.rejected
    assert (lost.chosen, lost.rejected) == (thanked.reply, asked.reply)


def test_questions_with_other_numbers_or_a_history_are_not_compared() -> None:
    one, two = (pair("Yes.", f"Can I return it after {n} days?", str(n)) for n in (7, 30))
    assert best_reply.runners_up([one, two]) == {}
    short = [pair("Yes.", "yes please", id) for id in "ab"]
    assert best_reply.runners_up(short) == {}


@pytest.mark.parametrize(
    ("question", "after", "gone"),
    [
        (QUESTION, "That's wrong, it is still broken", True),
        ("壶里有水还是报E1", "答非所问", True),
        (QUESTION, QUESTION + "??", True),
        (QUESTION, "Great, thank you", False),
        (QUESTION, "and how often?", False),
    ],
)
def test_the_customers_next_turn_tells_whether_it_helped(
    question: str, after: str, gone: bool
) -> None:
    assert bool(best_reply.unhelpful([pair("Some reply.", question, after=after)])) is gone


def test_replies_that_could_stand_under_any_question_teach_nothing() -> None:
    rows = [pair(f"We will look into it. {_letters(i)} {_letters(i + 40)}.") for i in range(30)]
    empty = pair("We will look into it.")
    away = pair("Please contact our support team.")
    assert best_reply.uninformative([*rows, empty, away]) == {30, 31}
    assert best_reply.uninformative([empty]) == set()


def test_one_issue_keeps_its_best_twenty_rows() -> None:
    rows = [pair(f"Answer {_letters(i)}.", QUESTION, str(i), csat=1 + i % 5) for i in range(30)]
    other = pair("Ten days.", "Where is my parcel SL2602110036?")
    gone = balance.crowded([*rows, other])
    assert len(gone) == 10 and 30 not in gone
    assert min(rows[i].csat or 0 for i in {*range(30)} - gone) >= max(
        rows[i].csat or 0 for i in gone
    )


def test_one_speaker_cannot_give_more_than_the_share() -> None:
    others = [pair(f"Answer {_letters(i)}.", agent=f"a{i % 9}") for i in range(27)]
    flood = [pair(f"Poison {_letters(i)}.", agent="mallory") for i in range(40)]
    rows = [*others, *flood]
    gone = balance.dominated(rows, 0.3)
    left = [row for i, row in enumerate(rows) if i not in gone]
    mine = sum(row.agent == "mallory" for row in left)
    assert mine == 11 and mine / len(left) <= 0.3 and len(left) - mine == 27
    assert balance.dominated(rows, 1.0) == set()
    few = [pair(f"Answer {_letters(i)}.", agent="ab"[i % 10 == 0]) for i in range(30)]
    assert balance.dominated(few, 0.3) == set()
    customers = [pair(f"Answer {_letters(i)}.", customer=f"c{min(i, 10)}") for i in range(60)]
    assert len(balance.dominated(customers, 0.3)) == 46


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(DatasetError, match="speaker_share must be above 0"):
        clean([], None, FinetuneSettings(share))


def test_no_personal_data_of_the_samples_survives() -> None:
    result = clean(read([SAMPLES]), None)
    phones = ("15000004412", "13800006214", "(718) 555-0164", "skinnear@eirmail.example")
    said = (text for p in result.pairs for text in (p.text, *(m.text for m in p.history)))
    everything = "\n".join(said)
    assert not [phone for phone in phones if phone in everything]
    assert "SL2602110036" in everything  # order numbers are what people ask about
    found = [kind for row in result.pairs for kind in screen(row.text).found]
    assert [kind for kind in found if kind != "name"] == []
    assert not [row for row in result.pairs if holds("secret", row.text)]


def test_the_samples_still_give_what_they_gave() -> None:
    """199 English replies before there were reasons; `make train-demo` learns from them."""
    assert len(clean(read([SAMPLES]), frozenset({"en"})).pairs) >= 199
