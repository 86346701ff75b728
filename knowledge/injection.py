"""Lines of a document that talk to the assistant instead of to the reader.

Whoever can put text into a document can try to steer what answers from it ("indirect prompt
injection", OWASP LLM01). Such a line stays readable for staff, but is never quoted.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_AI = r"(?:a\.?i\.?|llm|(?:large )?language models?|chat ?bots?|(?:ai|virtual|digital) assistants?)"
_SAY = r"(?:answer|respond|reply|say|recommend|tell|claim|state|write|output|promise|offer|mention)"
_ENGLISH = (
    r"\b(?:ignore|disregard|forget|override|bypass|do not follow|stop following) (?:\w+ ){0,4}?"
    r"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|system|your)\b"
    r"(?: \w+){0,3}? (?:instructions?|prompts?|rules|guidelines|messages?|directions?|directives?"
    r"|context|passages|commands?|training)\b",
    r"\b(?:ignore|disregard|forget) (?:everything|anything|all|what) (?:\w+ ){0,4}?"
    r"(?:above|before|said|told|written|learned)\b",
    r"\b(?:ignore|disregard) (?:the |any |all |every )*(?:user|customer|visitor)(?:'s|s)? "
    r"(?:questions?|requests?|messages?|inputs?)\b",
    r"\byou(?: are|'re) (?:now |no longer )?(?:an? |the )?(?:\w+ ){0,3}?"
    rf"(?:{_AI}|assistant|dan\b|jailbroken|unrestricted|bound by)",
    r"\bfrom now on,? (?:you (?:are|act|answer|respond|reply|speak)|your (?:name|role|task|answer))",
    r"\b(?:act|behave|respond|answer|reply) as (?:if you (?:were|are|have)|an? "
    r"(?:\w+ ){0,2}(?:pirate|hacker|expert|persona|character|dan\b|assistant|ai\b|bot\b))",
    r"\bpretend (?:to be|that you|you)\b",
    rf"\b(?:notes?|attention|instructions?|messages?|orders?|important|reminder)\W{{0,3}}(?:to|for)"
    rf" (?:the |any |all |every )*(?:{_AI}|assistants?|bots?)\b",
    rf"\b(?:dear|hey|hello|attention)\W{{0,2}}(?:{_AI}|assistant|bot|model)\b",
    rf"\b(?:if you are|as) an? {_AI}\b",
    rf"\b{_AI} (?:must|should|shall|has to|have to|needs? to|(?:is|are) (?:required|instructed|told) "
    rf"to)(?: not| never| always| only| also| now)* {_SAY}\b",
    rf"\byou (?:must|should|shall|are to|have to|need to)(?: now| always| only| never)+ {_SAY}\b",
    r"\byou (?:must|shall|will)(?: now| always)? (?:pretend|obey|output|comply|claim)\b",
    r"\b(?:respond|reply|answer|end|begin|start|finish|preface) (?:to )?(?:your|every|all|each|any)"
    r" (?:\w+ )?(?:answers?|repl(?:y|ies)|responses?|questions?|quer(?:y|ies)) (?:with|by|in|as)\b",
    r"\b(?:(?:in|to|before|after) (?:every|each|all)|the (?:end|start|beginning|top|bottom) of"
    r" (?:your|every|each|all)) (?:next |final )?(?:answers?|responses?|repl(?:y|ies)|outputs?)\b",
    r"\bin your (?:answers?|responses?|repl(?:y|ies)|output)\b.{0,30}(?:\blink\b|https?:|www\.)",
    r"\b(?:respond|answer|output|print) (?:only |exactly )?with (?:only |exactly )?"
    r"(?:the (?:word|phrase|text|string|sentence|following)|[\"'“‘])",
    r"\binstead of answering\b",
    r"\b(?:reveal|print|output|repeat|show|leak|disclose|display) (?:me |us )?(?:your|the) "
    r"(?:\w+ ){0,2}?(?:system prompt|system message|hidden (?:prompt|instructions?)|initial prompt"
    r"|prompt\b)",
    r"\b(?:reveal|repeat|leak|disclose) your (?:\w+ )?(?:instructions|rules|configuration)\b",
    r"\bdo(?: not|n't) (?:mention|reveal|disclose|tell \w+ about|refer to|show) "
    r"(?:this|these|the above) (?:instructions?|messages?|prompts?|notes?|sentences?|lines?)\b",
    r"\b(?:do anything now|jailbreak|system override|prompt injection)\b",
    r"\b(?:new|updated|real|actual|hidden|secret) (?:system )?(?:instructions?|directives?|prompts?)"
    rf"(?: for (?:the |you)|\s*:\s*(?:you|ignore|always|never|tell|{_SAY})\b)",
    r"^\W*(?:system|assistant|developer)\W*:\s*(?:you\b|ignore|always|never|from now|disregard)",
    r"<\|?/?(?:im_start|im_end|system|endoftext|assistant)\|?>|\[/?inst\]|<</?sys>>",
    r"^\W{0,4}#{2,} ?(?:new )?(?:instructions?|system)\b ?(?:prompt)?:",
    r"\b(?:begin|end|start) (?:of )?(?:the )?system (?:prompt|message)\b",
    r"\b(?:append|add|insert|include|embed|render)\b.{0,60}\bimage\b.{0,60}https?://",
    r"!\[[^\]]*\]\(\s*https?://[^)]*[?&][^)=]*=\s*[\[{<]",
    r"\b(?:send|forward|post|transmit|upload|e-?mail|leak)\b.{0,40}\b(?:conversations?|chat history"
    r"|(?:user|customer|visitor)'?s? (?:data|messages?|questions?|input|details))\b.{0,40}"
    r"(?:https?://|\S@\S)",
    r"(?<!never )(?<!not )(?<!n't )\b(?:ask|convince|persuade|get|instruct|tell) (?:the |every |each "
    r"|all |any )?(?:user|customer|visitor)s? (?:to|for) .{0,40}\b(?:passwords?|card numbers?|cvv"
    r"|verification codes?|credentials)\b",
)
_MODEL = r"(?:ai|人工智能|大模型|语言模型|智能客服|客服机器人|机器人|智能助手|ai助手|助手|模型)"
_ANSWER = r"(?:回答|回复|答复|告诉|推荐|声称|输出|说)"
_CHINESE = (
    r"(?:忽略|无视|忘记|忘掉|不要理会|不要遵守|不要遵循|抛开|覆盖|绕过|停止执行)(?:你|掉|请)*"
    r"(?:之前|以上|前面|上面|上述|先前|此前|所有|全部|一切|任何|原有|原来|你|系统)"
    r"[^。，,；;]{0,8}(?:指令|指示|提示词|系统提示|设定|规则|要求|命令|约束|限制|上下文)",
    r"(?:忽略|无视|忘记|忘掉)(?:你|掉|请)*(?:之前|以上|前面|上面|此前)(?:的)?(?:所有|全部|一切)",
    r"(?:从现在(?:开始|起)|现在)[，,]?你(?:就)?(?:是一|是我|要扮演|将扮演|必须|只能|不再是|叫)",
    r"你(?:现在)?(?:是|不再是)(?:一[个名位])?[^。，,；;]{0,10}"
    r"(?:ai|人工智能|大模型|语言模型|机器人|智能助手|ai助手)",
    r"(?:^|[。！!，,；;:：\s请]|你要?)(?:扮演(?![^。]{0,16}角)|假装(?:自己|你)?是|假设你是)",
    rf"(?:致|告|写给|发给|给|对)(?:所有|任何|本)?{_MODEL}的?(?:指令|指示|提示|留言|消息|命令)",
    rf"(?:致|告|写给)(?:所有|任何)?{_MODEL}[:：]",
    rf"(?:^|[。！!，,；;:：\s]){_MODEL}(?:请|必须|务必|应当|一定要|只能|都要)[^。；;]{{0,10}}{_ANSWER}",
    r"(?:如果|若)你是(?:一[个名])?(?:ai|人工智能|大?语言模型|大模型|机器人|智能助手)",
    r"作为(?:一[个名])?(?:ai|人工智能|大?语言模型|大模型|智能助手)(?:助手|模型)?[，,]?你",
    r"(?:你的|每次|每个|每条|所有|任何)(?:的)?(?:回答|答复|输出)(?:中|时|里|的?末尾|的?最后|的?开头"
    r"|前|的?结尾)?[^。；;]{0,4}(?:必须|务必|都要|一定要|只能|请)",
    rf"回答(?:用户|客户|顾客|访客|任何|所有)[^。；;]{{0,8}}时[^。；;]{{0,8}}(?:必须|务必|一律|只)"
    rf"[^。；;]{{0,4}}{_ANSWER}",
    r"(?:当|如果|若|无论|不管|只要)(?:有)?(?:用户|客户|顾客|访客|任何人|别人|谁)[^。；;]{0,16}"
    rf"(?:都|一律|务必|只能)(?:要|必须|请)?{_ANSWER}",
    r"(?:只|仅|必须|一律)(?:能|要)?(?:回答|输出)[:：]?[“\"「『‘']",
    r"(?:输出|显示|透露|打印|重复|泄露|公开|告诉(?:我|用户|客户|顾客))(?:一下|出)?"
    r"(?:你的|系统|全部|完整|隐藏|初始|内部|的)+(?:系统提示词?|提示词|指令|设定|系统消息)",
    r"(?:不要|不得|别|勿)(?:告诉|让|向)[^。；;]{0,10}(?:这|本|该|此)(?:条|段|句|份)?"
    r"(?:指令|提示|消息|文字)",
    r"(?:新的?|最新|真正的|隐藏的?)(?:系统)?(?:指令|提示词)[:：]|(?:系统)(?:指令|提示词)[:：]",
    r"(?:不受|没有|解除|取消)(?:任何|一切|所有)?(?:限制|约束|规则|过滤)的?(?:ai|模式|助手|模型|机器人)",
    r"(?:进入|开启|切换到?)(?:越狱|无限制|上帝)模式",
    r"(?:把|将)(?:用户|客户|顾客|访客|对话|聊天)[^。；;]{0,16}(?:发送|转发|上传|提交|发)(?:到|至|给)"
    r"[^。；;]{0,8}(?:https?:|\S@\S)",
    r"(?<![不勿别止])(?<!不会)(?<!不得)(?<!不要)(?<!绝不)(?<!禁止)(?:要求|让|诱导|引导|请)"
    r"(?:用户|客户|顾客|访客|对方)[^。；;]{0,8}(?:提供|输入|发送|说出|告知)[^。；;]{0,8}"
    r"(?:密码|验证码|卡号|cvv)",
)
_PATTERN = re.compile("|".join(f"(?:{p})" for p in (*_ENGLISH, *_CHINESE)), re.MULTILINE)
# A line without any of these cannot match; most lines end here, after about 3 µs.
_TRIGGERS = (
    *(
        "ignore",
        "disregard",
        "forget",
        "override",
        "bypass",
        "follow",
        "you ",
        "you'",
        "from now on",
    ),
    *(" as if", " as a", "pretend", "note", "attention", "instruction", "message", "order"),
    *("important", "reminder", "dear", "hey", "hello", "bot", "llm", "model", "assistant", "a.i"),
    *("ai ", "answer", "repl", "respon", "output", "prompt", "jailbreak", "do anything now"),
    *("system", "<|", "inst]", "image", "![", "send", "forward", "upload", "mail", "transmit"),
    *("leak", "post", "ask ", "tell", "convince", "persuade", "get "),
    *("忽略", "无视", "忘", "不要", "抛开", "覆盖", "绕过", "停止执行", "你", "扮演", "假装", "ai"),
    *("人工智能", "模型", "客服", "机器人", "助手", "回答", "答复", "输出", "用户", "客户", "顾客"),
    *(
        "访客",
        "谁",
        "任何人",
        "别人",
        "提示",
        "指令",
        "限制",
        "约束",
        "模式",
        "对话",
        "聊天",
        "对方",
    ),
)
_SIMPLE = str.maketrans(
    "無視記規則設統輸顯應當從現開絕對僅條發裝語機請讓訴問戶顧覆號碼復說寫給將夠連",
    "无视记规则设统输显应当从现开绝对仅条发装语机请让诉问户顾覆号码复说写给将够连",
)


def looks_like_instruction(text: str) -> bool:
    """Whether a line, in English or Chinese, seems to instruct a model rather than inform people.

    Meant for documents; precise rather than complete, as a hit is never quoted to a customer.
    """
    return _looks(text)


@lru_cache(maxsize=16_384)
def _looks(text: str) -> bool:
    flat = " ".join(unicodedata.normalize("NFKC", text).lower().translate(_SIMPLE).split())
    if not any(trigger in flat for trigger in _TRIGGERS):
        return False
    return _PATTERN.search(flat) is not None


def without_instructions(text: str) -> str:
    """The text without the lines that look like instructions."""
    lines = text.splitlines()
    kept = [line for line in lines if not looks_like_instruction(line)]
    return text if len(kept) == len(lines) else "\n".join(kept)
