"""Each format is told by its content and read: good rows, bad rows, look-alikes."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from finetune.errors import TranscriptError
from finetune.transcripts import BadRow, Conversation, Found, Layouts, read
from finetune.transcripts.times import moment
from knowledge.database import Database

DATA = Path(os.environ.get("ZHIKE_TEST_DATA", "/nowhere")) / "transcripts"


class Result:
    """What reading gave."""

    def __init__(self, *paths: Path, **more: Any) -> None:
        self.bad: list[BadRow] = []
        self.files: list[Found] = []
        self.found: list[Conversation] = list(
            read(paths, self.bad.append, tell=self.files.append, **more)
        )

    @property
    def formats(self) -> list[str]:
        return [file.format for file in self.files]

    def said(self, number: int = 0) -> list[tuple[str, str]]:
        return [(turn.speaker, turn.text) for turn in self.found[number].turns]


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def test_alpaca_with_history_as_context(tmp_path: Path) -> None:
    row = {
        "instruction": "and to Spain?",
        "input": "",
        "output": "Ten days.",
        "history": [["do you ship", "Yes."]],
    }
    result = Result(lines(tmp_path / "a.json", row, {"instruction": "x", "output": 3}, row))
    assert result.formats == ["alpaca"]
    assert result.said() == [
        ("customer", "do you ship"),
        ("agent", "Yes."),
        ("customer", "and to Spain?"),
        ("agent", "Ten days."),
    ]
    assert [turn.context for turn in result.found[0].turns] == [True, True, False, False]


def test_prompt_and_completion_as_text_and_as_messages(tmp_path: Path) -> None:
    plain = {"prompt": "do you ship", "completion": "Yes."}
    chat = {
        "prompt": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "do you ship"},
        ],
        "completion": [{"role": "assistant", "content": "Yes."}],
    }
    result = Result(lines(tmp_path / "a.jsonl", plain, chat))
    assert result.formats == ["prompt and completion"]
    assert result.said(0) == [("customer", "do you ship"), ("agent", "Yes.")]
    assert [turn.context for turn in result.found[1].turns] == [True, True, True, False]


ZENDESK = {
    "id": 35436,
    "requester_id": 1,
    "status": "solved",
    "satisfaction_rating": {"score": "good"},
    "assignee": {"id": 2, "name": "Maya Lin"},
    "comments": [
        {"author_id": 1, "body": "It broke.", "public": True, "created_at": "2026-03-01T09:00:00Z"},
        {"author_id": 2, "body": "check stock", "public": False},
        {"author_id": -1, "body": "Merged.", "public": True},
        {"author_id": 2, "plain_body": "We replace it.", "body": "**We** replace it."},
    ],
}


def test_zendesk_tickets_by_line_and_in_an_api_answer(tmp_path: Path) -> None:
    broken = {"id": 2, "comments": [{"author_id": 4, "body": "x"}]}
    result = Result(
        lines(tmp_path / "a.jsonl", ZENDESK, broken),
        lines(tmp_path / "b.json", {"count": 1, "tickets": [ZENDESK], "next_page": None}),
    )
    assert result.formats == ["Zendesk", "Zendesk"]
    assert result.said(0) == result.said(1)
    assert result.said(0) == [
        ("customer", "It broke."),
        ("note", "check stock"),
        ("note", "Merged."),
        ("agent", "We replace it."),
    ]
    ticket = result.found[0]
    assert (ticket.id, ticket.csat, ticket.resolved) == ("35436", 5.0, True)
    assert ticket.turns[0].time == "2026-03-01T09:00:00+00:00"
    assert (ticket.turns[3].author, ticket.turns[3].person) == ("Maya Lin", "2")
    assert result.bad[0].line == 2 and "requester_id" in result.bad[0].reason


def message(id: int, text: str, kind: object, at: int, **more: Any) -> dict[str, Any]:
    return {"id": id, "content": text, "message_type": kind, "created_at": at, **more}


CHATWOOT = [
    message(2, "Ten days.", 1, 1772355700, sender={"id": 5, "name": "Lin", "type": "user"}),
    message(1, "how long?", 0, 1772355600, sender={"id": 9, "name": "Bo", "type": "contact"}),
    message(3, "ask Tom", 1, 1772355710, private=True),
    message(4, "I am a bot", 1, 1772355720, sender={"id": 1, "type": "agent_bot"}),
    message(5, "Lin resolved it", 2, 1772355800),
    message(
        6,
        "Rate us",
        3,
        1772355900,
        content_attributes={"submitted_values": {"csat_survey_response": {"rating": 4}}},
    ),
]


def test_chatwoot_conversations_and_loose_messages(tmp_path: Path) -> None:
    row = {"id": 7, "status": "resolved", "messages": CHATWOOT}
    loose = [m | {"conversation_id": 7} for m in CHATWOOT]
    result = Result(
        lines(tmp_path / "a.json", row),
        lines(tmp_path / "b.json", {"meta": {"labels": []}, "payload": loose}),
        lines(tmp_path / "c.jsonl", *loose, {"content": 1, "message_type": 0}),
    )
    assert result.formats == ["Chatwoot", "Chatwoot messages", "Chatwoot messages"]
    said = [("customer", "how long?"), ("agent", "Ten days."), ("note", "ask Tom")]
    said += [("bot", "I am a bot"), ("note", "Lin resolved it"), ("note", "Rate us")]
    assert [result.said(i) for i in range(3)] == [said] * 3
    assert [c.csat for c in result.found] == [4.0] * 3
    assert [c.resolved for c in result.found] == [True, None, None]
    assert result.found[0].turns[0].time == "2026-03-01T09:00:00+00:00"
    assert [(row.file, row.line) for row in result.bad] == [("c.jsonl", 7)]


def test_sgd_crosswoz_and_abcd_in_small(tmp_path: Path) -> None:
    sgd = {"dialogue_id": "1_0", "turns": [{"speaker": "USER", "utterance": "a table please"}]}
    woz = {
        "11": {
            "sys-usr": [120, 20],
            "messages": [
                {"role": "usr", "content": "找家餐馆"},
                {"role": "sys", "content": "推荐讲礼驴肉馆。"},
            ],
        }
    }
    abcd = {
        "train": [{"convo_id": 3, "original": [["agent", "Hi!"], ["action", "x"]]}],
        "dev": [{"convo_id": 4, "original": [["customer", "I need to return it"]]}],
    }
    packed = tmp_path / "d.json.gz"
    packed.write_bytes(gzip.compress(json.dumps([sgd]).encode()))
    result = Result(packed, lines(tmp_path / "w.json", woz), lines(tmp_path / "a.json", abcd))
    assert result.formats == ["SGD", "CrossWOZ", "ABCD"]
    assert [c.id for c in result.found] == ["1_0", "11", "4"]
    assert result.found[1].turns[1].person == "120"
    assert [row.reason for row in result.bad] == ["no turn of a customer"]


@pytest.mark.skipif(not DATA.is_dir(), reason="ZHIKE_TEST_DATA is not set")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "format", "conversations", "turns"),
    [
        ("abcd_policy_en/abcd_sample.json", "ABCD", 3, 72),
        ("crosswoz_zh/val.json.zip", "CrossWOZ", 500, 8458),
        ("multidogo_en/airline/dev.tsv", "MultiDoGO", 240, 1966),
        ("sgd_en/dialogues.jsonl.gz", "SGD", 2098, 38768),
    ],
)
def test_the_published_sets(
    file: str, format: str, conversations: int, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The detector is tested elsewhere and takes most of the time here.
    monkeypatch.setattr("finetune.transcripts.conversation.detect", lambda *_: "en")
    result = Result(DATA / file)
    assert result.formats == [format] and not result.bad
    assert len(result.found) == conversations
    assert sum(len(c.turns) for c in result.found) == turns


def test_a_table_of_answers_with_columns_that_are_given_once(tmp_path: Path) -> None:
    path = tmp_path / "qa.csv"
    path.write_text("Frage;Antwort\nhow long?;Ten days.\nhow much?;Two euros.\n", "utf-8")
    with pytest.raises(TranscriptError, match="No conversations"):
        Result(path)
    database = Database(tmp_path / "zhike.db")
    given = {"customer": "Frage", "agent": "Antwort"}
    first = Result(path, given=given, layouts=Layouts(database))
    assert first.formats == ["table of answers"] and first.files[0].columns == given
    assert first.said(1) == [("customer", "how much?"), ("agent", "Two euros.")]
    again = Result(path, layouts=Layouts(database))
    assert again.said(1) == first.said(1)
    database.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"customer": "Nothing"}, r"no such column\. The file has: Frage, Antwort"),
        ({"who": "Frage"}, r"no field 'who'\. Known: id, time"),
    ],
)
def test_a_mapping_that_does_not_fit(tmp_path: Path, given: dict[str, str], message: str) -> None:
    path = tmp_path / "qa.csv"
    path.write_text("Frage;Antwort\nhow long?;Ten days.\n", "utf-8")
    with pytest.raises(TranscriptError, match=message):
        Result(path, given=given)


def test_a_workbook_of_messages(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["会话编号", "角色", "内容", "工号", "满意度"],
        [1, "客户", "发票怎么开", None, None],
        [1, "客服", "在我的订单里申请。", "K7", 5],
        [2, "路人", "?", None, None],
    ):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    result = Result(tmp_path / "a.xlsx")
    assert result.formats == ["table of messages"] and len(result.found) == 1
    assert result.found[0].turns[1].person == "K7" and result.found[0].csat == 5.0
    assert [(row.line, row.reason) for row in result.bad] == [
        (4, "unknown role '路人'"),
        (4, "no turn of a customer"),
    ]


def log(tmp_path: Path, text: str, **more: Any) -> Result:
    path = tmp_path / "chat.txt"
    path.write_text(text, encoding="utf-8")
    return Result(path, **more)


def test_a_log_with_times_and_text_that_goes_on(tmp_path: Path) -> None:
    result = log(
        tmp_path,
        "[12:03] Anna: hi, my cup\nis broken\n[12:04] Support Lin: We replace it.\n"
        "-----\n[13:00] Bo: hello?\n[13:01] Support Lin: Yes: how can I help?\n",
    )
    assert result.formats == ["chat log"]
    assert result.said(0) == [("customer", "hi, my cup\nis broken"), ("agent", "We replace it.")]
    assert result.said(1)[1] == ("agent", "Yes: how can I help?")
    assert result.found[0].turns[0].author == "Anna"


def test_a_wechat_log_breaks_where_nobody_wrote_for_long(tmp_path: Path) -> None:
    result = log(
        tmp_path,
        "张三 2024/05/01 12:03\n你好\n在吗\n\n客服小禾 2024/05/01 12:05:10\n在的，请讲\n\n"
        "张三 2024/05/03 09:00\n还没收到\n\n客服小禾 2024/05/03 09:02\n我查一下\n",
    )
    assert [result.said(i) for i in range(2)] == [
        [("customer", "你好\n在吗"), ("agent", "在的，请讲")],
        [("customer", "还没收到"), ("agent", "我查一下")],
    ]
    assert [t.time for t in result.found[0].turns] == ["2024-05-01T12:03:00", "2024-05-01T12:05:10"]


def test_people_of_a_log_are_guessed_or_given(tmp_path: Path) -> None:
    text = "2026-03-01 12:03 Lin: Hello, this is the shop.\n2026-03-01 12:04 Anna: my cup broke\n"
    assert [who for who, _ in log(tmp_path, text).said()] == ["customer", "agent"]
    given = log(tmp_path, text, given={"agent": "Lin, Tom"})
    assert [who for who, _ in given.said()] == ["agent", "customer"]


@pytest.mark.parametrize(
    "text",
    [
        "Dear all,\nthe meeting is at 12:30: please come.\nThanks\n",
        "Note: this is a licence.\nWarning: no warranty.\nName: value\n",
        "[12:03] Anna: only me\n[12:04] Anna: again\n",
        '{"settings": {"a": 1}, "list": [1, 2, 3]}',
        "a,b,c\n1,2,3\n",
    ],
)
def test_what_is_no_transcript(tmp_path: Path, text: str) -> None:
    with pytest.raises(TranscriptError, match="No conversations found"):
        log(tmp_path, text)


def test_a_zip_of_several_formats(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("en/a.jsonl", json.dumps(ZENDESK))
        archive.writestr("b.txt", "[12:03] Anna: hi\n[12:04] Agent Lin: Hello, how are you?\n")
        archive.writestr("__MACOSX/b.txt", "litter")
        archive.writestr("README.md", "about these files")
        archive.writestr("bomb.json", "0" * (11 << 20))
    seen: list[int] = []
    result = Result(path, seen=seen.append)
    assert [(f.file, f.format) for f in result.files] == [
        ("all.zip/en/a.jsonl", "Zendesk"),
        ("all.zip/b.txt", "chat log"),
        ("all.zip/README.md", ""),
    ]
    assert {c.source for c in result.found} == {"all.zip/en/a.jsonl", "all.zip/b.txt"}
    assert [row.file for row in result.bad] == ["all.zip/bomb.json"]
    assert sum(seen) == path.stat().st_size


def test_a_damaged_archive_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and nothing more")
    bad: list[BadRow] = []
    with pytest.raises(TranscriptError):
        list(read([tmp_path / "a.zip"], bad.append))
    assert "the archive is damaged" in bad[0].reason


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-03-02T10:21:00+01:00", "2026-03-02T10:21:00+01:00"),
        ("2026-03-02T10:21:00.123Z", "2026-03-02T10:21:00+00:00"),
        ("2026-03-02 10:21:00 +0800", "2026-03-02T10:21:00+08:00"),
        ("2026/3/2 10:21", "2026-03-02T10:21:00"),
        ("2026年3月2日 10:21", "2026-03-02T10:21:00"),
        (1772355600, "2026-03-01T09:00:00+00:00"),
        (1772355600000, "2026-03-01T09:00:00+00:00"),
        ("05/06/2026 10:21", "05/06/2026 10:21"),
        ("2026-13-45 10:21", "2026-13-45 10:21"),
        ("12:03", "12:03"),
        (None, ""),
        (True, ""),
    ],
)
def test_times_keep_their_zone_and_get_none(written: object, iso: str) -> None:
    assert moment(written) == iso
