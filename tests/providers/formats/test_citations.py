"""What a reply cites, in each format, and that no shape of it costs the reply."""

import json

import pytest

from hfs_cli.messages import ChatMessage, Citation, Delta, Request
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.decode import ReplyDecoder
from hfs_cli.turn.collector import Collector
from tests.scripted_server import openai_chunk, sse

A = Citation("https://a.test/", "A")
B = Citation("https://b.test/", "B", start=0, end=5)
URL_B = {
    "type": "url_citation",
    "url": B.url,
    "title": B.title,
    "start_index": 0,
    "end_index": 5,
}
WEB = {
    "type": "web_search_result_location",
    "url": A.url,
    "title": A.title,
    "cited_text": "so it is",
    "encrypted_index": "x",
}
GROUNDED = {
    "content": {"parts": [{"text": "Hello"}], "role": "model"},
    "finishReason": "STOP",
    "groundingMetadata": {
        "groundingChunks": [{"web": {"uri": A.url, "title": A.title}}],
        "groundingSupports": [{"segment": {"endIndex": 5}, "groundingChunkIndices": [0]}],
    },
}


def decode(wire, *documents):
    form = load_format(wire)
    decoder = ReplyDecoder(form.framer(), form.decoder(Request("m", (ChatMessage("user", "hi"),))))
    events = [e for d in documents for e in decoder.feed(f"data: {json.dumps(d)}\n\n".encode())]
    assert decoder.fault is None
    return events


def cited(events):
    return [event for event in events if isinstance(event, Citation)]


def text(events):
    return "".join(event.text for event in events if isinstance(event, Delta))


def chunk(delta, **beside):
    return {"choices": [{"index": 0, "delta": delta}], **beside}


def test_annotations_of_chat_completions():
    annotation = {
        "type": "url_citation",
        "url_citation": {k: URL_B[k] for k in URL_B if k != "type"},
    }
    assert cited(decode("openai", chunk({"annotations": [annotation]}))) == [B]
    message = {"choices": [{"message": {"content": "Hello", "annotations": [annotation]}}]}
    assert cited(decode("openai", message)) == [B]


def test_sources_beside_the_choices():
    results = [{"title": "A", "url": A.url, "date": "2026-01-01"}]
    found = decode("openai", chunk({"content": "x"}, search_results=results, citations=[A.url]))
    assert cited(found) == [A]
    assert cited(decode("openai", chunk({}, citations=[A.url]))) == [Citation(A.url)]


def test_annotations_of_responses():
    added = {"type": "response.output_text.annotation.added", "annotation": URL_B}
    assert cited(decode("responses", added)) == [B]
    part = {"type": "output_text", "text": "Hello", "annotations": [URL_B]}
    message = {"type": "message", "content": [part]}
    whole = {"object": "response", "status": "completed", "output": [message]}
    assert cited(decode("responses", whole)) == [B]
    found = {"type": "search_results", "results": [{"url": A.url, "title": "A", "snippet": "…"}]}
    done = {"type": "response.output_item.done", "item": found}
    assert cited(decode("responses", done)) == [A]


def test_citations_of_anthropic():
    start = {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}
    delta = {"type": "citations_delta", "citation": WEB}
    events = decode("anthropic", start, {"type": "content_block_delta", "delta": delta})
    assert cited(events) == [Citation(A.url, "A", "so it is")]
    page = {"type": "page_location", "document_title": "report.pdf", "cited_text": "so"}
    block = {"type": "text", "text": "x", "citations": [page]}
    whole = {"type": "message", "content": [block], "stop_reason": "end_turn"}
    assert cited(decode("anthropic", whole)) == [Citation("", "report.pdf", "so")]


def test_grounding_of_gemini():
    placed = A._replace(start=0, end=5)
    assert cited(decode("gemini", {"candidates": [GROUNDED]})) == [placed]
    recited = GROUNDED | {"citationMetadata": {"citationSources": [{"uri": "https://c.test/"}]}}
    also = Citation("https://c.test/")
    assert cited(decode("gemini", {"candidates": [recited]})) == [placed, also]


