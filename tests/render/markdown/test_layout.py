"""How Markdown looks, block by block."""

import re

import pytest

from tests.render.markdown.texts import PLAIN, plain, shown


def styles(line):
    return {line.plain[span.start : span.end]: str(span.style) for span in line.spans}


def test_headings_differ_by_weight():
    h1, _, h2, _, h3 = shown("# a\n## b\n### c")
    assert [styles(h1)["a"], styles(h2)["b"], styles(h3)["c"]] == [
        "bold underline",
        "bold cyan",
        "bold",
    ]


def test_without_colour_the_marks_stay():
    text = "## a\n\n*b* **c** `d` ~~e~~"
    assert plain(text, look=PLAIN) == ["## a", "", "*b* **c** `d` ~~e~~"]
    assert plain(text) == ["a", "", "b c d e"]


def test_links_show_where_they_lead():
    assert plain("[a](/b) <http://c> <d@e.f> ![g](/h) [](/i) [j](/k 'l')") == [
        "a (/b) http://c d@e.f g (/h) (/i) j (/k “l”)"
    ]


def test_lists_keep_their_numbers_and_spacing():
    text = "3. a\n3. b\n   - c\n\n     d\n\n3. e\n- [ ] f\n- [x] g"
    assert plain(text) == [
        "3. a", "4. b", "   • c", "", "     d", "", "5. e", "", "• ☐ f", "• ☑ g",
    ]  # fmt: skip


def test_an_empty_item_is_still_an_item():
    assert plain("-\n- a") == ["•", "• a"]


def test_quotes_have_a_bar():
    assert plain("> a\n>\n> > b") == ["│ a", "│", "│ │ b"]


def test_single_newlines_are_kept():
    assert plain("roses\nviolets") == ["roses", "violets"]


def test_prose_that_was_wrapped_is_wrapped_anew():
    text = "a line of prose that was broken where sixty columns or more were full\nand goes on"
    assert plain(text, width=100) == [text.replace("\n", " ")]


def test_code_is_neither_wrapped_nor_padded():
    code = "x = 1  # " + "long " * 30
    assert plain(f"```python\n{code}\n\n\ty\n```", width=20) == [
        "```python", code, "", "\ty", "```",
    ]  # fmt: skip


def test_code_in_a_list_keeps_its_lines():
    assert plain("- a\n  ```\n  b  c\n    d\n  ```") == [
        "• a", "  ```", "  b  c", "    d", "  ```",
    ]  # fmt: skip


def test_code_is_highlighted_by_language():
    _, line, _ = shown("```python\ndef f(): return 1\n```")
    assert styles(line) == {"def": "magenta", "f": "bold", "return": "magenta", "1": "cyan"}


def test_a_string_that_began_far_above_is_still_a_string():
    body = "some text = here\n" * 100
    lines = shown(*f'```python\nx = """\n{body}"""\ny = 1\n```'.splitlines(keepends=True))
    assert styles(lines[90])["some text = here"] == "green"
    assert styles(lines[-2]) == {"1": "cyan"}


def test_an_unknown_language_is_left_plain():
    assert plain("```no-such\n<x>\n```") == ["```no-such", "<x>", "```"]


def test_a_very_long_line_is_left_plain():
    _, line, _ = shown("```python\nx = '" + "a" * 2000 + "'\n```")
    assert line.spans == []


def test_tables_are_aligned():
    text = "| a | num |\n|---|---:|\n| **x** | 1 |\n| [y](/z) | 1000 |"
    assert plain(text) == [
        "a         num",
        "─────────────",
        "x           1",
        "y (/z)   1000",
    ]


def test_a_table_too_wide_for_the_window_becomes_lines():
    text = "| name | use |\n|---|---|\n| a | b |\n| c | d |"
    assert plain(text, width=12) == ["name: a", "use: b", "", "name: c", "use: d"]


def test_mathematics_is_left_as_written():
    text = r"$x_1 * y_2$ and \(a_b\) and $$\sum_i *x*$$ and \[ z_1 \], but $5 and *$6*"
    assert plain(text, width=100) == [text.replace("*$6*", "$6")]


def test_html_is_shown_not_dropped():
    assert plain("<details>\nx\n</details>\n\na <b>c</b>") == [
        "<details>", "x", "</details>", "", "a <b>c</b>",
    ]  # fmt: skip


def test_rich_markup_and_emoji_codes_are_text():
    text = "[bold]x[/bold] [/foo] :smile: [link=http://x]y[/link]"
    assert plain(text) == [text]


def test_entities_cannot_smuggle_controls():
    assert plain("&#x202e;a `&#x9b;`") == [r"\u202ea &#x9b;"]


@pytest.mark.parametrize("width", range(1, 21))
def test_a_narrow_window_loses_nothing(width):
    text = (
        "# heading\n\nsome words\n\n- item\n  - nested item\n    1. deeper\n\n> quote\n\n"
        "| a | b |\n|---|---|\n| cell | other |\n\n```\ncode\n```\n\n---\n\n长字 [link](/u)"
    )
    seen = re.sub(r"[\s│]", "", "".join(plain(text, width=width)))
    words = "heading some words item nested deeper quote cell other code 长字 link (/u)"
    assert [word for word in words.split() if word not in seen] == []
