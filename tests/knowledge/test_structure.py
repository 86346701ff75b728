"""Lists, merged cells, nested tables, content controls and exports keep their meaning."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from knowledge.errors import UnreadableFile
from knowledge.load import load
from knowledge.parsers.outline import Outline

from .files import Write, rezipped, texts


def page(body: str) -> str:
    return f"<html><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        (
            "<tr><th>Card</th><th>Fee</th></tr><tr><td>Visa</td><td>0</td></tr>",
            ["Card: Visa | Fee: 0"],
        ),
        (
            "<tr><td>Phone</td><td>555</td></tr><tr><td>Mail</td><td>a@b</td></tr>",
            ["Phone: 555\nMail: a@b"],
        ),
        (
            "<tr><td>Item</td><td>Price</td></tr><tr><td>Pot</td><td>59</td></tr>",
            ["Item: Pot | Price: 59"],
        ),
        (
            "<tr><th>Fee</th><td>5</td></tr><tr><th>Tax</th><td>1</td></tr>",
            ["Fee: 5\nTax: 1"],
        ),
        (
            "<tr><th></th><th>EU</th><th>US</th></tr><tr><th>Fee</th><td>5</td><td>6</td></tr>",
            ["Fee | EU: 5 | US: 6"],
        ),
        (
            "<tr><td>Item</td><td>Size</td><td>Price</td></tr><tr><td colspan=3>Pots</td></tr>"
            "<tr><td rowspan=2>K1</td><td>S</td><td>5</td></tr><tr><td>L</td><td>6</td></tr>",
            ["Pots\nItem: K1 | Size: S | Price: 5\nItem: K1 | Size: L | Price: 6"],
        ),
        (
            "<tr><th colspan=2>Prices 2025</th></tr><tr><th>Item</th><th>Price</th></tr>"
            "<tr><td>Pot</td><td>59</td></tr>",
            ["Prices 2025", "Item: Pot | Price: 59"],
        ),
        (
            "<tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2<table><tr><th>C</th><th>D</th></tr>"
            "<tr><td>3</td><td>4</td></tr></table></td></tr>",
            ["A: 1 | B: 2", "C: 3 | D: 4"],
        ),
    ],
)
def test_html_tables(write: Write, table: str, lines: list[str]) -> None:
    assert texts(load(write("a.html", page(f"<table>{table}</table>")))) == lines


def test_html_wrapped_in_a_form_or_a_font_is_read(write: Write) -> None:
    body = (
        "<form>Search <input></form><form><font><h1>Pay</h1><p>By card.</p>"
        "<ol><li>Open<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table></li>"
        "<li>Send</li></ol><pre>a  b\n  c</pre></font></form>"
    )
    parsed = load(write("a.html", page(body)))
    assert parsed.title == "Pay"
    assert texts(parsed) == ["By card.", "1. Open\n2. Send", "A: 1 | B: 2", "a  b\n  c"]


def test_html_in_markdown_is_read_as_html(write: Write) -> None:
    table = "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>"
    parsed = load(write("a.md", f"# T\n\n{table}\n\n<!-- note -->\n\n<b>Bold</b> text.\n"))
    assert texts(parsed) == ["A: 1 | B: 2", "Bold text."]


def test_titles_above_a_table_are_no_header() -> None:
    outline = Outline()
    outline.table(
        [["Prices", "", ""], ["Item", "S", "L"], ["Pot", "5", "6"], "Tea", ["Oolong", "7", ""]]
    )
    assert [(b.kind, b.text) for b in outline.parsed("t").blocks] == [
        ("text", "Prices"),
        ("table", "Item: Pot | S: 5 | L: 6\nTea\nItem: Oolong | S: 7"),
    ]


def _control(paragraph: Any) -> None:
    """Wrap a paragraph in a content control, as Word's forms and tables of contents do."""
    control, content = OxmlElement("w:sdt"), OxmlElement("w:sdtContent")
    paragraph._p.addprevious(control)
    control.append(content)
    content.append(paragraph._p)


