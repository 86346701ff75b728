"""Planted personal data and near-duplicates: what cleaning finds, and what it masks needlessly.

python benchmarks/cleaning.py

2,000 items in English and Chinese sentences of a shop. The names are rare on purpose and stand in
this file only; the masker has no list with them. Every sentence is masked on its own, so nothing
is known about who writes.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from environment import described

from chatbot.masking import Masker
from finetune.dataset import HELD_OUT, position, split
from finetune.duplicates import jaccard, shingles
from finetune.pairs import Pair

ITEMS = 2_000
TWINS = 50
STRUCTURED = ("email", "phone", "card", "iban", "ip", "id")
FIRST = [
    "Oluwaseun",
    "Siobhan",
    "Wolfgang",
    "Xiomara",
    "Tadeusz",
    "Anneliese",
    "Kwabena",
    "Ingrid",
    "Mordecai",
    "Thandiwe",
    "Leopold",
    "Rosalind",
    "Evander",
    "Philippa",
    "Casimir",
    "Henrietta",
    "Balthazar",
    "Winifred",
    "Ambrose",
    "Clementine",
    "Zebulon",
    "Octavia",
    "Lysander",
    "Marguerite",
    "Thaddeus",
    "Guinevere",
    "Barnaby",
    "Persephone",
]
LAST = [
    "Okonkwo",
    "Featherstone",
    "Kowalczyk",
    "Abernathy",
    "Villanueva",
    "Thistlewood",
    "Drummond",
    "Castellanos",
    "Pemberton",
    "Nakagawa",
    "Ravenscroft",
    "Lindqvist",
    "Oyelaran",
    "Hathersage",
    "Szymanski",
    "Montefiore",
    "Braithwaite",
    "Echeverria",
    "Cholmondeley",
    "Vandermeer",
    "Strathearn",
    "Quackenbush",
    "Papadakis",
    "Wojciechowski",
]
SURNAMES = "王李张陈赵周吴郑孙林何郭梁宋唐许韩冯邓曹彭袁蒋沈欧阳司马慕容"
GIVEN = "锦煜沐澜翊宸婧琬栩珩霖岚霁晗玥瑄澍昀骞婉澄旻筠黛"
ROADS_EN = [
    "Larkspur",
    "Thornbury",
    "Wexford",
    "Harrowgate",
    "Bellweather",
    "Coppice",
    "Marlpit",
    "Tamarind",
]
ROADS_ZH = ("晚樱路", "听涛街", "揽月路", "槐荫街", "石榴巷", "望江路", "青禾路")
CITIES = ("成都市武侯区", "杭州市西湖区", "厦门市思明区", "武汉市洪山区", "西安市雁塔区")

ENGLISH = {
    "name": (
        "My name is {}, I ordered a kettle last week.",
        "This is {} speaking, the lid of the pot is cracked.",
        "Please change the recipient to {} on the parcel.",
        "Kind regards, {}",
        "Dear {}, your refund takes five to ten working days.",
    ),
    "email": (
        "You can reach me at {} in the evening.",
        "I never got the invoice, mail: {}, thanks.",
    ),
    "phone": ("Please call {} before you deliver.", "My new number is {}, the old one is gone."),
    "card": ("I paid with {} and was charged twice.", "card number {} was declined at checkout"),
    "iban": ("Send the refund to {} please.", "My bank account: {}."),
    "ip": ("The app says that {} is blocked.", "I see {} in the log of the router."),
    "address": ("Please send it to {}, ring twice.", "I moved, my address is {} now."),
}
CHINESE = {
    "name": (
        "我叫{}，上周买的壶漏水。",
        "收件人改成{}，其他不变。",
        "您好，我是{}，想问一下发票。",
        "{}女士您好，退款三到五天到账。",
        "麻烦寄给{}，不要放驿站。",
    ),
    "email": ("发票发到{}就行，谢谢。", "我的邮箱是{}"),
    "phone": ("送之前打{}，我在上班。", "手机号换成{}了"),
    "card": ("我用{}付的款，扣了两次。", "卡号{}支付失败"),
    "id": ("身份证{}，清关要用。", "证件号码是{}"),
    "ip": ("后台显示{}登录失败。", "路由器里看到{}"),
    "address": ("寄到{}，放门口。", "地址改成{}，谢谢"),
}
# Written just before the patterns that look for names were widened, by the same hand; the Chinese
# patterns were widened once more after their figure was seen. So neither these nor the sentences
# above, which were read for what was missed, tell how names of real conversations are found.
FURTHER = {
    "en": (
        "hi, {} again, still no reply about the cups",
        "The parcel is for my neighbour {}, can she sign for it?",
        "I talked to {} yesterday and she promised a refund.",
        "Thanks for the quick help!\n{}",
        "Could {} from your team call me back?",
        "The courier left it with {} at the front desk.",
        "Put {} on the invoice instead of me.",
        "my sister {} bought the kettle, I only collect it",
        "Hello {}, I have looked at your order.",
        "Is the account of {} closed now?",
    ),
    "zh": (
        "麻烦让{}给我回个电话。",
        "快递被{}签收了，我不认识这个人。",
        "发票抬头写{}。",
        "上次是{}帮我处理的，很有耐心。",
        "我把壶转送给{}了，保修还算吗？",
        "{}，地址没变，还是原来那个。",
        "我爱人{}也下了一单，能合并吗？",
        "付款人和收件人不同，付款的是{}。",
        "您好{}，您的订单已经发出。",
        "账户里的名字{}写错了一个字。",
    ),
}
FURTHER_NAMES = {
    "en": ("Isolde Farquharson", "Emeka Adebayo", "Ragnhild Solberg", "Tariq Haddad",
           "Beatrix Llewellyn", "Yolanda Quintero", "Desmond Achterberg", "Priya Venkataraman"),
    "zh": ("钱牧歌", "钟离雪", "姜望舒", "魏璟", "丁若蘅", "沈砚秋", "傅知远", "秦苒"),
}  # fmt: skip
PLAIN = (
    "The K2 base keeps 92 degrees for 30 minutes.",
    "Standard shipping is free from $120 and takes 10–18 days.",
    "Order SL2602110036 left on 2026-03-05 at 16:40.",
    "Opened tea cannot be returned, cups can within 30 days.",
    "云壶K1的容量是1.5升，功率1800瓦。",
    "满99元包邮，不满收10元运费。",
    "订单SL2603020118昨天16:40已经发出。",
    "铁观音128元一百克，七天无理由退货。",
)


def luhn(chance: random.Random) -> str:
    digits = [4, *(chance.randrange(10) for _ in range(14))]
    total = sum(d if i % 2 else d * 2 - 9 * (d > 4) for i, d in enumerate(digits))
    number = "".join(map(str, [*digits, -total % 10]))
    return number if chance.random() < 0.5 else " ".join(number[i : i + 4] for i in range(0, 16, 4))


def iban(chance: random.Random) -> str:
    account = "".join(str(chance.randrange(10)) for _ in range(18))
    check = 98 - int(f"{account}131400") % 97  # DE00 with its letters as numbers
    return f"DE{check:02d}{account}"


def resident(chance: random.Random) -> str:
    day = f"{chance.randint(1955, 2004)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    body = f"{chance.choice(('510107', '330106', '350203'))}{day}{chance.randint(1, 999):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def chinese_name(chance: random.Random) -> str:
    double = chance.random() < 0.05
    surname = chance.choice(("欧阳", "司马", "慕容")) if double else chance.choice(SURNAMES[:24])
    return surname + "".join(chance.sample(GIVEN, chance.choice((1, 2, 2))))


def mobile(chance: random.Random) -> str:
    return f"1{chance.choice('3578')}{chance.randrange(10**9):09d}"


def foreign_phone(chance: random.Random) -> str:
    return chance.choice(
        (
            f"+1 718 555 01{chance.randrange(100):02d}",
            f"(503) 555-01{chance.randrange(100):02d}",
            f"+44 20 7946 0{chance.randrange(1000):03d}",
            f"+49 30 2312{chance.randrange(10_000):04d}",
        )
    )


Maker = Callable[[random.Random], str]
EMAIL: Maker = lambda c: (  # noqa: E731
    f"{c.choice(LAST).lower()}{c.randrange(100)}@{c.choice(('eirmail', 'postkasten'))}.example"
)
IP: Maker = lambda c: ".".join(str(c.randint(1, 254)) for _ in range(4))  # noqa: E731
MAKERS: dict[str, dict[str, Maker]] = {
    "en": {
        "name": lambda c: f"{c.choice(FIRST)} {c.choice(LAST)}",
        "email": EMAIL,
        "phone": foreign_phone,
        "card": luhn,
        "iban": iban,
        "ip": IP,
        "address": lambda c: (
            f"{c.randint(1, 3000)} {c.choice(ROADS_EN)} {c.choice(('Lane', 'Road'))}"
        ),
    },
    "zh": {
        "name": chinese_name,
        "email": EMAIL,
        "phone": mobile,
        "card": luhn,
        "id": resident,
        "ip": IP,
        "address": lambda c: f"{c.choice(CITIES)}{c.choice(ROADS_ZH)}{c.randint(1, 300)}号",
    },
}
TOKEN = re.compile(r"\[[A-Z]+_\d+\]|[A-Za-z]+|\d+|[\u3400-\u9fff]")


def personal_data() -> dict[str, object]:
    """Found shares per language and kind, and the share of other tokens that went."""
    chance = random.Random(20260301)
    planted: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    others: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for number in range(ITEMS):
        code = ("en", "zh")[number % 2]
        kinds = list(MAKERS[code])
        kind = "name" if chance.random() < 0.3 else chance.choice(kinds[1:])
        value = MAKERS[code][kind](chance)
        frame = chance.choice((ENGLISH if code == "en" else CHINESE)[kind])
        masked = Masker().mask(frame.format(value))
        planted[code, kind] += 1
        found[code, kind] += not left_over(value, masked, kind)
        before = Counter(TOKEN.findall(frame.replace("{}", " ")))
        gone = before - Counter(TOKEN.findall(masked))
        others[code] += before.total()
        lost[code] += gone.total()
    for text in PLAIN * 25:
        code = "en" if text.isascii() or "–" in text else "zh"
        before = Counter(TOKEN.findall(text))
        others[code] += before.total()
        lost[code] += (before - Counter(TOKEN.findall(Masker().mask(text)))).total()
    return {
        code: {
            "structured": share(found, planted, code, STRUCTURED),
            "names": share(found, planted, code, ("name",)),
            "addresses": share(found, planted, code, ("address",)),
            "by_kind": {k: round(found[c, k] / n, 4) for (c, k), n in planted.items() if c == code},
            "planted": sum(n for (c, _), n in planted.items() if c == code),
            "other_tokens_masked": round(lost[code] / others[code], 4),
        }
        for code in ("en", "zh")
    }


def further_sentences() -> dict[str, float]:
    """Share of names found, 0..1, by language: each sentence with each name."""
    return {
        code: round(
            sum(
                not left_over(name, Masker().mask(frame.format(name)), "name")
                for frame in FURTHER[code]
                for name in FURTHER_NAMES[code]
            )
            / (len(FURTHER[code]) * len(FURTHER_NAMES[code])),
            4,
        )
        for code in ("en", "zh")
    }


def left_over(value: str, masked: str, kind: str) -> bool:
    """Whether a part that tells something is still there: of a name any word of it."""
    parts = value.split() if kind == "name" else [value]
    return any(part in masked for part in parts)


def share(
    found: Counter[tuple[str, str]],
    planted: Counter[tuple[str, str]],
    code: str,
    kinds: tuple[str, ...],
) -> float:
    total = sum(planted[code, kind] for kind in kinds)
    return round(sum(found[code, kind] for kind in kinds) / total, 4)


WORDS = [
    "kettle",
    "cup",
    "return",
    "parcel",
    "refund",
    "lid",
    "base",
    "tea",
    "order",
    "glass",
    "wood",
    "silk",
    "stone",
    "river",
    "cloud",
]


def near_duplicates() -> dict[str, int]:
    """Held-out conversations, 50 of them with a near-copy among those to learn from."""
    chance = random.Random(11)
    pairs = []
    for number in range(900):
        text = " ".join(f"{chance.choice(WORDS)}{chance.randrange(90)}" for _ in range(14))
        pairs.append(Pair(f"c{number}", "en", (), f"Question {number}?", f"The answer is {text}."))
    held = [p for p in pairs if position(p.conversation) < HELD_OUT][:TWINS]
    names = (f"copy{n}" for n in range(100_000))
    taught = [name for name in names if position(name) >= HELD_OUT][:TWINS]
    for pair, name in zip(held, taught, strict=True):
        changed = pair.reply.replace("The answer is", chance.choice(("An answer is", "It is")))
        assert jaccard(shingles(changed), shingles(pair.reply)) >= 0.8
        pairs.append(Pair(name, "en", (), pair.question + " please", changed))
    made = split(pairs)
    sides: defaultdict[str, set[str]] = defaultdict(set)
    for side in ("train", "held_out"):
        sides[side] = {p.conversation for p in getattr(made, side)}
    caught = sum(pair.conversation in sides["train"] for pair in held)
    return {"planted": TWINS, "found": caught, "moved_in_all": made.leaks}


if __name__ == "__main__":
    figures = {
        "personal_data": personal_data(),
        "names_in_further_sentences": further_sentences(),
        "near_duplicates": near_duplicates(),
    }
    print(described(figures, Path(__file__)))
