"""Each cleaning step removes what it names, counts it, and leaves the rest alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbot.safety import screen
from finetune import cleaning
from finetune.cleaning import clean
from finetune.examples import Pair, pairs, usable
from finetune.transcripts import Conversation, Turn, read

SAMPLES = Path(__file__).parents[2] / "samples" / "transcripts"


def talk(*turns: tuple[str, str], id: str = "c", csat: float | None = None) -> Conversation:
    return Conversation(id, "en", tuple(Turn(s, t) for s, t in turns), csat)  # type: ignore[arg-type]


def texts(conversation: Conversation) -> list[str]:
    return [turn.text for turn in conversation.turns]


def test_the_funnel_counts_every_step() -> None:
    good = (("customer", "Do you ship to Spain?"), ("agent", "Yes, in 10–18 days."))
    result = clean(
        [
            talk(*good, id="a", csat=5),
            talk(*good, id="b", csat=2),
            talk(("customer", "anyone?"), ("note", "closed"), id="c"),
            Conversation("d", "zh-Hans", (Turn("customer", "在吗"), Turn("agent", "在的")), None),
        ],
        frozenset({"en"}),
    )
    assert [c.id for c in result.conversations] == ["a"]
    counts = {step.name: (step.kept, step.removed) for step in result.funnel}
    assert counts["language"] == (3, 1) and counts["satisfaction"] == (2, 1)
    assert counts["notes"] == (3, 1) and counts["answered"] == (1, 1)


def test_turns_of_one_speaker_are_merged_across_notes() -> None:
    conversation = talk(
        ("customer", "hi there"),
        ("note", "assigned"),
        ("customer", "E5 on my K2"),
        ("agent", "8 s."),
    )
    (kept,) = clean([conversation], None).conversations
    assert texts(kept) == ["hi there\nE5 on my K2", "8 s."]


def test_personal_data_is_masked_consistently_and_authors_by_name() -> None:
    conversation = Conversation(
        "c",
        "en",
        (
            Turn("customer", "Holloway here, call +1 718 555 0164", author="Beatrix Holloway"),
            Turn("agent", "Beatrix, is +1 718 555 0164 right? SL2602110036, ¥99.", author="Maya"),
            Turn("customer", "yes, thanks Maya", author="Beatrix Holloway"),
        ),
    )
    (kept,), step = cleaning.masked([conversation])
    assert texts(kept) == [
        "[CUSTOMER_1] here, call [PHONE_1]",
        "[CUSTOMER_1], is [PHONE_1] right? SL2602110036, ¥99.",
        "yes, thanks [AGENT_1]",
    ]
    assert "phone 2" in step.reason and all(turn.author == "" for turn in kept.turns)


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
    question = ("customer", "When does my ring come?")
    (kept,), _ = cleaning.trimmed([talk(question, ("agent", written))])
    assert texts(kept)[1:] == ([left] if left else [])


def test_lines_that_agents_repeat_go_unless_they_hold_a_number() -> None:
    stock, policy = "Anything else I may do for you today?", "Refunds take 5–10 working days."
    conversations = [
        talk(
            ("customer", f"question {i}"), ("agent", f"Answer {chr(97 + i) * 4}. {policy} {stock}")
        )
        for i in range(8)
    ]
    kept, _ = cleaning.trimmed(conversations)
    for conversation in kept:
        assert stock not in conversation.turns[1].text and policy in conversation.turns[1].text


def test_pairs_hold_everything_since_the_last_reply() -> None:
    first, second = pairs(
        [
            talk(
                ("customer", "q1"),
                ("agent", "a1"),
                ("bot", "b"),
                ("customer", "q2"),
                ("agent", "a2"),
            )
        ]
    )
    assert (first.question, first.history, first.reply) == ("q1", (), "a1")
    assert [(m.role, m.text) for m in second.history] == [
        ("user", "q1"),
        ("agent", "a1"),
        ("assistant", "b"),
    ]


def pair(reply: str, question: str = "What about my order?", id: str = "c") -> Pair:
    return Pair(id, "en", (), question, reply)


def test_replies_that_teach_nothing_are_dropped_with_a_count() -> None:
    kept, funnel = usable(
        [
            pair("ok"),
            pair("x" * 901),
            pair("Please write to [EMAIL_1] about it."),
            pair("I sent it to [EMAIL_1] just now.", "my mail is [EMAIL_1]"),
            pair("Standard shipping takes ten days to arrive."),
            pair("standard shipping takes ten days, to arrive!"),
            pair("Standard shipping takes ten days to arrive!!!!! Ok."),
            pair("Express shipping costs $29 up to 2 kg to any country that we serve."),
            pair("Express shipping costs $39 up to 2 kg to any country that we serve."),
        ]
    )
    assert [p.reply[:12] for p in kept] == [
        "I sent it to",
        "Standard shi",
        "Express ship",
        "Express ship",
    ]
    assert [(s.name, s.removed) for s in funnel[1:]] == [
        ("length", 2),
        ("placeholders", 1),
        ("duplicates", 2),
    ]


def test_no_personal_data_of_the_samples_survives() -> None:
    kept = clean(read([SAMPLES]), None).conversations
    phones = ("15000004412", "13800006214", "(718) 555-0164", "skinnear@eirmail.example")
    everything = "\n".join(turn.text for c in kept for turn in c.turns)
    assert not [phone for phone in phones if phone in everything]
    assert "SL2602110036" in everything  # order numbers are what people ask about
    found = [kind for c in kept for t in c.turns for kind in screen(t.text).found]
    assert [kind for kind in found if kind != "name"] == []