def test_word_content_controls_nested_and_merged_tables(tmp_path: Path) -> None:
    document = docx.Document()
    _control(document.add_paragraph("In a control."))
    table = document.add_table(3, 3)
    for cell, text in zip(table._cells, ["Item", "S", "L", "K1", "5", "6", "Note"], strict=False):
        cell.text = text
    table.cell(2, 1).text = "both"
    table.cell(2, 1).merge(table.cell(2, 2))
    inner = table.cell(1, 0).add_table(2, 2)
    for cell, text in zip(inner._cells, ["C", "D", "3", "4"], strict=True):
        cell.text = text
    document.add_paragraph("After.")
    document.save(str(tmp_path / "a.docx"))
    assert texts(load(tmp_path / "a.docx")) == [
        "In a control.",
        "Item: K1 | S: 5 | L: 6\nItem: Note | S: both | L: both",
        "C: 3 | D: 4",
        "After.",
    ]


def test_word_lists_numbers_and_links(tmp_path: Path) -> None:
    document = docx.Document()
    numbered = document.styles["List Number"].element.find(qn("w:pPr")).find(qn("w:numPr"))
    for text, depth in [("Open", 0), ("Lift the lid", 1), ("Pour", 1), ("Close", 0)]:
        paragraph = document.add_paragraph(text)
        properties = copy.deepcopy(numbered)
        level = OxmlElement("w:ilvl")
        level.set(qn("w:val"), str(depth))
        properties.insert(0, level)
        paragraph._p.get_or_add_pPr().append(properties)
    target = document.part.relate_to(
        "https://shop.example/r",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    paragraph = document.add_paragraph("See ")
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), target)
    link.append(paragraph.add_run("the rules")._r)
    paragraph._p.append(link)
    paragraph.add_run(".")
    document.save(str(tmp_path / "a.docx"))
    steps, sentence = texts(load(tmp_path / "a.docx"))
    assert [line.split(maxsplit=1)[1] for line in steps.splitlines()] == [
        "Open",
        "Lift the lid",
        "Pour",
        "Close",
    ]
    assert steps.splitlines()[0] == "1. Open" and steps.splitlines()[3] == "2. Close"
    assert sentence == "See the rules (https://shop.example/r)."


def test_merged_cells_and_titles_of_a_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Prices"], ["Item", "Size", "Price"], ["K1", "S", 5], [None, "L", 6], ["Tea"]):
        sheet.append(row)
    for cells in ("A1:C1", "A3:A4", "A5:C5"):
        sheet.merge_cells(cells)
    book.save(tmp_path / "a.xlsx")
    assert texts(load(tmp_path / "a.xlsx")) == [
        "Prices",
        "Item: K1 | Size: S | Price: 5\nItem: K1 | Size: L | Price: 6\nTea",
    ]


def test_a_formula_without_a_result_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Item", "Price"], ["Pot", "=1+1"], ["Cup", 3]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    parsed = load(tmp_path / "a.xlsx")
    assert texts(parsed) == ["Item: Pot\nItem: Cup | Price: 3"]
    assert parsed.warnings == ("1 formulas without a stored result cannot be read.",)


def test_what_does_not_fit_a_table_is_told(write: Write) -> None:
    row = ",".join(str(i) for i in range(300))
    parsed = load(write("a.csv", f"{row}\n{row}\n"))
    assert parsed.warnings == ("Columns after the first 200 were left out.",)


