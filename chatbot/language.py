"""Which language a turn is in: script first, then a detector, then the session's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
KANA = re.compile(r"[\u3040-\u30ff]")
HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
ARABIC = re.compile(r"[\u0600-\u06ff]")
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
# Characters whose shape differs between the two scripts and that are common in support talk.
TRADITIONAL = frozenset(
    "這個們來時為說對開關後還過運費換貨訂單問題嗎麼沒號碼錢東買賣際帳戶聯絡電話請寫發維護壞點會員積優惠禮"
    "專營業門課現場製龍鐵觀溫壓線資訊閱讀數據選項實際歡謝讓給從長幾種級經濟質量環節標準應該當總統"
    "認識證變圖書館學習氣條聽見親愛愛樂無產進達遠邊區車飛機處備傳輸設計連網絡顏綠藍紅黃銀鍵鏡"
    "體驗權責償補償損傷檢測試紙張寬圓頭師傅陸灣兩張隻雙節約須領預報錯誤誰樣難蓋壺將處廣東蘇寧錄"
)
SIMPLIFIED = frozenset(
    "这个们来时为说对开关后还过运费换货订单问题吗么没号码钱东买卖际账户联络电话请写发维护坏点会员积优惠礼"
    "专营业门课现场制龙铁观温压线资讯阅读数据选项实际欢谢让给从长几种级经济质量环节标准应该当总统"
    "认识证变图书馆学习气条听见亲爱爱乐无产进达远边区车飞机处备传输设计连网络颜绿蓝红黄银键镜"
    "体验权责偿补偿损伤检测试纸张宽圆头师傅陆湾两张只双节约须领预报错误谁样难盖壶将处广东苏宁录"
)
ONLY_TRADITIONAL = TRADITIONAL - SIMPLIFIED
ONLY_SIMPLIFIED = SIMPLIFIED - TRADITIONAL
ENGLISH = re.compile(
    r"\b(?:the|an?|is|are|was|do|does|did|can|could|how|what|what's|when|where|why|which|who|my|i|i'm"
    r"|you|your|it|this|that|to|for|of|on|in|with|and|or|not|have|has|if|please|will|would|me)\b",
    re.IGNORECASE,
)
SHORT = 20  # Latin letters; below it langdetect guesses (it calls "hi" Swahili)
CODES = {"zh-cn": "zh-Hans", "zh-tw": "zh-Hant"}


def detect(text: str, configured: Sequence[str], session: str | None = None) -> str:
    """The language of `text` as one of `configured` where possible, else its own code.

    A Han text with Latin product names is Chinese; one built from English function words around
    a Chinese noun is English: function words, not nouns, tell whose sentence it is.
    """
    prior = session or configured[0]
    if KANA.search(text):
        return "ja"
    if len(HANGUL.findall(text)) > len(HAN.findall(text)):
        return "ko"
    han, words = len(HAN.findall(text)), len(LATIN_WORD.findall(text))
    if han and han >= 2 * len(ENGLISH.findall(text)):
        return _chinese(text, prior)
    if CYRILLIC.search(text) and not words:
        return "ru"
    if ARABIC.search(text) and not words:
        return "ar"
    if not LATIN.search(text):
        return prior
    return _latin(text, configured, prior)


def _chinese(text: str, prior: str) -> str:
    traditional = sum(c in ONLY_TRADITIONAL for c in text)
    simplified = sum(c in ONLY_SIMPLIFIED for c in text)
    if traditional != simplified:
        return "zh-Hant" if traditional > simplified else "zh-Hans"
    return prior if prior.startswith("zh") else "zh-Hans"


def _latin(text: str, configured: Sequence[str], prior: str) -> str:
    """langdetect among the configured Latin languages plus the most common others."""
    latin = [code for code in configured if not code.startswith(("zh", "ja", "ko", "ru", "ar"))]
    letters = len(LATIN.findall(text))
    if letters < SHORT or len(LATIN_WORD.findall(text)) < 4:
        if prior in latin:
            return prior
        return latin[0] if latin else prior
    detector = _factory().create()
    detector.append(text)
    found = [(CODES.get(guess.lang, guess.lang), guess.prob) for guess in detector.get_probabilities()]
    if not found:
        return latin[0] if latin else prior
    best, probability = found[0]
    if best in latin or not latin:
        return best
    # Support talk is full of product names; leave a configured language only when sure.
    return best if probability > 0.95 and letters > 2 * SHORT else latin[0]


@cache
def _factory() -> DetectorFactory:
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory
