"""Whatever a generator says, only what its evidence supports gets through; else quotes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pytest

from chatbot.answering import MOST_CITATIONS, MOST_SENTENCES, Answer, Answering
from chatbot.errors import GenerationError
from chatbot.generation.protocol import Adapter, Generation, Generator, Piece
from chatbot.phrases import phrase
from chatbot.rules import Words
from chatbot.types import Action
from knowledge.features import split
from knowledge.split import sentences as split_sentences
from knowledge.types import FaqMatch, Passage
from tests.chatbot.conftest import passage

RETURNS = passage(
    "An unused kettle can be returned within 30 days. The return postage is $6. "
    "Opened tea cannot be returned.",
    7,
)
TRUE = "An unused kettle can be returned within 30 days."
FALSE = "An unused kettle can be returned within 90 days."


@dataclass(frozen=True, slots=True)
class Scripted:
    """A generator that says what it is told to, in pieces, and ends or fails as told."""

    pieces: Sequence[str]
    stop: str | None = "end"
    error: str = ""
    name: str = "scripted"
    languages: frozenset[str] = frozenset({"en"})
    asked: list[Generation] = field(default_factory=list)

    def stream(self, request: Generation) -> Iterator[Piece]:
        self.asked.append(request)
        for text in self.pieces:
            yield Piece(text)
        if self.error:
            raise GenerationError(self.error)
        adapter = request.adapter.name if request.adapter else None
        yield Piece("", engine=self.name, adapter=adapter, stop=self.stop)


def ask(*evidence: Passage, language: str = "en", adapter: Adapter | None = None) -> Generation:
    sentences = tuple(s for p in evidence for s in split(p))
    return Generation("How long?", (), evidence, language, sentences, adapter)


def write(generator: Generator | None, request: Generation) -> tuple[Answer, list[str]]:
    answer = Answer()
    action = Action.ANSWER if generator else Action.QUOTE
    deltas = [
        delta.text for delta in Answering(generator, "generate").write(request, action, answer)
    ]
    assert "".join(deltas) == answer.text
    return answer, deltas


def test_supported_sentences_are_said_and_cited() -> None:
    answer, deltas = write(
        Scripted(
            ["An unused kettle can be ", "returned within 30", " days. The return postage is $6."]
        ),
        ask(RETURNS),
    )
    assert deltas == [TRUE, " The return postage is $6."]
    assert (answer.action, answer.engine, answer.adapter) == (Action.ANSWER, "scripted", None)
    assert [c.sentence for c in answer.citations] == [TRUE, "The return postage is $6."]
    assert all(c.id == 7 and c.text == RETURNS.text for c in answer.citations)


def test_marks_of_the_prompt_are_never_shown() -> None:
    said = Scripted(['<passage id="1">', TRUE, "</passage>"])
    answer, deltas = write(said, ask(RETURNS))
    assert answer.text == "".join(deltas) == TRUE
    answer, _ = write(Scripted([f"{TRUE}</passage> </passage"]), ask(RETURNS))
    assert answer.text == TRUE and answer.citations[0].sentence == TRUE


def test_an_unsupported_sentence_is_dropped() -> None:
    answer, _ = write(Scripted([f"{FALSE} The return postage is $6."]), ask(RETURNS))
    assert answer.text == "The return postage is $6."
    assert answer.action is Action.ANSWER
    assert "90 is not in the passage" in answer.note and FALSE in answer.note


@pytest.mark.parametrize(
    "generator",
    [
        Scripted([FALSE]),
        Scripted(["I have refunded the return postage of $6."]),
        Scripted(["I don't know whether an unused kettle can be returned."]),
        Scripted(["Opened tea can be returned."]),
        Scripted([]),
        Scripted(["An unused kettle can be returned"], stop="cancelled"),
        Scripted(["An unused kettle can be returned within 3"], stop="time"),
        Scripted([], error="out of memory"),
    ],
    ids=["number", "claim", "abstains", "negates", "empty", "cancelled", "cut off", "failed"],
)
def test_when_nothing_is_supported_the_passages_are_quoted(generator: Scripted) -> None:
    answer, deltas = write(generator, ask(RETURNS))
    assert deltas[0] == TRUE
    assert answer.text in RETURNS.text
    assert (answer.action, answer.engine, answer.adapter) == (Action.QUOTE, "quoting", None)
    assert answer.citations[0].sentence == TRUE
    assert "quoted instead" in answer.note
    assert generator.error in answer.note


def test_what_was_not_done_and_the_teams_banned_words_are_dropped() -> None:
    said = f"{TRUE} Your return postage of $6 was refunded. The return postage is $6."
    answer, _ = write(Scripted([said]), ask(RETURNS))
    assert "was refunded" not in answer.text and TRUE in answer.text
    answer = Answer()
    banned = Answering(Scripted([said]), "generate", lambda: Words(banned=("postage",)))
    list(banned.write(ask(RETURNS), Action.ANSWER, answer))
    assert answer.text == TRUE
    assert "banned word" in answer.note


def test_a_generator_that_fails_half_way_keeps_what_it_said() -> None:
    adapter = Adapter("run-1", "/runs/1")
    generator = Scripted([f"{TRUE} The "], error="the process ended")
    answer, _ = write(generator, ask(RETURNS, adapter=adapter))
    assert answer.text == TRUE
    assert (answer.action, answer.engine, answer.adapter) == (Action.ANSWER, "scripted", "run-1")
    assert "the process ended" in answer.note


def test_a_sentence_that_was_cut_off_is_not_said() -> None:
    answer, _ = write(Scripted([f"{TRUE} The return postage is $6"], "length"), ask(RETURNS))
    assert answer.text == TRUE
    assert "stopped: length" in answer.note


def test_a_sentence_is_said_once_and_an_answer_stays_short() -> None:
    assert write(Scripted([f"{TRUE} {TRUE}"]), ask(RETURNS))[0].text == TRUE
    facts = [f"Kettle number K{n} weighs {n} kilograms." for n in range(1, 7)]
    weights = passage(" ".join(facts))
    answer, _ = write(Scripted([" ".join(facts)]), ask(weights))
    assert answer.text == " ".join(facts[:MOST_SENTENCES])
    assert len(answer.citations) == MOST_CITATIONS


def test_chinese_sentences_are_joined_without_a_blank() -> None:
    text = "普通快递运费10元。满99元包邮。"
    answer, deltas = write(
        Scripted([text], languages=frozenset({"zh-Hans"})),
        ask(passage(text, language="zh-Hans"), language="zh-Hans"),
    )
    assert deltas == ["普通快递运费10元。", "满99元包邮。"] and answer.text == text


def test_a_quote_in_another_language_says_so_first() -> None:
    answer, _ = write(None, ask(RETURNS, language="zh-Hans"))
    assert answer.text.startswith(f"{phrase('other_language', 'zh-Hans')}\nAn unused kettle")
    assert answer.foreign and "人工" in answer.text
    same, _ = write(None, ask(passage("满99元包邮。", language="zh-Hans"), language="zh-Hant"))
    assert same.text == "满99元包邮。" and not same.foreign


def test_a_generator_that_copies_another_language_is_quoted_with_the_phrase() -> None:
    text = "普通快递运费10元。"
    answer, deltas = write(Scripted([text]), ask(passage(text, language="zh-Hans")))
    assert answer.text == "".join(deltas) == f"{phrase('other_language', 'en')}\n{text}"
    assert answer.action is Action.QUOTE and answer.foreign
    assert "in another language" in answer.note


def test_the_same_words_in_two_passages_cite_the_one_that_was_quoted() -> None:
    other = passage(TRUE, 8, language="de")
    answer, _ = write(None, ask(RETURNS, other))
    assert {c.id for c in answer.citations} == {7}
    assert answer.text.startswith(TRUE)


def test_every_quoted_passage_is_cited_although_citations_are_few() -> None:
    postage = passage("A parcel label is sent by e-mail.", 8)
    tea = passage("Damaged tea is replaced free of charge.", 9)
    answer, _ = write(None, ask(RETURNS, tea, postage))
    assert len(answer.citations) == MOST_CITATIONS
    for sentence in split_sentences(answer.text):
        assert any(sentence in c.text for c in answer.citations), sentence
    assert answer.citations[0].sentence == TRUE


def test_without_sentences_there_is_no_text() -> None:
    answer, deltas = write(None, Generation("?", (), (), "en"))
    assert (answer.text, deltas) == ("", [])


def test_the_approved_answer_is_word_for_word() -> None:
    text = "Yes – until 6 pm (CET)!"
    source = passage(f"Are you open?\n{text}", 9, "faq")
    match = FaqMatch(
        1, "Are you open?", text, "d", "default", "faq.csv", "FAQ", "en", score=0.95, passage_id=9
    )
    answering = Answering(None, "auto")
    own = answering.approved(match, source, "en")
    assert (own.text, own.action) == (text, Action.QUOTE)
    assert [(c.id, c.sentence, c.score) for c in own.citations] == [(9, text, 0.95)]
    other = answering.approved(match, source, "zh-Hans")
    assert other.text.endswith(f"：\n{text}") and other.foreign and not own.foreign


@pytest.mark.parametrize(
    ("mode", "adapted", "language", "writes"),
    [
        ("auto", False, "en", False),
        ("auto", True, "en", True),
        ("auto", True, "zh-Hans", False),
        ("generate", False, "en", True),
        ("generate", False, "zh-Hans", False),
        ("quote", True, "en", False),
    ],
)
def test_who_writes(
    mode: Literal["auto", "quote", "generate"], adapted: bool, language: str, writes: bool
) -> None:
    assert Answering(Scripted([]), mode).writes(language, adapted) is writes
    assert not Answering(None, mode).writes(language, adapted)
    assert Answering(Scripted([]), mode).needed(adapted) is Answering(Scripted([]), mode).writes(
        "en", adapted
    )
