"""Writes tests/data/personal_data.jsonl: 2,000 sentences with generated personal data.

    python benchmarks/personal_data_set.py

Half of the numbers have a wrong check digit and are no personal data. The sentences are written
for this project; every value is random, from a fixed seed.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from chatbot import checksums
from knowledge.words import words

TARGET = Path(__file__).parents[1] / "tests" / "data" / "personal_data.jsonl"
ROWS = 2_000
SEED = 11
FRAMES = Path(__file__).parents[1] / "tests" / "data" / "personal_data_frames.txt"
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶"
    "程苏魏吕丁任沈姚卢崔"
)
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂子涵雨欣梓轩浩宇诗雅晓峰建国志远思琪嘉怡"
FIRST = sorted(
    words("""
    Jane Peter Maria Ahmed Sofia Liam Chloé José Anna Tom Fatima Björn Grace Li Wei Olga Ivan
    Noor
""")
)
LAST = sorted(
    words("""
    Miller O'Brien Garcia Nguyen Schmidt Smith-Jones Rossi Okafor Müller Brown Taylor Kowalska
    Patel Larsen
""")
)
PLACES = (
    ("浙江省", "杭州市", "西湖区", "文三路"),
    ("广东省", "深圳市", "南山区", "科技南十二路"),
    ("", "北京市", "朝阳区", "建国门外大街"),
    ("", "上海市", "浦东新区", "世纪大道"),
    ("四川省", "成都市", "武侯区", "人民南路四段"),
    ("江苏省", "苏州市", "姑苏区", "观前街"),
    ("湖北省", "武汉市", "洪山区", "珞喻路"),
    ("广西壮族自治区", "南宁市", "青秀区", "民族大道"),
    ("臺灣省", "臺北市", "大安區", "忠孝東路四段"),
)
ESTATES = sorted(
    words("""
    阳光花园 万科城市花园 绿地中心 幸福小区 龙湖公寓 翡翠家园 锦绣苑
""")
)
STREETS = sorted(
    words("""
    Baker High Church Nanjing Queen's Elm Maple King Orchard Mill
""")
)
SUFFIXES = sorted(
    words("""
    Street Road Avenue Lane Drive St Rd Ave Boulevard
