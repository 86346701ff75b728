"""Which column of a table holds what: guessed from the header, set by people, remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune.errors import TranscriptError

# What each column may be called; compared in lower case without spaces and underscores.
NAMES = {
    "id": (
        *("conversationid", "ticketid", "chatid", "sessionid", "caseid"),
        *("会话编号", "会话id", "工单编号", "工单号", "对话编号"),
    ),
    "time": (
        *("createdat", "time", "timestamp", "date", "sentat", "datetime"),
        *("时间", "发送时间", "创建时间"),
    ),
    "role": (
        *("authortype", "authorrole", "role", "speaker", "sender", "sendertype", "from"),
        *("角色", "发送方", "身份"),
    ),
    "author": ("author", "authorname", "agent", "name", "客服", "姓名", "昵称", "发送人"),
    "person": ("agentid", "authorid", "userid", "客服工号", "工号"),
    "text": (
        *("body", "text", "message", "content", "utterance"),
        *("内容", "消息", "消息内容", "文本"),
    ),
    "customer": (
        *("question", "query", "customermessage", "customerquestion", "userquestion"),
        *("问题", "提问", "客户问题", "用户问题", "顾客问题"),
    ),
    "agent": (
        *("answer", "reply", "response", "agentreply", "agentanswer"),
        *("回答", "答案", "回复", "客服回复", "客服回答"),
    ),
    "csat": ("csat", "rating", "satisfaction", "score", "满意度", "评分", "评价"),
    "resolved": ("resolved", "solved", "是否解决", "已解决"),
}
LONG, WIDE = {"id", "role", "text"}, {"customer", "agent"}
ONE_SIDED = {"id", "text"}  # MultiDoGO's paper splits: customers' turns only


@dataclass(frozen=True, slots=True)
class Columns:
    """Field → its number in the row, from 0."""

    at: Mapping[str, int]
    names: Mapping[str, str]  # field → the column's name, as in the file

    @property
    def kind(self) -> str:
        """How the table lies: a message a row, a question with its answer a row, or neither."""
        if self.at.keys() >= LONG:
            return "messages"
        if self.at.keys() >= WIDE:
            return "answers"
        one_sided = self.at.keys() >= ONE_SIDED and "utteranceid" in map(plain, self.names.values())
        return "MultiDoGO" if one_sided else ""


def plain(name: str) -> str:
    """A column's name as it is compared."""
    return "".join(name.strip().lower().replace("_", " ").split())


def columns(header: Sequence[str], given: Mapping[str, str]) -> Columns:
    """The columns of a header; `given` (field → column name) wins over the guess.

    Raises TranscriptError for a field or column that does not exist.
    """
    names = [plain(name) for name in header]
    at = {
        field: names.index(known)
        for field, choices in NAMES.items()
        for known in [next((choice for choice in choices if choice in names), None)]
        if known is not None
    }
    for field, column in given.items():
        if field not in NAMES:
            raise TranscriptError(
                f"--map {field}={column}: there is no field {field!r}. Known: {', '.join(NAMES)}."
            )
        if plain(column) not in names:
            raise TranscriptError(
                f"--map {field}={column}: there is no such column. The file has: "
                f"{', '.join(name.strip() for name in header)}."
            )
        at[field] = names.index(plain(column))
    named = {field: header[number].strip() for field, number in at.items()}
    if "utteranceid" in names:
        named["utterance"] = header[names.index("utteranceid")].strip()
    return Columns(at, named)
