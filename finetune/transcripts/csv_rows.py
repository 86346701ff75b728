"""Help-desk exports as CSV: one message a row, several rows a conversation."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from finetune.transcripts.conversation import (
    BadRow,
    Conversation,
    Report,
    RowError,
    Speaker,
    Turn,
    conversation,
    satisfaction,
)

# What each column may be called; compared in lower case without spaces and underscores.
COLUMNS = {
    "id": (
        "conversationid",
        "ticketid",
        "chatid",
        "sessionid",
        "会话编号",
        "会话id",
        "工单编号",
        "工单号",
    ),
    "time": ("createdat", "time", "timestamp", "date", "sentat", "时间", "发送时间", "创建时间"),
    "role": (
        "authortype",
        "role",
        "speaker",
        "sender",
        "sendertype",
        "from",
        "角色",
        "发送方",
        "身份",
    ),
    "author": ("author", "authorname", "agent", "name", "客服", "姓名", "昵称", "发送人"),
    "text": ("body", "text", "message", "content", "内容", "消息", "消息内容", "文本"),
    "csat": ("csat", "rating", "satisfaction", "score", "满意度", "评分", "评价"),
    "resolved": ("resolved", "solved", "是否解决", "已解决"),
}
REQUIRED = {"id": "conversation_id|会话编号", "role": "author_type|角色", "text": "body|内容"}
SPEAKERS: dict[str, Speaker] = {
    **dict.fromkeys(
        ("customer", "user", "visitor", "client", "客户", "顾客", "用户", "买家"), "customer"
    ),
    **dict.fromkeys(
        ("agent", "staff", "operator", "support", "客服", "人工", "坐席", "卖家"), "agent"
    ),
    **dict.fromkeys(("bot", "robot", "chatbot", "机器人", "智能客服"), "bot"),
    **dict.fromkeys(("system", "note", "internal", "系统", "备注", "内部备注"), "note"),
}
YES, NO = ("true", "yes", "1", "是", "已解决"), ("false", "no", "0", "否", "未解决")
MAX_CELL = 1_000_000  # characters; the csv module's own 131,072 cuts off long mail threads


def columns_of(path: Path) -> dict[str, int] | None:
    """Which column holds what, guessed from the header; None when a required one is missing."""
    with path.open(encoding=encoding_of(path), newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter_of(path)), [])
    names = ["".join(name.strip().lower().replace("_", " ").split()) for name in header]
    found = {
        column: names.index(known)
        for column, choices in COLUMNS.items()
        for known in [next((choice for choice in choices if choice in names), None)]
        if known is not None
    }
    return found if found.keys() >= REQUIRED.keys() else None


def read(path: Path, report: Report) -> Iterator[Conversation]:
    """The file's conversations in the order of their first row.

    An export sorted by time interleaves conversations, so one file's rows are held in memory.
    """
    columns = columns_of(path)
    if columns is None:
        report(BadRow(path.name, 1, f"no columns {', '.join(REQUIRED.values())} in the header"))
        return
    gathered: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, cells in _cells(path, columns, report):
        gathered.setdefault(cells["id"].strip(), []).append((line, cells))
    for id, lines in gathered.items():
        try:
            yield _conversation(id, lines, path, report)
        except RowError as error:
            report(BadRow(path.name, lines[0][0], str(error)))


def _cells(
    path: Path, columns: Mapping[str, int], report: Report
) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(MAX_CELL)
    with path.open(encoding=encoding_of(path), newline="") as file:
        reader = csv.reader(file, delimiter=delimiter_of(path))
        try:
            next(reader)
            start = reader.line_num + 1  # a cell may span lines: report where its row began
            for row in reader:
                line, start = start, reader.line_num + 1
                if not any(cell.strip() for cell in row):
                    continue
                cells = {name: row[at] if at < len(row) else "" for name, at in columns.items()}
                if cells["id"].strip():
                    yield line, cells
                else:
                    report(BadRow(path.name, line, "no conversation id"))
        except csv.Error as error:
            report(BadRow(path.name, reader.line_num, f"not valid CSV ({error})"))


def _conversation(
    id: str, lines: list[tuple[int, dict[str, str]]], path: Path, report: Report
) -> Conversation:
    turns: list[Turn] = []
    csat: float | None = None
    resolved: bool | None = None
    for line, cells in lines:
        csat = satisfaction(cells.get("csat")) or csat  # mostly in the last row only
        resolved = _truth(cells.get("resolved", "")) if cells.get("resolved") else resolved
        role, text = cells["role"].strip().lower(), cells["text"].strip()
        if role not in SPEAKERS:
            report(BadRow(path.name, line, f"unknown role {role!r}"))
        elif text:
            author = cells.get("author", "").strip()
            turns.append(Turn(SPEAKERS[role], text, cells.get("time", "").strip(), author))
    return conversation(id, turns, path.name, csat, resolved)


def _truth(word: str) -> bool | None:
    word = word.strip().lower()
    return True if word in YES else False if word in NO else None


def encoding_of(path: Path) -> str:
    """UTF-16 by its mark, else UTF-8 if all of it is, else GB18030 as Chinese Excel writes."""
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    try:
        with path.open(encoding="utf-8") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


def delimiter_of(path: Path) -> str:
    """The one of comma, tab and semicolon that the header has most of."""
    with path.open(encoding=encoding_of(path), newline="") as file:
        header = file.readline()
    return max(",\t;", key=header.count)
