"""Markdown and HTML for readers, from conversations that mean harm."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from hfs_cli.exchange.html import html
from hfs_cli.exchange.markdown import closed, markdown
from hfs_cli.markdown.parser import parser
from hfs_cli.messages import Attachment, Call, Citation, Usage


@pytest.fixture
def conversation(store, talk):
    picture = Attachment("a.png", "image/png", b"x")
    opened = talk.ask("What is *this*?", name="notes", attachments=(picture,))
    talk.answer(
        opened, "An `answer`.", usage=Usage(12, 34), total_s=1.25, reasoning="first\nsecond"
    )
    store.create_checkpoint(opened.session.id, "draft")
    half = talk.ask("More", opened.session)
    talk.answer(half, "It beg", status="partial", error="connection reset")
    (found,) = store.conversations()
    return found


def test_markdown_carries_models_times_usage_and_partial_marks(conversation):
    text = "".join(markdown([conversation]))
    assert text.startswith("# notes\n\n*openai/gpt · 4 messages · started ")
    assert "## You · " in text
    assert " · openai/gpt · 12 in, 34 out · 1.2 s\n" in text
    assert "*Attachment: a.png (image/png, 1 bytes)*" in text
    assert "> **Reasoning**\n>\n> first\n> second\n" in text
    assert "*Checkpoint: draft*" in text
    assert "· partial: connection reset\n\nIt beg\n" in text


@pytest.mark.parametrize(
    ("left_open", "end"),
    [
        ("```python\nx = 1", "```"),
        ("- a\n\n~~~~\nx\n~~~", "~~~~"),
        ("```", "```"),
        ("a\n\n<!-- never ended\n\nx", "-->"),
        ("<script>\nlet x", "</script>"),
        ("<![CDATA[ x", "]]>"),
        ("<?php x", "?>"),
    ],
)
def test_markdown_of_one_message_does_not_swallow_the_next(store, talk, left_open, end):
    opened = talk.ask("go", name="open")
    talk.answer(opened, left_open, status="partial")
    talk.turn("and now?", "Done.", store.get(opened.session.id))
    text = "".join(markdown(store.conversations()))
    assert f"{left_open}\n{end}\n\n## You · " in text
    heads = [t for t in parser().parse(text) if t.type == "heading_open" and t.level == 0]
    assert len(heads) == 5


@pytest.mark.parametrize(
    "ended",
    ["```\nx\n```", "~~~\n~~~", "<!-- x -->", "<div>", "<b>x", "- ```\n  x", "a < b", "> ```"],
)
def test_markdown_that_is_whole_stays_as_it_is(ended):
    assert closed(ended) == ended


@pytest.fixture
def with_tools(store, talk):
    opened = talk.ask("list", name="tools")
    began = datetime(2026, 11, 29, tzinfo=UTC)
    calls = (
        Call("1", "files__list", '{"path": "."}', "a ```` b\n", started_at=began, ended_at=began),
        Call("2", "rm", "", "<b>no</b>", failed=True),
        Call("3", "rm", "{}", started_at=began),
        Call("4", "rm", "{}"),
    )
    talk.answer(opened, "Let me see.", tool_calls=calls)
    talk.answer(opened, "Done.", step=1)
    (found,) = store.conversations()
    return found


def test_markdown_has_what_tools_were_given_and_said(with_tools):
    text = "".join(markdown([with_tools]))
    assert (
        "Let me see.\n\n### Tool: files:list\n\n"
        '```json\n{"path": "."}\n```\n\n*Result after 0.0 s*\n\n`````\na ```` b\n`````\n'
    ) in text
    assert "*Error*\n\n```\n<b>no</b>\n```\n" in text
    assert "*No result: it broke off*\n" in text
    assert "*Not run*\n" in text
    assert text.endswith("\n\nDone.\n")


def test_html_has_what_tools_were_given_and_said(with_tools):
    text = "".join(html([with_tools]))
    assert (
        '<details class="call"><summary>⚙ files:list · Result after 0.0 s</summary>'
        "<pre>{&quot;path&quot;: &quot;.&quot;}</pre><pre>a ```` b\n</pre></details>"
    ) in text
    assert '<details class="call failed"><summary>⚙ rm · Error</summary>' in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert Page(text).tags.count("details") == 4


SOURCES = (
    Citation("https://a.test/?x=1&y=2", "A *starred* page"),
    Citation("https://b.test/"),
    Citation("", "report.pdf"),
    Citation("javascript:alert(1)", "<b>"),
    Citation("https://c.test/>](x", "C"),
)


def test_sources_are_numbered_under_the_reply(store, talk):
    opened = talk.ask("what is new?", name="cited")
    talk.answer(opened, "This [1].", citations=SOURCES)
    found = [*store.conversations()]
    assert "".join(markdown(found)).endswith(
        "This [1].\n\n"
        "1. A \\*starred\\* page: <https://a.test/?x=1&y=2>\n"
        "2. <https://b.test/>\n"
        "3. report.pdf\n"
        "4. \\<b\\>: javascript:alert(1)\n"
        "5. C: https://c.test/\\>\\](x\n"
    )
    text = "".join(html(found))
    assert (
        '<ol class="sources"><li><a href="https://a.test/?x=1&amp;y=2" rel="noreferrer">'
        'A *starred* page</a></li><li><a href="https://b.test/" rel="noreferrer">'
        "https://b.test/</a></li><li>report.pdf</li><li>&lt;b&gt;</li><li>C</li></ol>"
    ) in text


class Page(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


EVIL = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "![x](https://example.org/track.png)",
    "[click](javascript:alert(1))",
    "<https://example.org/>",
    '"><svg onload=alert(1)>',
    "</section></article><iframe src=//example.org>",
    "```html\n<script>alert(1)</script>\n```",
    "<style>@import 'https://example.org/x.css'</style>",
    "[a]: javascript:alert(1)\n\n[a]",
    "![a](data:text/html,<script>alert(1)</script>)",
]


@pytest.mark.parametrize("evil", EVIL)
def test_html_runs_nothing_and_fetches_nothing(store, talk, evil):
    files = (Attachment(evil, "image/svg+xml", b"<svg/>"), Attachment('"x', "image/png", b"x"))
    opened = talk.ask(evil, name="<b>", attachments=files)
    sources = (Citation(evil, evil), Citation("", evil), Citation(f"https://a.test/{evil}"))
    talk.answer(opened, evil, reasoning=evil, status="partial", error=evil, citations=sources)
    page = Page("".join(html(store.conversations())))
    assert not {"script", "iframe", "svg", "object", "embed", "link", "base", "form"} & set(
        page.tags
    )
    assert page.tags.count("style") == 1
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name == "src":
            assert value.startswith("data:image/png;base64,")
        if name == "href":
            assert value.startswith("https://")
    assert ("http-equiv", "Content-Security-Policy") in page.attributes


def test_escape_sequences_in_messages_are_visible_in_html(store, talk):
    talk.turn("a\x1b]52;c;x\x07b", "c\u202ed", name="n")
    text = "".join(html(store.conversations()))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_without_sessions_the_page_is_empty_and_whole():
    assert "".join(html([])).endswith("</html>\n")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("```py\nx = '<a>'\n```", 'x = <span class="s">&#x27;&lt;a&gt;&#x27;</span>'),
        ("```diff\n-a\n+b\n```", '<span class="d">-a</span>\n<span class="i">+b</span>'),
        ("```nonsense\n<x>\n```", "<pre><code>&lt;x&gt;\n</code></pre>"),
        ("|a|\n|-|\n|b|", '<div class="wide"><table>'),
        ("so $a_1 * b_2 * c$ holds", '<code class="math">$a_1 * b_2 * c$</code>'),
        (r"\(x < y\)", r'<code class="math">\(x &lt; y\)</code>'),
        ("it costs $5 or $6", "it costs $5 or $6"),
        ("~~gone~~", "<s>gone</s>"),
        ("- [x] done\n- [ ] open", '<li class="task">☑ done</li>\n<li class="task">☐ open</li>'),
        ("- [x](https://a.example)", '<li><a href="https://a.example">x</a></li>'),
        ("[x] no item", "<p>[x] no item</p>"),
        ("<b>raw</b>", "&lt;b&gt;raw&lt;/b&gt;"),
    ],
)
def test_html_reads_markdown_as_the_terminal_does(store, talk, source, shown):
    talk.turn("hi", source, name="n")
    assert shown in "".join(html(store.conversations()))


@pytest.mark.parametrize("source", [">" * 120 + " deep", "- " * 120 + "deep", "[" * 5000 + "deep"])
def test_html_loses_nothing_of_what_is_nested_without_end(store, talk, source):
    talk.turn("hi", source, name="n")
    assert "deep" in "".join(html(store.conversations()))