def test_merged_cells_of_a_slide(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    table = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_table(4, 2, 0, 0, 9, 9).table
    for i, text in enumerate(["Region", "Days", "EU", "14", "", "30", "All"]):
        table.cell(i // 2, i % 2).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(3, 0).merge(table.cell(3, 1))
    deck.save(str(tmp_path / "a.pptx"))
    assert texts(load(tmp_path / "a.pptx")) == ["Region: EU | Days: 14\nRegion: EU | Days: 30\nAll"]


ZENDESK: dict[str, Any] = {
    "count": 3,
    "articles": [
        {
            "id": 1,
            "title": "Returns",
            "locale": "en-us",
            "draft": False,
            "body": "<h2>How</h2><p>Post it.</p><ol><li>Open</li><li>Send</li></ol>",
        },
        {"id": 2, "title": "Secret", "draft": True, "body": "<p>Not yet.</p>"},
        {"id": 3, "title": "Film", "draft": False, "body": "<video src='x'></video>"},
    ],
}
CHATWOOT = {
    "payload": [
        {"title": "退货", "content": "## 步骤\n\n1. 申请\n2. 寄回", "status": "published"},
        {"title": "草稿", "content": "不公开", "status": "draft"},
    ],
    "meta": {"articles_count": 2},
}
INTERCOM = {
    "type": "list",
    "data": [
        {"type": "article", "title": "Pay", "body": "<p>By <b>card</b>.</p>", "state": "published"}
    ],
}


def test_help_desk_exports(write: Write) -> None:
    parsed = load(write("zendesk.json", json.dumps(ZENDESK)))
    assert [(b.heading, b.text) for b in parsed.blocks] == [
        (("Returns", "How"), "Post it."),
        (("Returns", "How"), "1. Open\n2. Send"),
    ]
    assert parsed.warnings == (
        "1 hidden articles (drafts, archived) were left out.",
        "1 articles that hold no text cannot be read.",
    )
    chatwoot = load(write("chatwoot.json", json.dumps(CHATWOOT)))
    assert [(b.heading, b.text) for b in chatwoot.blocks] == [
        (("退货", "步骤"), "1. 申请\n2. 寄回")
    ]
    intercom = load(write("intercom.json", json.dumps(INTERCOM)))
    assert [(b.heading, b.text) for b in intercom.blocks] == [(("Pay",), "By card.")]
    lines = "\n".join(json.dumps(row) for row in ZENDESK["articles"])
    assert load(write("zendesk.jsonl", lines)).blocks == parsed.blocks


def test_articles_in_a_table_and_tables_that_only_look_so(write: Write) -> None:
    articles = load(
        write(
            "a.csv", 'id,title,body,state\n1,Pay,"<p>By card.</p>",published\n2,X,<p>x</p>,draft\n'
        )
    )
    assert [(b.heading, b.text) for b in articles.blocks] == [(("Pay",), "By card.")]
    assert "1 hidden articles" in articles.warnings[0]
    goods = load(write("b.csv", 'title,description,price\nPot,"<p>Big</p>",59\n'))
    assert texts(goods) == ["title: Pot | description: <p>Big</p> | price: 59"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{bad", "not valid JSON"),
        ('{"level": "info"}', "no entry has a question"),
        ("[1, 2]", "no entry has a question"),
        ('[{"title": "A", "body": "<p>x</p>", "draft": true}]', "drafts or archived"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_json_without_anything_to_read_says_so(write: Write, content: str, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        load(write("a.json", content))


def test_word_footnotes_are_read(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Body.")
    document.save(str(tmp_path / "a.docx"))
    notes = (
        b'<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        b'<w:footnote w:type="separator"><w:p><w:r><w:t>-</w:t></w:r></w:p></w:footnote>'
        b"<w:footnote><w:p><w:r><w:t>Except tea.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    kind = b"application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    path = rezipped(
        tmp_path / "a.docx",
        "[Content_Types].xml",
        lambda x: x.replace(
            b"</Types>",
            b'<Override PartName="/word/footnotes.xml" ContentType="' + kind + b'"/></Types>',
        ),
    )
    relation = (
        b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        b'relationships/footnotes" Target="footnotes.xml"/></Relationships>'
    )
    rezipped(
        path,
        "word/_rels/document.xml.rels",
        lambda x: x.replace(b"</Relationships>", relation),
        {"word/footnotes.xml": notes},
    )
    assert texts(load(path)) == ["Body.", "Except tea."]
