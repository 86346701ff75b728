"""Words of exports → who speaks, how satisfied, whether solved: one table for all formats."""

from __future__ import annotations

from typing import Literal

Speaker = Literal["customer", "agent", "bot", "note"]  # note: said by the help desk itself
WORDS: dict[Speaker, tuple[str, ...]] = {
    "customer": (
        *("customer", "user", "usr", "human", "visitor", "client", "contact", "end-user", "buyer"),
        *("requester", "incoming", "客户", "顾客", "用户", "买家", "访客", "客戶", "顧客"),
    ),
    # In transcripts of people the model's place (gpt, assistant) is the agent's.
    "agent": (
        *("agent", "staff", "operator", "support", "gpt", "assistant", "sys", "seller", "advisor"),
        *("representative", "outgoing", "model", "admin"),
        *("客服", "人工", "人工客服", "坐席", "卖家", "店家", "商家", "客服人員"),
    ),
    "bot": ("bot", "robot", "chatbot", "agent_bot", "agentbot", "机器人", "智能客服", "機器人"),
    "note": (
        *("system", "developer", "note", "internal", "tool", "function", "observation", "action"),
        *("activity", "template", "系统", "备注", "内部备注", "系統", "備註"),
    ),
}
SPEAKERS: dict[str, Speaker] = {word: speaker for speaker, words in WORDS.items() for word in words}
RATINGS = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1, "good": 5, "bad": 1}
YES = ("true", "yes", "1", "是", "已解决", "solved", "closed", "resolved")
NO = ("false", "no", "0", "否", "未解决", "open", "pending", "hold", "new", "snoozed")


def satisfaction(value: object) -> float | None:
    """1..5 from a number or a rating word; None when it tells nothing."""
    text = str(value).strip().lower() if value is not None else ""
    if text in RATINGS:
        return float(RATINGS[text])
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 1 <= number <= 5 else None


def solved(value: object) -> bool | None:
    """Whether the customer was helped; None when it is not told."""
    word = str(value).strip().lower() if value is not None else ""
    return True if word in YES else False if word in NO else None