def test_the_passage_that_rests_on_a_source_is_told_in_characters():
    """Gemini counts bytes, in the text without thoughts, over all that has come."""
    said = [{"text": "hm", "thought": True}, {"text": "Naïve 🙂. "}, {"text": "Yes, naïve."}]
    web = [{"web": {"uri": A.url, "title": "A"}}, {"web": {"uri": B.url, "title": "B"}}]
    supports = [
        {"segment": {"startIndex": 13, "endIndex": 25}, "groundingChunkIndices": [1]},
        {"segment": {"endIndex": 12}, "groundingChunkIndices": [0, 1, 7, True, "0", {}, []]},
        {"segment": {"startIndex": 3, "endIndex": 1}, "groundingChunkIndices": [0]},
        {"segment": {"endIndex": 3}, "groundingChunkIndices": [0]},
        {"segment": "x"}, None, {"segment": {"endIndex": 1}, "groundingChunkIndices": 0},
    ]  # fmt: skip
    last = {"groundingMetadata": {"groundingChunks": web, "groundingSupports": supports}}
    found = decode(
        "gemini",
        *({"candidates": [{"content": {"parts": [part]}}]} for part in said),
        {"candidates": [last]},
    )
    first, second = cited(found)
    assert text(found)[slice(first.start, first.end)] == "Naïve 🙂."
    assert text(found)[slice(second.start, second.end)] == "Yes, naïve."


@pytest.mark.parametrize(
    "odd",
    [None, 1, "x", {}, [None], [1], [{}], [{"url": 1}], [{"url_citation": 1}], [[]], [{"web": {}}]],
)
def test_a_citation_of_an_odd_shape_costs_nothing_of_the_reply(odd):
    documents = {
        "openai": chunk({"content": "x", "annotations": odd}, citations=odd),
        "responses": {
            "object": "response",
            "status": "completed",
            "output": [
                {
                    "type": "message",
                    "content": [{"type": "output_text", "text": "x", "annotations": odd}],
                }
            ],
        },
        "anthropic": {
            "type": "message",
            "content": [{"type": "text", "text": "x", "citations": odd}],
            "stop_reason": "end_turn",
        },
        "gemini": {
            "candidates": [
                {
                    "content": {"parts": [{"text": "x"}]},
                    "groundingMetadata": {"groundingChunks": odd},
                    "finishReason": "STOP",
                }
            ]
        },
    }
    for wire, document in documents.items():
        assert text(decode(wire, document)) == "x"


def test_words_and_places_are_held_to_what_can_be_kept():
    odd = {"url": "x" * 9999, "title": "\ud800", "start_index": -1, "end_index": 2**70}
    (citation,) = cited(decode("openai", chunk({"annotations": [{"url_citation": odd}]})))
    assert (len(citation.url), citation.title) == (2000, "\ufffd")
    assert (citation.start, citation.end) == (None, None)


def test_a_source_is_named_once_and_not_without_end():
    collector = Collector("m")
    collector.add([Citation(f"https://{i % 900}.test/") for i in range(10_000)])
    collector.add([Citation("", "a.pdf"), Citation("", "a.pdf")])
    assert len(collector.reply().citations) == 200
    assert collector.reply().citations[1].url == "https://1.test/"


def test_json_and_json_lines(hfs, server):
    hfs.configure(f'model = "x/m"\n[providers.x]\ntype = "openai"\nbase_url = "{server.url}"\n')
    annotation = {"type": "url_citation", "url_citation": URL_B}
    body = sse(
        openai_chunk({"content": "Hello", "annotations": [annotation]}), openai_chunk(finish="stop")
    )
    server.always(lambda _: body)
    row = {"number": 1, "url": B.url, "title": "B", "quote": "", "start": 0, "end": 5}
    done = hfs("chat", "--json", "hi")
    assert json.loads(done.stdout)["citations"] == [row]
    lines = [
        json.loads(line) for line in hfs("chat", "--format", "jsonl", "hi").stdout.splitlines()
    ]
    assert {"type": "citation", **row} in lines
    assert [line["type"] for line in lines][-1] == "done"
    assert hfs("chat", "hi").stdout == b"Hello\n"
    kept = json.loads(hfs("sessions", "show", "@last", "--format", "json").stdout)
    del row["number"]
    assert kept["messages"][-1]["citations"] == [row]
