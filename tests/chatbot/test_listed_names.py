"""The team's list of names: kept in a file, read again when it changes, and never half read."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.entities import entities
from chatbot.errors import ChatbotError
from chatbot.explanation import explain
from chatbot.listed_names import FILE, MOST, MOST_BYTES, MOST_SPELLINGS, ListedNames
from chatbot.name_finder import Name
from chatbot.settings import ChatbotSettings
from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming

HEAD = "kind,name,also\n"


@pytest.fixture
def names(tmp_path: Path) -> ListedNames:
    return ListedNames(tmp_path / FILE)


def _found(names: ListedNames, text: str) -> list[str]:
    return [one.name.name for one in names.found(text)]


def test_what_is_added_is_found_at_once_and_removed_again(names: ListedNames) -> None:
    assert names.all() == () and _found(names, "K2") == []
    names.add("product", "K2 Yun Pro", ["K2", " k2 ", "云 Pro"])
    names.add("place", "杭州", ["Hangzhou"])
    assert _found(names, "is my k2 in hangzhou?") == ["K2 Yun Pro", "杭州"]
    names.add("product", "k2 yun pro", ["Yun kettle, big"])  # the same name: spellings are added
    assert names.all() == (
        Name("product", "k2 yun pro", ("K2", "云 Pro", "Yun kettle, big")),
        Name("place", "杭州", ("Hangzhou",)),
    )
    assert ListedNames(names.path).all() == names.all()
    assert names.remove("雲 pro").name == "k2 yun pro"  # by any spelling, in either script
    assert _found(names, "is my k2 in hangzhou?") == ["杭州"]
    with pytest.raises(ChatbotError, match=r"'K2' is not in .*entities\.csv.*zhike entities list"):
        names.remove("K2")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1: the columns must be kind,name,also"),
        (b"product,K2\n", "line 1: the columns must be kind,name,also"),
        (b"kind;name;also\n", "line 1: the columns must be kind,name,also"),
        (HEAD + "product,K1\ncolour,red\n", "line 3: 'colour' is no kind of name. Known: product"),
        (HEAD + "product,K1\n\nproduct\n", "line 4: there are 1 cells"),
        (HEAD + "product,K1,a,b\n", "line 2: there are 4 cells"),
        (HEAD + "product,云\n", "line 2: '云': a name has at least 2 letters"),
        (HEAD + "product,🫖🫖\n", "line 2: '🫖🫖': a name has at least 2 letters"),
        (HEAD + f"product,{'x' * 81}\n", "at most 80 characters"),
        (HEAD + 'product,"K1\n', "line 2: is no CSV"),
        (HEAD + 'product,"K1"x\n', "line 2: is no CSV"),
        (HEAD + "product,K1\nplace,k-1\n", "line 3: 'k-1' belongs to 'K1' (line 2) already"),
        (HEAD + 'product,"K1\nb",\nproduct,K2\nplace,k2', "line 5: 'k2' belongs to 'K2' (line 4)"),
        (HEAD + "product,K9," + "|".join(f"s{i}" for i in range(MOST_SPELLINGS + 1)), "more than"),
        (HEAD + "".join(f"product,n{i}\n" for i in range(MOST + 1)), "a list holds 10,000 names"),
        (HEAD.encode() + "product,K1\nproduct,龙井\n".encode("gb18030"), "line 3: is not UTF-8"),
        (b"x" * (MOST_BYTES + 1), "larger than 4 MB"),
    ],
)
def test_a_bad_file_is_one_sentence_with_file_and_line(
    names: ListedNames, content: str | bytes, problem: str
) -> None:
    names.path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ChatbotError) as error:
        names.all()
    assert str(names.path) in str(error.value) and problem in str(error.value)
    assert "\n" not in str(error.value).replace("K1\nb", "")
    with pytest.raises(ChatbotError):  # and it is not written over
        names.add("product", "K7")
    assert names.path.read_bytes() == (content if isinstance(content, bytes) else content.encode())


def test_a_file_as_spreadsheets_write_it_is_read(names: ListedNames) -> None:
    text = '\ufeffKind,Name,Also,,\r\nProduct, K2 ,,,\r\n,,,,\r\nplace,"Main St, 5",a1| b2 |,\r\n'
    names.path.write_bytes(text.encode())
    assert names.all() == (Name("product", "K2"), Name("place", "Main St, 5", ("a1", "b2")))


def test_a_file_that_was_spoilt_leaves_the_list_from_before(names: ListedNames) -> None:
    names.add("product", "K2")
    assert _found(names, "my K2") == ["K2"] and names.problem == ""
    names.path.write_text("nonsense", encoding="utf-8")
    assert _found(names, "my K2") == ["K2"]
    assert "line 1" in names.problem and "The list from before counts" in names.problem
    names.path.write_text(HEAD + "product,K33\n", encoding="utf-8")
    assert _found(names, "my K2, my K33") == ["K33"] and names.problem == ""
    names.path.unlink()
    assert _found(names, "my K33") == []


def test_a_folder_in_place_of_the_file_is_one_sentence(names: ListedNames) -> None:
    names.path.mkdir()
    for act in (names.all, lambda: names.add("product", "K2")):
        with pytest.raises(ChatbotError, match=r"entities\.csv.*cannot be read"):
            act()
    assert _found(names, "K2") == []


@pytest.mark.parametrize(
    ("name", "also"), [("x", ()), ("", ()), ("K2|K3", ()), ("K2", ("y" * 81,)), ("K1", ("K9",))]
)
def test_a_name_that_cannot_be_is_refused(
    names: ListedNames, name: str, also: tuple[str, ...]
) -> None:
    names.add("place", "Kiel", ["K9"])
    before = names.path.read_bytes()
    with pytest.raises(ChatbotError):
        names.add("product", name, also)
    assert names.path.read_bytes() == before


def test_names_added_at_the_same_time_are_all_kept(names: ListedNames) -> None:
    adders = [
        threading.Thread(target=ListedNames(names.path).add, args=("product", f"Tea {i}"))
        for i in range(12)
    ]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    assert {name.name for name in names.all()} == {f"Tea {i}" for i in range(12)}


def test_names_are_entities_beside_the_others(names: ListedNames) -> None:
    names.add("product", "盖碗", ["gaiwan"])
    said = ["the gaiwan of #1234 for [NAME_1]", "gaiwans"]
    assert [(e.kind, e.text, e.value) for e in entities(said, naming=names.entities)] == [
        ("order_number", "#1234", "#1234"),
        ("name", "[NAME_1]", "[NAME_1]"),
        ("product", "gaiwan", "盖碗"),
    ]


@pytest.fixture
def shop(tmp_path: Path) -> App:
    made = build(tmp_path / "home", tmp_path / "models", chatbot=ChatbotSettings(generator="none"))
    made.names.add("product", "K2 Yun Pro", ["K2"])
    return made


@pytest.mark.slow
def test_trace_packet_explanation_and_health_know_the_names(shop: App) -> None:
    visitor = new_id()
    reply = shop.assistant.reply(Incoming("can the k2 be blue in the moonlight?", visitor))
    steps = {step.name: step.detail for step in reply.trace}
    assert steps["entities"] == "product K2 Yun Pro"
    shop.handovers.request(reply.session_id, visitor, HandoffReason.CUSTOMER_REQUEST)
    packet = shop.handovers.packet(reply.session_id)
    assert packet is not None
    assert [(e.kind, e.value) for e in packet.entities] == [("product", "K2 Yun Pro")]
    table = explain(shop.assistant, "the K2?").table()
    assert table["entities"] == [{"kind": "product", "text": "K2", "value": "K2 Yun Pro"}]
    assert not any("entities.csv" in problem for problem in shop.health().problems)
    shop.names.path.write_text("nonsense", encoding="utf-8")
    assert any("entities.csv, line 1" in problem for problem in shop.health().problems)
    assert shop.assistant.reply(Incoming("is the k2 quiet?", visitor)).text
    shop.close()
