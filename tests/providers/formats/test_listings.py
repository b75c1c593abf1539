"""The lists of models that vendors give."""

import pytest

from hfs_cli.providers.formats.listings import Listed, read_listing


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"data": [{"id": "m", "shutdown_date": None}]}, Listed("m")),
        (
            {"data": [{"id": "gpt-5-mini", "shutdown_date": "2026-12-11"}]},
            Listed("gpt-5-mini", ends="2026-12-11"),
        ),
        (
            {
                "data": [
                    {
                        "id": "claude-x",
                        "max_input_tokens": 1_000_000,
                        "retires_at": "2027-01-22T00:00:00Z",
                    }
                ]
            },
            Listed("claude-x", 1_000_000, "2027-01-22"),
        ),
        (
            {"models": [{"name": "models/gemini-x", "inputTokenLimit": 1_048_576}]},
            Listed("gemini-x", 1_048_576),
        ),
        ({"models": [{"name": "qwen3:8b"}]}, Listed("qwen3:8b")),
        (
            {
                "data": [
                    {
                        "id": "a/b",
                        "context_length": 131072,
                        "pricing": {"prompt": "0.0000001", "completion": "0.0000005"},
                        "expiration_date": None,
                    }
                ]
            },
            Listed("a/b", 131072, None, 0.1, 0.5),
        ),
        ({"data": [{"id": "m", "pricing": {"prompt": "-1", "completion": "x"}}]}, Listed("m")),
        ({"data": [{"id": "m", "context_window": 131072}]}, Listed("m", 131072)),
        (
            {
                "data": [
                    {"id": "m", "max_context_length": 10, "deprecation": "2026-11-30T12:00:00Z"}
                ]
            },
            Listed("m", 10, "2026-11-30"),
        ),
        ([{"id": "alone"}], Listed("alone")),
        ({"data": [{"id": "m", "context_length": "big", "pricing": 3}]}, Listed("m")),
    ],
)
def test_each_vendor_says_it_in_its_own_way(document, expected):
    assert read_listing(document) == [expected]


def test_what_answers_nothing_is_left_out_and_none_is_twice():
    embedder = {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}
    chat = {"name": "models/b", "supportedGenerationMethods": ["generateContent"]}
    assert read_listing({"models": [chat, embedder, chat, {"name": "models/a"}]}) == [
        Listed("a"),
        Listed("b"),
    ]


@pytest.mark.parametrize("name", [[], 1, None, "", "a\nb", "\x1b[2J", "x" * 301])
def test_an_id_that_no_request_could_ask_for_is_left_out(name):
    assert read_listing({"data": [{"id": name}, {"id": "m"}]}) == [Listed("m")]


@pytest.mark.parametrize("document", [None, 1, {}, {"data": 1}, {"data": [1]}])
def test_another_shape_is_not_a_list(document):
    with pytest.raises((KeyError, TypeError, AttributeError)):
        read_listing(document)
