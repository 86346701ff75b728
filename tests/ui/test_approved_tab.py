"""The desk's approved answers over Gradio's own protocol, as a browser calls it."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from chatbot.store import new_id
from tests.ui.conftest import PASSWORD, Running
from tests.ui.test_customer import Browser

pytestmark = pytest.mark.slow
TEA = "Can I return opened tea?"


class Desk(Browser):
    """A member of staff who is logged in."""

    def press(self, element: str, *data: Any, event: str = "click") -> str:
        return self.call(self.function(element, event), list(data))


@pytest.fixture
def desk(running: Running) -> Desk:
    accounts = running.site.accounts
    if accounts.ready():
        session = accounts.log_in("admin", PASSWORD, new_id())
    else:
        session = accounts.set_up(running.token, PASSWORD, new_id())
    return Desk(running.url, "/desk", session)


def test_staff_write_edit_switch_and_delete(desk: Desk, running: Running) -> None:
    approved = running.app.knowledge.approved
    new = ["", "en", "Do you gift-wrap?", "gift wrapping\n能包装吗", "Yes, for <b>$3</b>.", ""]
    assert "counts from the next message on" in desk.press("pair-save", *new)
    (pair,) = [p for p in approved.pairs() if p.origin == "hand"]
    assert (pair.phrasings, pair.collection) == (("gift wrapping", "能包装吗"), "default")
    found = desk.press("pair-try", "请问能不能包装", "zh-Hans")
    assert "会给出标准答案" in found and "&lt;b&gt;" in found and "<b>" not in found
    assert "两个问题的余弦" in found
    found = desk.press("pair-try", "Do you not gift-wrap?", "en")
    assert "No approved answer would be given" in found and "only one of both negates" in found

    edited = [pair.id, "en", pair.question, "", "Yes, for $4.", "default"]
    assert "counts from the next" in desk.press("pair-save", *edited)
    assert approved.find(pair.id).phrasings == ()
    wrong = desk.press("pair-save", pair.id, "en", TEA, "", "Yes.", "default")
    assert "already asked by the approved answer" in wrong and 'class=\\\\\\"problem' in wrong
    assert "question is empty" in desk.press("pair-save", "", "en", " ", "", "Yes.", "default")
    assert "不再回答" in desk.press("pair-switch", pair.id, "zh-Hans")
    assert approved.find(pair.id).state == "off"
    assert "恢复回答" in desk.press("pair-switch", pair.id, "zh-Hans")
    assert "Click again" in desk.press("pair-delete", pair.id, "en", False)
    assert approved.find(pair.id).state == "on"
    assert "does not answer any more" in desk.press("pair-delete", pair.id, "en", True)
    assert approved.pairs() == [p for p in approved.pairs() if p.id != pair.id]

    assert "counts from the next message on" in desk.press("pair-save", *new)
    (pair,) = [p for p in approved.pairs() if p.origin == "hand"]
    approved.remove(pair.id)  # by somebody else
    assert "no approved answer" in desk.press("pair-switch", pair.id, "en")


def test_the_list_is_searched_and_a_row_opens_in_the_editor(desk: Desk, running: Running) -> None:
    listed = desk.press("pair-wanted", "en", "KUAIDI", False, event="input")
    assert "No approved answer has these words" in listed
    listed = desk.press("pair-wanted", "zh-Hant", "普通 快遞", False, event="input")
    assert "普通快递多少钱" in listed and TEA not in listed and "命中次數" in listed
    (pair,) = [p for p in running.app.knowledge.approved.pairs() if p.question == TEA]
    body = {
        "data": ["en"],
        "fn_index": desk.function("pairs", "select"),
        "session_hash": desk.session_hash,
        "event_data": {"index": [0, 0], "value": TEA, "row_value": [TEA, *"abcde", pair.id]},
    }
    assert desk.http.post("/desk/gradio_api/queue/join", json=body).status_code == 200
    path = f"/desk/gradio_api/queue/data?session_hash={desk.session_hash}"
    with desk.http.stream("GET", path) as stream:
        heard = next(line for line in stream.iter_lines() if "process_completed" in line)
    for words in (TEA, "Opened tea cannot be returned.", "from faq.csv", "Switch off", pair.id):
        assert words in heard


def test_the_table_is_for_staff_only(desk: Desk, client: TestClient) -> None:
    table = desk.http.get("/desk/approved-answers.csv")
    assert table.status_code == 200 and table.text.startswith("\ufeffquestion,answer")
    assert "attachment" in table.headers["content-disposition"] and TEA in table.text
    assert client.get("/desk/approved-answers.csv").status_code in (303, 401, 403)
