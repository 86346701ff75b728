"""Every importer with good rows, bad rows and files that are something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.errors import TranscriptError
from finetune.transcripts import BadRow, Conversation, read

SAMPLES = Path(__file__).parents[2] / "samples" / "transcripts"


def _read(*paths: Path) -> tuple[list[Conversation], list[BadRow]]:
    bad: list[BadRow] = []
    return list(read(paths, bad.append)), bad


def _speakers(conversation: Conversation) -> list[str]:
    return [turn.speaker for turn in conversation.turns]


def test_sharegpt_lines(tmp_path: Path) -> None:
    row = {
        "id": "s-1",
        "conversations": [
            {"from": "system", "value": "会话已分配"},
            {"from": "human", "value": "我要退货"},
            {"from": "gpt", "value": "好的，七天内可以退。"},
        ],
        "csat": 5,
        "resolved": True,
    }
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    (found,), bad = _read(path)
    assert (found.id, found.language, found.csat, found.resolved) == ("s-1", "zh-Hans", 5.0, True)
    assert _speakers(found) == ["note", "customer", "agent"]
    assert found.turns[2].text == "好的，七天内可以退。" and found.source == "a.jsonl" and not bad


def test_messages_in_one_array_with_parts_and_without_ids(tmp_path: Path) -> None:
    talk = [
        {"role": "user", "content": [{"type": "text", "text": "where is my parcel"}]},
        {"role": "tool", "content": "{}"},
        {"role": "assistant", "content": "It left the warehouse this morning."},
    ]
    path = tmp_path / "export"  # the content tells the format, not the name
    path.write_text(json.dumps([{"messages": talk}, {"messages": talk[:1] * 2}]), encoding="utf-8")
    (first, second), bad = _read(path)
    assert _speakers(first) == ["customer", "note", "agent"] and first.language == "en"
    assert first.turns[0].text == "where is my parcel"
    assert first.id != second.id and not bad
    assert [c.id for c in _read(path)[0]] == [first.id, second.id]


def test_bad_json_rows_are_reported_with_their_line_and_skipped(tmp_path: Path) -> None:
    good = {"messages": [{"role": "user", "content": "hi"}]}
    lines = [
        json.dumps(good),
        "{not json",
        "",
        json.dumps({"messages": [{"role": "alien", "content": "hi"}]}),
        json.dumps({"messages": [{"role": "assistant", "content": "nobody asked"}]}),
        json.dumps({"messages": "text"}),
        json.dumps(good | {"id": "last"}),
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    found, bad = _read(path)
    assert len(found) == 2 and found[-1].id == "last"
    assert [row.line for row in bad] == [2, 4, 5, 6]
    assert "not valid JSON" in bad[0].reason and "unknown role 'alien'" in bad[1].reason
    assert bad[2].reason == "no turn of a customer" and {row.file for row in bad} == {"a.jsonl"}


CSV = """conversation_id,created_at,author_type,author,body,csat
t-1,2026-01-01T10:00:00Z,customer,Ann Bell,"my cup
is broken",
t-2,2026-01-01T10:00:30Z,customer,Bo,hello?,
t-1,2026-01-01T10:01:00Z,agent,Maya,We replace it free.,4
t-2,2026-01-01T10:02:00Z,robot,Bot,Please wait.,
,2026-01-01T10:03:00Z,agent,Maya,orphan,
t-3,2026-01-01T10:04:00Z,martian,X,???,
t-3,2026-01-01T10:05:00Z,agent,Maya,only me,
"""


def test_csv_gathers_interleaved_conversations(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(CSV, encoding="utf-8")
    (first, second), bad = _read(path)
    assert (first.id, second.id) == ("t-1", "t-2")
    assert first.turns[0].text == "my cup\nis broken" and first.turns[0].author == "Ann Bell"
    assert first.csat == 4.0 and second.csat is None
    assert _speakers(second) == ["customer", "bot"]
    assert [(row.line, row.reason) for row in bad] == [
        (7, "no conversation id"),
        (8, "unknown role 'martian'"),
        (8, "no turn of a customer"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_chinese_csv_in_every_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [
        ["会话编号", "时间", "角色", "客服", "内容", "满意度"],
        ["H1", "2026-01-08 13:02:10", "客户", "", "发票怎么开", ""],
        ["H1", "2026-01-08 13:02:13", "系统", "", "会话已分配给 小禾", ""],
        ["H1", "2026-01-08 13:02:37", "客服", "小禾", "在我的订单里申请电子发票。", "非常满意"],
    ]
    path = tmp_path / "export.csv"
    path.write_text("\n".join(delimiter.join(line) for line in lines), encoding=encoding)
    (found,), bad = _read(path)
    assert found.language == "zh-Hans" and found.csat == 5.0 and not bad
    assert _speakers(found) == ["customer", "note", "agent"]
    assert found.turns[0].text == "发票怎么开" and found.turns[2].author == "小禾"


@pytest.mark.parametrize(
    "content", ["", "just prose", "a,b\n1,2\n", '{"other": 1}\n', "[1, 2", "\x00\x01\x02"]
)
def test_other_files_name_what_is_supported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TranscriptError, match=r"No conversations found in .*x\.csv; supported: S"):
        _read(path)


def test_missing_path() -> None:
    with pytest.raises(TranscriptError, match="no such file or folder"):
        _read(Path("/nowhere/at/all.csv"))


def test_all_samples_are_read_without_a_bad_row() -> None:
    found, bad = _read(SAMPLES)
    assert not bad
    assert {c.source for c in found} == {path.name for path in SAMPLES.iterdir()}
    languages = [c.language for c in found]
    assert languages.count("en") >= 60 and sum(x.startswith("zh") for x in languages) >= 60
