"""Every file type, and files that are not what they say, in this process and in the child."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pypdf
import pytest

from knowledge.errors import UnreadableFile, UnsupportedFile
from knowledge.load import LimitedLoader, load, load_limited

from .files import Write, make_docx, make_pdf, rezipped, texts

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "knowledge"


def test_markdown(write: Write) -> None:
    parsed = load(
        write(
            "a.md",
            "---\ntitle: x\n---\n# Returns\n\nSee [here](https://shop.example/r) and\n**note**.\n\n"
            "## How\n\n1. Open\n2. Send\n   - in a box\n\n"
            "| Level | Days |\n|---|---|\n| Gold | 15 |\n\n```\ncode\n```\n"
            "<script>evil()</script>\n",
        )
    )
    assert parsed.title == "Returns"
    assert [(b.kind, b.heading) for b in parsed.blocks[:3]] == [
        ("text", ()),
        ("list", ("How",)),
        ("table", ("How",)),
    ]
    assert texts(parsed)[:4] == [
        "See here (https://shop.example/r) and note.",
        "1. Open\n2. Send\n  - in a box",
        "Level: Gold | Days: 15",
        "code",
    ]


def test_text(write: Write) -> None:
    table = "名称  价格  颜色\n壶    399   黑\n"
    parsed = load(
        write(
            "a.txt",
            "退货说明\n\n一、期限\n\n签收后\n七天内。\n\n- 茶\n- 壶\n\n" + table,
        )
    )
    assert parsed.title == "退货说明"
    assert {b.heading for b in parsed.blocks} == {("一、期限",)}
    assert "- 茶\n- 壶" in texts(parsed)
    assert texts(parsed)[-1] == "名称: 壶 | 价格: 399 | 颜色: 黑"


def test_html(write: Write) -> None:
    parsed = load(
        write(
            "a.html",
            "<html><head><title>T</title><style>p{}</style></head><body><nav>menu</nav><header>top"
            "</header><main><h1>Pay</h1><p>By <b>card</b>.<p hidden>no</p>"
            "<div style='display: none'>no</div><h2>List</h2>"
            "<ul><li>Visa<ul><li>debit</li></ul></li></ul><table><tr><th>Card</th><th>Fee</th></tr><tr><td>Visa</td><td>0</td></tr></table>"
            "<script>no()</script></main><footer>end</footer></body></html>",
        )
    )
    assert parsed.title == "Pay"
    assert texts(parsed) == ["By card.", "- Visa\n  - debit", "Card: Visa | Fee: 0"]
    assert parsed.blocks[1].heading == ("List",)


def test_html_of_another_charset(write: Write) -> None:
    page = '<html><meta charset="gb2312"><body><p>退货运费由顾客承担</p></body></html>'
    assert texts(load(write("a.html", page.encode("gb18030")))) == ["退货运费由顾客承担"]


def test_docx(tmp_path: Path) -> None:
    parsed = load(make_docx(tmp_path / "a.docx"))
    assert parsed.title == "保修"
    assert texts(parsed) == ["底座保修两年。", "1. 清洗\n2. 晾干", "看得见", "部件: 底座 | 年: 2"]
    assert parsed.blocks[0].heading == ("期限",)
    assert "hidden" in parsed.warnings[0]


def test_pdf(tmp_path: Path) -> None:
    page = [
        (50, 800, 24, "Kettle"),
        (50, 760, 11, "The kettle holds one litre of water and boils it in about four minutes or"),
        (50, 746, 11, "so."),
        (50, 700, 15, "Error codes"),
        *((x, y, 11, t) for x, y, t in [(50, 670, "Code"), (200, 670, "Meaning")]),
        *((x, y, 11, t) for x, y, t in [(50, 650, "E1"), (200, 650, "dry boil")]),
        *((x, y, 11, t) for x, y, t in [(50, 630, "E2"), (200, 630, "sensor")]),
        *((x, y, 11, t) for x, y, t in [(50, 616, ""), (200, 616, "fault")]),
    ]
    parsed = load(make_pdf(tmp_path / "a.pdf", [line for line in page if line[3]], []))
    assert parsed.title == "Kettle"
    assert texts(parsed) == [
        "The kettle holds one litre of water and boils it in about four minutes or so.",
        "Code: E1 | Meaning: dry boil\nCode: E2 | Meaning: sensor fault",
    ]
    assert (parsed.blocks[1].heading, parsed.blocks[1].page) == (("Error codes",), 1)
    assert "1 of 2 pages" in parsed.warnings[0]


def test_chinese_pdf() -> None:
    parsed = load(SAMPLES / "zh" / "kettle-k2-manual.pdf")
    assert parsed.title == "K2「云 Pro」智能温控电热壶使用说明书"
    codes = next(b for b in parsed.blocks if b.kind == "table" and "E5" in b.text)
    assert codes.heading == ("错误代码",)
    assert "代码: E2 | K2 的含义: 干烧保护 | 处理方法: 冷却 15 分钟，加水至少 0.3 升" in codes.text
    assert all(b.page for b in parsed.blocks)


def test_csv_rows_and_faq(write: Write) -> None:
    rows = load(write("a.csv", "商品;价格\n壶;399\n杯;59\n".encode("gb18030")))
    assert texts(rows) == ["商品: 壶 | 价格: 399\n商品: 杯 | 价格: 59"]
    faq = load(
        write(
            "b.csv",
            '问题,答案,相似问法1,问法2\n"怎么退?","先申请,\n再寄回",退货,"咋退|退"\n无答案,,,\n',
        )
    )
    assert (faq.faqs[0].question, faq.faqs[0].answer) == ("怎么退?", "先申请,\n再寄回")
    assert faq.faqs[0].phrasings == ("退货", "咋退", "退")
    assert len(faq.faqs) == 1
    assert "1 rows" in faq.warnings[0]


def test_xlsx(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Item", "Price", "Off"], ["Kettle", 399.0, 0.05]):
        sheet.append(row)
    sheet["C2"].number_format = "0%"
    book.create_sheet("secret").sheet_state = "hidden"
    faq = book.create_sheet("faq")
    faq.append(["Question", "Answer"])
    faq.append(["Free?", "Yes."])
    book.save(tmp_path / "a.xlsx")
    parsed = load(tmp_path / "a.xlsx")
    assert texts(parsed) == ["Item: Kettle | Price: 399 | Off: 5%"]
    assert [(f.question, f.answer) for f in parsed.faqs] == [("Free?", "Yes.")]
    assert "1 hidden" in parsed.warnings[0]


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "big5", "utf-32"])
def test_encodings(write: Write, coding: str) -> None:
    text = (
        "退貨說明：收到商品後七天之內可以申請退貨，運費由顧客負擔。"
        if coding == "big5"
        else "退货说明：收到商品后七天之内可以申请退货，运费由顾客承担。"
    )
    assert texts(load(write("a.txt", text.encode(coding)))) == [text]


def test_western_encoding(write: Write) -> None:
    text = "Die Rückgabe ist innerhalb von dreißig Tagen möglich, sagte Frau Müller – natürlich."
    assert texts(load(write("a.txt", text.encode("cp1252")))) == [text]


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_unmarked_utf16(write: Write, coding: str) -> None:
    text = "Returns are free for 30 days."
    assert texts(load(write("a.txt", text.encode(coding)))) == [text]


def test_invisible_characters_are_removed_and_counted(write: Write) -> None:
    parsed = load(write("a.txt", "Pay\u200b on\u202e time\U000e0041.\x07"))
    assert texts(parsed) == ["Pay on time."]
    assert "3 invisible" in parsed.warnings[0]


PDF, PNG = b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.exe", b"x", "Supported"),
        ("a", b"x", "Supported"),
        ("a.txt", b"", "empty"),
        ("a.md", b" \n\t", "empty"),
        ("a.txt", PDF, "a PDF"),
        ("a.md", PNG, "an image"),
        ("a.csv", b"PK\x03\x04rest", "an office file"),
        ("a.txt", b"<!DOCTYPE html><p>x", "a web page"),
        ("a.html", b"only words", "something else"),
        ("a.html", PDF, "a PDF"),
        ("a.pdf", b"only words", "something else"),
        ("a.docx", b"only words", "something else"),
        ("a.docx", b"\xd0\xcf\x11\xe0old", "old or encrypted"),
        ("a.xlsx", PDF, "a PDF"),
        ("a.txt", b"abc\0\1\2def", "something else"),
        ("a.txt", bytes(range(1, 255)) * 3, "encoding"),
        ("a.pdf", PDF + b"garbage", "damaged"),
        ("a.docx", b"PK\x03\x04garbage", "damaged"),
        ("a.html", b"<html><body><script>x</script></body></html>", "no text"),
        ("a.html", b"<div>" * 50_000 + b"words" + b"</div>" * 50_000, "no text"),
    ],
)
def test_refused_with_a_sentence(write: Write, name: str, content: bytes, words: str) -> None:
    with pytest.raises((UnreadableFile, UnsupportedFile), match=words) as refused:
        load(write(name, content))
    assert str(refused.value).startswith(name)
    assert str(refused.value).endswith(".")


def test_right_zip_under_the_wrong_name(tmp_path: Path) -> None:
    document = make_docx(tmp_path / "a.docx")
    with pytest.raises(UnreadableFile, match=r"something else|an office file"):
        load(document.rename(tmp_path / "a.xlsx"))


def test_scanned_and_encrypted_pdf(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="OCR"):
        load(make_pdf(tmp_path / "scan.pdf", [], []))
    writer = pypdf.PdfWriter(clone_from=make_pdf(tmp_path / "a.pdf", [(50, 700, 12, "secret")]))
    writer.encrypt("password", algorithm="AES-256")
    writer.write(tmp_path / "locked.pdf")
    with pytest.raises(UnreadableFile, match="encrypted"):
        load(tmp_path / "locked.pdf")


def test_office_bombs_and_attacks(tmp_path: Path) -> None:
    part = "word/document.xml"
    entity = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><w:document'
    xxe = rezipped(
        make_docx(tmp_path / "xxe.docx"), part, lambda x: x.replace(b"<w:document", entity, 1)
    )
    with pytest.raises(UnreadableFile, match="document type"):
        load(xxe)
    bomb = rezipped(make_docx(tmp_path / "bomb.docx"), part, lambda x: x + b" " * (30 << 20))
    with pytest.raises(UnreadableFile, match="more than is safe"):
        load(bomb)
    many = make_docx(tmp_path / "many.docx")
    with zipfile.ZipFile(many, "a") as package:
        for i in range(2_001):
            package.writestr(f"x{i}", b"")
    with pytest.raises(UnreadableFile, match="more than is safe"):
        load(many)
    torn = rezipped(make_docx(tmp_path / "torn.docx"), part, lambda x: x[: len(x) // 2])
    with pytest.raises(UnreadableFile, match="damaged"):
        load(torn)


@pytest.mark.slow
def test_the_child_gives_the_same_and_survives_bad_files(write: Write, tmp_path: Path) -> None:
    good = [
        make_docx(tmp_path / "a.docx"),
        write("a.csv", "q,a\nFree?,Yes.\n"),
        write("a.md", "# A\n\nb"),
    ]
    with LimitedLoader(1) as loader:
        for path in good:
            assert loader.load(path) == load(path)
        with pytest.raises(UnsupportedFile, match="Supported"):
            loader.load(write("a.exe", "x"))
        with pytest.raises(UnreadableFile, match="more than 1 MB"):
            loader.load(write("big.txt", b"x" * (1 << 21)))
        assert loader.load(good[0]) == load(good[0])
    assert load_limited(good[0], 1) == load(good[0])


@pytest.mark.slow
def test_a_parser_that_needs_too_much_is_stopped(write: Write) -> None:
    attributes = b" ".join(b'a%d="%d"' % (i, i) for i in range(700_000))
    page = write("attributes.html", b"<p " + attributes + b">x</p>")
    with LimitedLoader(25, cpu_seconds=1) as loader:
        with pytest.raises(UnreadableFile, match="too long or too much"):
            loader.load(page)
        assert texts(loader.load(write("a.md", "next"))) == ["next"]


@pytest.mark.slow
def test_the_next_file_is_read_after_a_killed_child(write: Write) -> None:
    with LimitedLoader(25) as loader:
        assert loader.load(write("a.md", "one")).blocks
        assert loader._child is not None
        loader._child.kill()
        with pytest.raises(UnreadableFile):
            loader.load(write("b.md", "two"))
        assert texts(loader.load(write("c.md", "three"))) == ["three"]
