"""Approved answers that staff add, edit, switch off and remove, beside those of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.curation import DOCUMENT, hit
from knowledge.database import Database
from knowledge.errors import KnowledgeError, NotFound
from knowledge.knowledge_base import KnowledgeBase
from knowledge.pairs import BadPair, checked
from knowledge.types import FaqPair
from tests.knowledge.conftest import Open

TEA = "Can I return opened tea?"
OWNED = r"already asked by .*'Do you gift-wrap\?'"
FILE = "question,answer,phrasing\n{question},{answer},can opened tea go back\n"


@pytest.fixture
def faq(tmp_path: Path, base: KnowledgeBase) -> Path:
    """A table of one pair that was added."""
    path = tmp_path / "faq.csv"
    write(path, "It cannot.")
    list(base.add([path]))
    return path


def write(path: Path, answer: str, question: str = TEA) -> None:
    path.write_text(FILE.format(question=question, answer=answer), encoding="utf-8")


def answer(base: KnowledgeBase, question: str = TEA) -> str | None:
    match = base.match_faq(question)
    return match.answer if match else None


def texts(base: KnowledgeBase, query: str = "return opened tea") -> list[str]:
    return [passage.text for passage in base.search(query)]


def test_a_pair_by_hand_answers_at_once_in_every_process(open_base: Open) -> None:
    one, other = open_base(), open_base()
    assert answer(other, "Do you gift-wrap?") is None
    pair = one.approved.add("Do you gift-wrap?", "Yes, for $3.", ["可以包装成礼物吗"])
    assert (pair.origin, pair.state, pair.hits, pair.files) == ("hand", "on", 0, ())
    for base in (one, other):
        assert answer(base, "do you gift-wrap") == "Yes, for $3."
        assert answer(base, "可以包装成礼物吗") == "Yes, for $3."
        assert texts(base, "gift") == ["Do you gift-wrap?\nYes, for $3."]
    match = other.match_faq("do you gift-wrap")
    assert match is not None and match.pair == pair.id
    cited = other.passage(match.passage_id)
    assert cited is not None and cited.document == DOCUMENT
    other.approved.edit(pair.id, answer="Yes, for $4.", phrasings=[])
    for base in (one, other):
        assert answer(base, "do you gift-wrap") == "Yes, for $4."
        assert answer(base, "可以包装成礼物吗") is None
        assert texts(base, "gift") == ["Do you gift-wrap?\nYes, for $4."]
    assert open_base().approved.find(pair.id).answer == "Yes, for $4."


def test_a_hand_made_pair_outlives_every_file(base: KnowledgeBase, faq: Path) -> None:
    pair = base.approved.add("Do you gift-wrap?", "Yes, for $3.")
    write(faq, "We do not.", "Do you gift-wrap?")
    list(base.add([faq]))
    assert answer(base, "do you gift-wrap") == "Yes, for $3.", "staff's word stands"
    base.remove("faq.csv")
    assert [p.id for p in base.approved.pairs()] == [pair.id]
    acts: list[Callable[[str], object]] = [base.remove, base.publish, base.enable, base.rollback]
    for act in acts:
        with pytest.raises(KnowledgeError, match="zhike faq remove"):
            act(base.find(DOCUMENT).id)
    assert answer(base, "do you gift-wrap") == "Yes, for $3."


def test_an_edit_survives_the_file_and_the_news_are_settled(base: KnowledgeBase, faq: Path) -> None:
    (pair,) = base.approved.pairs()
    assert (pair.origin, pair.files, pair.answer) == ("file", ("faq.csv",), "It cannot.")
    edited = base.approved.edit(pair.id, answer="Only if it is faulty.")
    assert (edited.id, edited.origin, edited.news) == (pair.id, "edited", None)
    assert answer(base) == "Only if it is faulty." and answer(base, "can opened tea go back")
    assert texts(base) == [f"{TEA}\nOnly if it is faulty."], "the file's text is not found"

    write(faq, "Within 7 days.")
    list(base.add([faq]))
    assert answer(base) == "Only if it is faulty."
    assert texts(base) == [f"{TEA}\nOnly if it is faulty."]
    (pair,) = base.approved.pairs()
    assert (pair.news, pair.answer) == ("Within 7 days.", "Only if it is faulty.")
    assert base.approved.settle(pair.id, "keep").news is None
    with pytest.raises(BadPair, match="nothing to decide"):
        base.approved.settle(pair.id, "take")

    write(faq, "Within 9 days.")
    list(base.add([faq]))
    taken = base.approved.settle(pair.id, "take")
    assert (taken.origin, taken.answer, taken.news) == ("file", "Within 9 days.", None)
    assert answer(base) == "Within 9 days."
    assert [d.path for d in base.documents()] == ["faq.csv"], "nothing of staff's is left"


def test_an_edited_pair_rests_while_its_file_is_gone(base: KnowledgeBase, faq: Path) -> None:
    (pair,) = base.approved.pairs()
    base.approved.edit(pair.id, answer="Only if it is faulty.", phrasings=["tea back?"])
    base.remove("faq.csv")
    (gone,) = base.approved.pairs()
    assert gone.gone and not gone.answers
    assert answer(base) is None and texts(base) == []
    (candidate,) = base.faq_candidates(TEA)
    assert candidate.why == "gone"
    list(base.add([faq]))
    assert answer(base, "tea back") == "Only if it is faulty."
    base.enable("faq.csv", enabled=False)  # as good as gone
    assert answer(base) is None and texts(base) == [] and base.approved.pairs()[0].gone
    base.enable("faq.csv")
    assert answer(base) == "Only if it is faulty."


def test_a_pair_of_a_file_is_switched_off_and_removed(base: KnowledgeBase, faq: Path) -> None:
    (pair,) = base.approved.pairs()
    base.approved.enable(pair.id, enabled=False)
    assert answer(base) is None and texts(base) == []
    assert [c.why for c in base.faq_candidates(TEA)] == ["off"]
    base.approved.enable(pair.id)
    assert answer(base) == "It cannot." and len(texts(base)) == 1
    base.approved.edit(pair.id, answer="Only if it is faulty.")
    base.approved.remove(pair.id)
    write(faq, "Within 7 days.")
    list(base.add([faq]))
    assert answer(base) is None and texts(base) == [] and base.approved.pairs() == []
    (removed,) = base.approved.pairs(removed=True)
    assert (removed.id, removed.state) == (pair.id, "removed")
    base.approved.enable(pair.id)
    assert answer(base) == "Within 7 days."


def test_what_is_removed_is_wiped(base: KnowledgeBase, home: Path) -> None:
    pair = base.approved.add("Is the zanzibarine free?", "No quetzalite.", ["zanzibarine cost"])
    base.approved.edit(pair.id, answer="No obsidianic.")
    data = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"obsidianic" in data and b"quetzalite" not in data
    base.approved.remove(pair.id)
    data = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for word in (b"zanzibarine", b"quetzalite", b"obsidianic"):
        assert word not in data
    assert base.documents() == [] and base.approved.pairs() == []
    with pytest.raises(NotFound, match="no approved answer"):
        base.approved.find(pair.id)


def test_a_phrasing_has_one_owner(base: KnowledgeBase) -> None:
    pair = base.approved.add("Do you gift-wrap?", "Yes, for $3.", ["gift wrapping"])
    other = base.approved.add("Do you engrave?", "Yes, for $9.")
    with pytest.raises(BadPair, match=OWNED):
        base.approved.add("Gift wrapping?", "No.")
    with pytest.raises(BadPair, match=OWNED):
        base.approved.add("Do you wrap?", "No.", ["do you gift-wrap"])
    with pytest.raises(BadPair, match=OWNED):
        base.approved.edit(other.id, phrasings=["GIFT wrapping!"])
    assert [p.phrasings for p in base.approved.pairs()] == [(), ("gift wrapping",)]
    base.approved.add("Gift wrapping?", "可以，3 美元。")  # for customers of another language
    base.approved.add("Gift wrapping?", "No.", collection="wholesale")
    base.approved.edit(pair.id, answer="Yes, for $4.")
    match = base.match_faq("gift wrapping", collection="default", language="en")
    assert match is not None and match.answer == "Yes, for $4."


@pytest.mark.parametrize(
    ("question", "said", "words"),
    [
        ("", "yes", "question is empty"),
        (" ?! ", "yes", "question is empty"),
        ("Is it free?", " \n", "answer to 'Is it free\\?' is empty"),
        ("x" * 501, "yes", "501 characters; at most 500"),
        ("Is it free?", "y" * 10_001, "10001 characters; at most 10000"),
    ],
)
def test_a_pair_that_cannot_be(question: str, said: str, words: str) -> None:
    with pytest.raises(BadPair, match=words):
        checked(question, said)


def test_a_pair_is_stored_clean() -> None:
    pair = checked(" Is\u200b it\nfree? ", "Yes.\r\nIt is. ", ["a|b", "", "is it free", "A\n c  d"])
    assert pair == FaqPair("Is it free?", "Yes.\nIt is.", ("a", "b", "c d"))


def test_pairs_are_imported_all_or_none(base: KnowledgeBase, faq: Path) -> None:
    pairs = [FaqPair(TEA, "Only if it is faulty."), FaqPair("Do you gift-wrap?", "Yes, for $3.")]
    done = base.approved.load(pairs)
    assert (done.added, done.changed, done.unchanged) == (1, 1, 0)
    again = base.approved.load(pairs)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    before = base.approved.pairs()
    with pytest.raises(BadPair, match="already asked"):
        base.approved.load([FaqPair("Is it new?", "Yes."), FaqPair("Old?", "No.", (TEA,))])
    assert base.approved.pairs() == before


def test_hits_count_in_the_callers_transaction_and_outlive_the_file(
    base: KnowledgeBase, home: Path, faq: Path
) -> None:
    (pair,) = base.approved.pairs()
    database = Database(home / "zhike.db")
    with database.write() as db:
        hit(db, pair.id, "2026-01-01T00:00:00.000+00:00")
        hit(db, pair.id, "2026-01-02T00:00:00.000+00:00")
    with pytest.raises(ZeroDivisionError), database.write() as db:
        hit(db, pair.id, "2026-01-03T00:00:00.000+00:00")
        1 / 0  # noqa: B018
    database.close()
    write(faq, "Within 7 days.")
    list(base.add([faq]))
    (pair,) = base.approved.pairs()
    assert (pair.hits, pair.last_hit[:10]) == (2, "2026-01-02")
