"""Yes or no to the question whether a colleague shall be called.

Only a whole message counts, and only right after that question: "ok" elsewhere is a thank-you.
"""

from __future__ import annotations

import re
from typing import Literal

from knowledge.language import simplify

Consent = Literal["yes", "no"]
_THANKS = (
    r"(?:[\s,.!，。！~]*(?:please|pls|thanks?|thank you|thx"
    r"|谢谢|谢谢您|谢谢你|多谢|感谢|麻烦了?|麻烦您了?))?"
)
_YES = (
    r"(?:yes|yep|yeah|yup|ya|sure|ok|okay|alright|y|please|of course|certainly|absolutely"
    r"|go ahead|please do|do (?:it|that|so)|call (?:one|someone|somebody|him|her|them|a colleague)"
    r"|(?:yes|ok|okay|sure)?[\s,]*(?:that )?would be (?:great|nice|good|lovely|perfect)"
    r"|(?:yes|ok|okay|sure)[\s,]+(?:do|please do|go ahead|call (?:one|someone|a colleague))"
    r"|(?:i do|i would|i'd like (?:that|to))"
    r"|好|好的|好呀|好啊|好吧|好哒|可以|可以的|可以呀|行|行的|行吧|要|要的|需要|需要的"
    r"|是|是的|嗯|嗯嗯|恩|对|对的|麻烦(?:你|您)?了?|转|转吧|转接|转接吧|帮我转|帮我转接"
    r"|请转接|请转|叫吧|叫一个|那就转吧)"
)
_NO = (
    r"(?:no|nope|nah|n|not (?:now|needed|necessary|yet)|never ?mind|nvm|no need|don't|do not"
    r"|(?:it's|its|that's|thats) (?:fine|ok|okay|all right)|i'm (?:fine|good)|im (?:fine|good)"
    r"|不|不用|不用了|不要|不要了|不需要|不需要了|算了|没事|没事了|不必|不必了|暂时不用"
    r"|先不用|不了|没关系)"
)
_END = r"[\s,.!?~…，。！？～、👍😊🙏]*"
# "ok thanks" ends a talk, "yes thanks" wants somebody
_OVER = r"(?!\W*(?:ok|okay|alright)\W+(?:thanks?|thank you|thx)\W*$)"
YES = re.compile(rf"{_OVER}{_END}{_YES}{_THANKS}{_END}", re.IGNORECASE)
NO = re.compile(rf"{_END}{_NO}{_THANKS}{_END}", re.IGNORECASE)


def consent(message: str) -> Consent | None:
    """What a whole message says to such a question; None when it is about something else."""
    text = simplify(message).replace("’", "'")
    if YES.fullmatch(text):
        return "yes"
    return "no" if NO.fullmatch(text) else None