""")
)
CITIES = ["London", "Boston", "Springfield", "Dublin", "Austin", "Leeds"]


class Values:
    """Random values by kind; `valid` False breaks the check digit."""

    def __init__(self, random_: random.Random) -> None:
        self.random = random_

    def digits(self, count: int) -> str:
        return "".join(self.random.choice("0123456789") for _ in range(count))

    def id(self, valid: bool) -> str:
        day = date(1945, 1, 1) + timedelta(days=self.random.randrange(23_000))
        head = self.random.choice(("110105", "330106", "440305", "510107", "320508"))
        body = f"{head}{day:%Y%m%d}{self.digits(3)}"
        right = next(c for c in "0123456789X" if checksums.resident_id(body + c))
        wrong = self.random.choice([c for c in "0123456789X" if c != right])
        value = body + (right if valid else wrong)
        return value.lower() if self.random.random() < 0.2 else value

    def card(self, valid: bool) -> str:
        head, count = self.random.choice(
            (("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("37", 15), ("622202", 19),
             ("621700", 19), ("622848", 16), ("6011", 16), ("3530", 16), ("36", 14))
        )  # fmt: skip
        body = head + self.digits(count - len(head) - 1)
        right = next(c for c in "0123456789" if checksums.luhn(body + c))
        value = body + (
            right if valid else self.random.choice([c for c in "0123456789" if c != right])
        )
        blank = self.random.choice(("", "", " ", "-"))
        return blank.join(re.findall(r"\d{1,4}", value)) if blank else value

    def iban(self, valid: bool) -> str:
        country, body = self.random.choice(
            (("DE", self.digits(18)), ("GB", "WEST" + self.digits(14)), ("FR", self.digits(23)),
             ("NL", "ABNA" + self.digits(10)), ("ES", self.digits(20)), ("CH", self.digits(17)))
        )  # fmt: skip
        right = next(f"{n:02}" for n in range(2, 99) if checksums.iban(f"{country}{n:02}{body}"))
        wrong = f"{(int(right) + self.random.randrange(1, 90)) % 97 + 2:02}"
        if wrong == right or checksums.iban(f"{country}{wrong}{body}"):
            wrong = f"{(int(right) + 3) % 97:02}"
        value = country + (right if valid else wrong) + body
        return " ".join(re.findall(r".{1,4}", value)) if self.random.random() < 0.5 else value

    def phone(self, valid: bool) -> str:
        r, d = self.random, self.digits
        mobile = f"1{r.choice(('38', '39', '50', '86', '77', '91', '35'))}{d(8)}"
        forms: tuple[Callable[[], str], ...] = (
            lambda: mobile,
            lambda: mobile,
            lambda: f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}",
            lambda: f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}",
            lambda: f"+86 {mobile}",
            lambda: f"+86-{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}",
            lambda: f"010-6{d(7)}",
            lambda: f"021 5{d(7)}",
            lambda: f"(0571)8{d(7)}",
            lambda: f"0755-2{d(7)}转8{d(3)}",
            lambda: f"+44 20 7946 0{d(3)}",
            lambda: f"+1 (415) 555-01{d(2)}",
            lambda: f"212-555-01{d(2)}",
            lambda: f"+852 9{d(3)} {d(4)}",
            lambda: f"+49 151 2{d(7)}",
            lambda: f"09{r.choice('1235')}{d(1)}-{d(3)}-{d(3)}",
        )
        return r.choice(forms)()

    def email(self, valid: bool) -> str:
        user = self.random.choice(FIRST).lower().translate({ord("é"): "e", ord("ö"): "o"})
        host = self.random.choice(("example.com", "qq.example", "mail.example.co.uk", "example.cn"))
        form = self.random.choice(
            ("{u}{n}@{h}", "{u}.shop@{h}", "{u}+tea@{h}", "{n}@{h}", "{u}_{n}@{h}")
        )
        return form.format(u=user, n=self.random.randrange(10, 99_999), h=host)

    def ip(self, valid: bool) -> str:
        r = self.random
        if not valid:
            return f"{r.randrange(256, 999)}.{r.randrange(256)}.{r.randrange(256)}.1"
        if r.random() < 0.2:
            return f"2001:db8:{r.randrange(4096):x}::{r.randrange(1, 65536):x}"
        return f"203.0.{r.randrange(256)}.{r.randrange(1, 255)}"

    def url(self, valid: bool) -> str:
        path = self.random.choice(("orders/view", "pay", "u/profile", "reset"))
        token = self.random.choice(("token", "auth", "sid"))
        return f"https://shop.example/{path}?{token}={self.random.getrandbits(80):x}"

    def passport(self, valid: bool) -> str:
        r = self.random
        return r.choice(
            (f"E{self.digits(8)}", f"G{self.digits(8)}", f"EA{self.digits(7)}", self.digits(9))
        )

    def plate(self, valid: bool) -> str:
        r, letters = self.random, "ABCDEFGHJKLMNPQRSTUVWXYZ"
        head = r.choice("京沪粤浙苏川鄂") + r.choice("ABCDEF")
        dot = r.choice(("", "", "·", " "))
        if r.random() < 0.3:
            return f"{head}{dot}{r.choice('DF')}{self.digits(5)}"
        return f"{head}{dot}{r.choice(letters)}{self.digits(4)}"

    def cvv(self, valid: bool) -> str:
        return self.digits(self.random.choice((3, 3, 4)))

    def name_zh(self, valid: bool) -> str:
        given = "".join(self.random.sample(GIVEN, self.random.choice((1, 2, 2))))
        return self.random.choice(SURNAMES) + given

    def name_en(self, valid: bool) -> str:
        return f"{self.random.choice(FIRST)} {self.random.choice(LAST)}"

    def surname_zh(self, valid: bool) -> str:
        return self.random.choice(SURNAMES)

    def surname_en(self, valid: bool) -> str:
        return self.random.choice(LAST)

    def address_zh(self, valid: bool) -> str:
        r = self.random
        province, city, district, road = r.choice(PLACES)
        area = r.choice((province + city + district, city + district, district))
        house = f"{r.randrange(1, 999)}{'號' if '區' in district else '号'}"
        flat = f"{r.randrange(1, 30)}栋{r.randrange(1, 5)}单元{r.randrange(101, 2503)}室"
        inside = r.choice(
            (
                "",
                f"{r.choice(ESTATES)}{flat}",
                f"{r.randrange(1, 30)}楼",
                f"{r.randrange(1, 9)}号楼{r.randrange(101, 999)}",
            )
        )
        return f"{area}{road}{house}{inside}"

    def address_en(self, valid: bool) -> str:
        r = self.random
        street = f"{r.randrange(1, 9999)} {r.choice(STREETS)} {r.choice(SUFFIXES)}"
        return street + r.choice(
            (
                "",
                f", Apt {r.randrange(1, 99)}",
                f", {r.choice(CITIES)}, TX {r.randrange(10000, 99999)}",
            )
        )


# Values that must survive: what people ask about.
def harmless(r: random.Random) -> dict[str, str]:
    """Order, tracking and model numbers, prices, dates, periods."""

    def digits(count: int) -> str:
        return "".join(r.choice("0123456789") for _ in range(count))

    orders = (f"SL{digits(10)}", f"2024{digits(14)}", f"{digits(12)}", f"#{digits(7)}")
    parcels = (f"SF{digits(13)}", f"YT{digits(13)}", f"JD{digits(13)}", f"EA{digits(9)}CN")
    prices = (f"{r.randrange(10, 9999)}.00", f"{r.randrange(1, 9)},{digits(3)}")
    return {
        "order": r.choice(orders),
        "tracking": r.choice((*parcels, f"75{digits(12)}")),
        "price": r.choice((*prices, f"{r.randrange(9, 999)}")),
        "date": f"20{r.randrange(20, 27)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}",
        "model": r.choice(("K1", "K2 Pro", "KT-200", "M3", "E2", "GT-1380", "iPhone 15")),
        "version": f"{r.randrange(1, 4)}.{r.randrange(9)}.{r.randrange(20)}.{r.randrange(99)}",
        "days": str(r.choice((7, 14, 30, 90, 365))),
        "time": f"{r.randrange(8, 22)}:{r.choice(('00', '30'))}",
        "hotline": r.choice(("400-820-8820", "400 610 1234", "1-800-555-0199", "95338")),
    }  # fmt: skip


def rows() -> list[dict[str, object]]:
    """2,000 rows of text and spans; frames in turn, values random."""
    r = random.Random(SEED)
    values = Values(r)
    frames = [line for line in FRAMES.read_text("utf-8").splitlines() if line and line[0] != "#"]
    return [_row(frames[i % len(frames)], values, r) for i in range(ROWS)]


def _row(frame: str, values: Values, r: random.Random) -> dict[str, object]:
    text, spans, plain = "", [], harmless(r)
    for part in re.split(r"(\{!?\w+\})", frame):
        if not part.startswith("{"):
            text += part
            continue
        name = part.strip("{}")
        if name in plain:
            text += plain[name]
            continue
        value = getattr(values, name.lstrip("!"))(not name.startswith("!"))
        if not name.startswith("!"):
            kind = {"surname": "name"}.get(name.split("_")[0], name.split("_")[0])
            spans.append({"kind": kind, "start": len(text), "end": len(text) + len(value)})
        text += value
    return {"text": text, "spans": spans}


def main() -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows()]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} rows in {TARGET}")


if __name__ == "__main__":
    main()
