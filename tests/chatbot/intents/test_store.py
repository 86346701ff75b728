"""What staff edit: checked, all or nothing, and every change is one."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from chatbot.errors import IntentError, NotFound
from chatbot.intents.store import (
    Definition,
    IntentStore,
    checked_example,
    from_table,
    packaged,
    to_toml,
)
from knowledge.database import Database

REFUND = Definition("refund", "Money back", examples=("where is my money", "钱什么时候退"))


@pytest.fixture
def intents(database: Database) -> IntentStore:
    store = IntentStore(database)
    store.merge([REFUND], replace=True)
    return store


def test_a_fresh_home_has_the_packaged_intents_once(database: Database) -> None:
    store = IntentStore(database)
    assert {d.name for d in store.all()} == {d.name for d in packaged()}
    store.remove("refund")
    assert "refund" not in {d.name for d in IntentStore(database).all()}


def test_add_change_remove(intents: IntentStore) -> None:
    before = intents.revision()
    intents.add(Definition(" gift  card ", "Vouchers", examples=(" a\tgift ", "a gift", "礼品卡")))
    assert intents.get("gift card").examples == ("a gift", "礼品卡")
    intents.change("gift card", Definition("voucher", "Vouchers", examples=("my voucher",)))
    assert [d.name for d in intents.all()] == ["refund", "voucher"]
    assert intents.add_examples("voucher", ["my voucher", "another one"]) == 1
    intents.remove_example("voucher", "my voucher")
    assert intents.get("voucher").examples == ("another one",)
    intents.remove("voucher")
    assert intents.all() == (REFUND,)
    assert intents.revision() == before + 5


def test_an_example_has_the_same_key_after_it_came_back(intents: IntentStore) -> None:
    (key,) = [e.key for e in intents.examples() if e.text == "where is my money"]
    intents.remove_example("refund", "where is my money")
    assert intents.example(key) is None
    intents.add_examples("refund", ["where is my money"])
    again = intents.example(key)
    assert again is not None and again.text == "where is my money"


WRONG: dict[str, tuple[Callable[[IntentStore], object], type[Exception], str]] = {
    "a name that is taken": (lambda s: s.add(REFUND), IntentError, "'refund' already"),
    "no name": (lambda s: s.add(Definition(" ")), IntentError, "needs a name"),
    "a joint in the name": (lambda s: s.add(Definition("a|b")), IntentError, "needs a name"),
    "an unknown route": (
        lambda s: s.add(Definition("x", route="robot")),  # type: ignore[arg-type]
        IntentError,
        "must be one of answer",
    ),
    "approved without a question": (
        lambda s: s.add(Definition("x", route="approved")),
        IntentError,
        "needs the question",
    ),
    "small talk without words": (
        lambda s: s.add(Definition("x", route="smalltalk")),
        IntentError,
        "what is to be said",
    ),
    "the same sentence under two intents": (
        lambda s: s.add(Definition("x", examples=("new", "where is my money"))),
        IntentError,
        "'where is my money' of 'x' belongs to 'refund'",
    ),
    "an empty example": (
        lambda s: s.add_examples("refund", ["fine", "\x00 "]),
        IntentError,
        "needs a text",
    ),
    "a long example": (
        lambda s: s.add_examples("refund", ["fine", "x" * 501]),
        IntentError,
        "at most 500",
    ),
    "an intent that is not there": (lambda s: s.get("x"), NotFound, "Known: refund"),
    "to remove what is not there": (lambda s: s.remove("x"), NotFound, "no intent 'x'"),
    "an example that is not there": (
        lambda s: s.remove_example("refund", "x"),
        NotFound,
        "no example 'x'",
    ),
    "a name that another has": (
        lambda s: s.change("also", REFUND),
        IntentError,
        "Take another name",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_changes_nothing(intents: IntentStore, name: str) -> None:
    act, kind, said = WRONG[name]
    if "another has" in name:
        intents.add(Definition("also"))
    before = intents.all(), intents.revision()
    with pytest.raises(kind, match=said.replace("|", r"\|")):
        act(intents)
    assert (intents.all(), intents.revision()) == before


def test_a_text_of_two_intents_is_possible_when_meant(intents: IntentStore) -> None:
    intents.add(Definition("delay"))
    assert intents.add_examples("delay", ["where is my money"], also=True) == 1
    assert intents.get("refund") == REFUND


def test_too_many_examples(intents: IntentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.intents.store.MOST_EXAMPLES", 3)
    with pytest.raises(IntentError, match="at most 3"):
        intents.merge([Definition("many", examples=tuple("abcd"))])
    assert intents.all() == (REFUND,)


def test_what_is_exported_can_be_imported(intents: IntentStore) -> None:
    texts = ('say "hi" \\ 你好', "a = [b]", "smalltalk", 'Hello "you"')
    hard = Definition(*texts, examples=("x = 1 # 🙂",))  # type: ignore[arg-type]
    intents.add(hard)
    read = from_table(tomllib.loads(to_toml(intents.all())), "file")
    assert set(read) == set(intents.all())
    intents.merge(read, replace=True)
    assert set(read) == set(intents.all())


@pytest.mark.parametrize(
    "text", ["a = 1", "[a]\nexamples = 'x'", "[a]\nexamples = [1]", "[a]\nroute = 1"]
)
def test_a_file_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(IntentError, match=r"^f\.toml"):
        from_table(tomllib.loads(text), "f.toml")


@pytest.mark.parametrize("text", ["🙂👍", "订单号12345", "x" * 500])
def test_unusual_examples_are_kept(text: str) -> None:
    assert checked_example(f"  {text}\n") == text
