"""A promoted tagger marks the team's slots from the next turn on, until it is rolled back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chatbot.app import App, build
from chatbot.crf_features import features, places, shape
from chatbot.crf_tagger import CrfTagger
from chatbot.errors import NotFound
from chatbot.explanation import explain
from chatbot.listed_names import FILE, ListedNames
from chatbot.model_files import folder_sha256
from chatbot.settings import ChatbotSettings
from chatbot.spans import Span, bio, spans_of
from chatbot.store import new_id
from chatbot.types import HandoffReason, Incoming
from finetune import crf_training, tagger_run
from finetune.errors import NotPromotable
from finetune.registry import Registry, opened
from finetune.spans import Marked
from finetune.tagger_run import TaggerJob
from tests.marked_texts import bookings, write

SAID = {"en": "bea, a table for 7 at 21 please", "zh": "阿丁想订明天7个人21点的位子"}
FOUND = {
    "en": [("party", "7"), ("booked_for", "21")],
    "zh": [("party", "7个人"), ("booked_for", "21点")],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> App:
    """With a tagger of both languages that nobody has promoted."""
    root = tmp_path_factory.mktemp("shop")
    home, models = root / "home", root / "models"
    made = build(home, models, chatbot=ChatbotSettings(generator="none"))
    data = write(root / "data.jsonl", bookings("en") + bookings("zh"))
    for name in ("first", "second"):
        tagger_run.run(TaggerJob(home, models, data, name=name))
    return made


@pytest.fixture
def registry(shop: App) -> Registry:
    """As another process has it; what a test promoted is taken back."""
    found = opened(shop.database.path.parent)
    while found.serving("entities"):
        found.rollback("entities")
    return found


def _slots(shop: App, text: str) -> list[tuple[str, str]]:
    known = shop.store.noticing([text], None, None)
    return [(e.kind, e.value) for e in known if e.kind in ("party", "booked_for")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_promoted_it_marks_the_next_turn_and_rolled_back_no_more(
    shop: App, registry: Registry, language: str
) -> None:
    said = SAID[language]
    assert _slots(shop, said) == []
    registry.promote("first")
    assert _slots(shop, said) == FOUND[language]
    registry.promote("second")
    assert registry.serves(registry.show("second")) and not registry.serves(registry.show("first"))
    before = registry.rollback("entities")
    assert before is not None and before.name == "first"
    assert _slots(shop, said) == FOUND[language]
    assert registry.rollback("entities") is None and _slots(shop, said) == []
    with pytest.raises(NotFound, match="No tagger is promoted"):
        registry.rollback("entities")


def test_the_adapter_stays_what_it_is(registry: Registry) -> None:
    registry.promote("first")
    assert registry.serving() is None and registry.serving("entities") is not None
    with pytest.raises(NotFound, match="No dialogue adapter is promoted"):
        registry.rollback()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_trace_packet_and_explanation_show_the_slots(
    shop: App, registry: Registry, language: str
) -> None:
    registry.promote("first")
    visitor = new_id()
    reply = shop.assistant.reply(Incoming(SAID[language], visitor))
    (step,) = [step for step in reply.trace if step.name == "entities"]
    assert all(f"{kind} {value}" in step.detail for kind, value in FOUND[language])
    shop.handovers.request(reply.session_id, visitor, HandoffReason.CUSTOMER_REQUEST)
    packet = shop.handovers.packet(reply.session_id)
    assert packet is not None
    assert {*FOUND[language]} <= {(e.kind, e.value) for e in packet.entities}
    table = explain(shop.assistant, SAID[language]).table()
    assert {*FOUND[language]} <= {(e["kind"], e["value"]) for e in table["entities"]}


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_tagger_marks_nothing_and_health_says_so(
    shop: App, registry: Registry, damage: str
) -> None:
    registry.promote("first")
    assert _slots(shop, SAID["en"]) == FOUND["en"]
    assert not any("Tagger" in problem for problem in shop.health().problems)
    file = Path(str(registry.show("first").path)) / "model.crfsuite"
    before = file.read_bytes()
    try:
        if damage == "changed":
            file.write_bytes(before[: len(before) // 2])
        else:
            file.unlink()
        assert _slots(shop, SAID["en"]) == [], "and the turn goes on"
        (problem,) = [p for p in shop.health().problems if "Tagger 'first' marks nothing" in p]
        assert "zhike runs rollback --task entities" in problem
        with pytest.raises(NotPromotable, match="not those that were trained"):
            registry.promote("first")
    finally:
        file.write_bytes(before)
    assert _slots(shop, SAID["en"]) == FOUND["en"], "restored, it serves again"
    assert not any("Tagger" in problem for problem in shop.health().problems)


def test_what_may_not_serve(registry: Registry) -> None:
    with pytest.raises(NotPromotable, match="serves all sessions"):
        registry.promote("first", 0.5)
    home, run = registry.folder("first").parents[1], registry.show("first")
    registry.finish(
        "first", "", (None, None), str(run.sha256), run.card | {"engine": "encoder"}, "tagger"
    )
    with pytest.raises(NotPromotable, match=r"is an encoder.*only a CRF serves.*--engine crf"):
        registry.promote("first", force=True, reason="x")
    wrong = run.card["report"] | {"f1": 0.0}
    registry.finish(
        "first", "", (None, None), str(run.sha256), run.card | {"report": wrong}, "tagger"
    )
    with pytest.raises(NotPromotable, match="marks no held-out span right"):
        registry.promote("first")
    registry.promote("first", force=True, reason="a trial")
    assert opened(home).show("first").card["forced"]["reason"] == "a trial"
    registry.finish("first", "", (None, None), str(run.sha256), run.card, "tagger")


def test_it_reads_masked_text(shop: App, registry: Registry) -> None:
    registry.promote("first")
    session = shop.store.open_session(new_id(), "web")
    said = "call 13812345678, a table for 7 at 21 please"
    text = shop.assistant.screen.turn(session.id, said).masked
    known = shop.store.noticing([text], None, "en")
    assert {*FOUND["en"]} <= {(e.kind, e.value) for e in known}
    assert not any("138" in e.value for e in known) and ("phone", "[PHONE_1]") in {
        (e.kind, e.value) for e in known
    }


def test_words_characters_and_placeholders() -> None:
    text = "K2 在[PHONE_1], 7pm"
    words = places(text)
    assert [text[start:end] for start, end in words] == [
        "K",
        "2",
        "在",
        "[PHONE_1]",
        ",",
        "7",
        "pm",
    ]
    rows = features(text, words, "time", [Span(0, 2, "product")])
    assert "listed=B-product" in rows[0] and "listed=I-product" in rows[1]
    assert "k=time" in rows[5] and "joined" in rows[6] and "joined" not in rows[5]
    assert (shape("Anna"), shape("30"), shape("茶"), shape("UPPERlower")) == (
        "Xxxx",
        "dd",
        "x",
        "XXxx",
    )


def test_of_spans_that_overlap_the_first_keeps_its_words() -> None:
    words = places("Tuesday at 12")
    both = [Span(0, 13, "date"), Span(11, 13, "time")]
    assert bio(words, both) == ["B-date", "I-date", "I-date"]
    assert spans_of(words, bio(words, both[1:])) == (both[1],)


def test_a_name_that_is_listed_after_the_training_is_marked(tmp_path: Path) -> None:
    names, chance = ListedNames(tmp_path / FILE), random.Random(5)
    words = ["".join(chance.choice("bdfgklmnprst") for _ in range(6)) for _ in range(80)]
    for word in words[:40]:
        names.add("product", word)
    texts = [
        Marked(f"the {word} broke", (Span(4, 10, "broken"),) if word in words[:40] else ())
        for word in words
    ]
    crf_training.train(texts, tmp_path / "tagger", lookup=names.spans)
    tagger = CrfTagger(tmp_path / "tagger", folder_sha256(tmp_path / "tagger"), names.spans)
    assert tagger.mark("the zwzwzw broke") == ()
    names.add("product", "zwzwzw")
    assert tagger.mark("the zwzwzw broke") == (Span(4, 10, "broken"),)
