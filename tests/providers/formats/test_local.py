"""The embedded model's way with tools: told in words, and replies held to a schema."""

import json
from typing import Any

import jsonschema
import pytest

from hfs_cli.errors import IncompleteReplyError, UsageError
from hfs_cli.messages import Attachment, Call, ChatMessage, Delta, Finish, ToolCall, ToolSpec
from tests.providers.asking import decoded, text_of
from tests.providers.formats.talks import MODELS, TOOLS, ask, body, lines

HI = ChatMessage("user", "Will it rain?")
RAN = Call("a", "weather", '{"city": "Köln"}', result="rain")
FAILED = Call("b", "weather", '{"city": "Xy"}', result="no such city", failed=True)


def step(**values) -> Any:
    """The schema that a request's reply is held to."""
    sent = body("local", ask("local", (HI,), **values))
    return sent["response_format"]["json_schema"]["schema"]


def fits(written, **values) -> bool:
    return jsonschema.Draft202012Validator(step(**values)).is_valid(written)


def calls(*names, arguments=None):
    given = {"city": "Köln"} if arguments is None else arguments
    return {"tool_calls": [{"name": name, "arguments": given} for name in names]}


def written(text, *, cut=5, finish="stop"):
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    chunks = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    return lines(*chunks, {"choices": [{"delta": {}, "finish_reason": finish}]})


def test_without_tools_it_is_a_plain_chat_completion():
    request = ask("local", (HI,), tools=())._replace(model=MODELS["openai"])
    assert body("local", request) == body("openai", request)
    events, fault = decoded("local", written('{"response": "hi"}'), request=request)
    assert (text_of(events), fault) == ('{"response": "hi"}', None)


def test_the_model_is_told_of_tools_calls_and_results():
    talk = (HI, ChatMessage("assistant", "Let me see.", calls=(RAN, FAILED)))
    sent = body("local", ask("local", (*talk, ChatMessage("user", "And?"))))
    system, _, said, told = sent["messages"]
    assert system["content"].startswith("be brief\n\n")
    assert all(json.dumps(tool._asdict()) in system["content"] for tool in TOOLS)
    assert json.loads(said["content"]) == {
        "response": "Let me see.",
        "tool_calls": [
            {"name": "weather", "arguments": {"city": "Köln"}},
            {"name": "weather", "arguments": {"city": "Xy"}},
        ],
    }
    results, _, question = told["content"].partition("\n\n")
    assert (told["role"], question) == ("user", "And?")
    assert json.loads(results) == {
        "tool_results": [
            {"name": "weather", "result": "rain"},
            {"name": "weather", "error": "no such city"},
        ]
    }


def test_a_step_is_calls_of_the_tools_or_an_answer():
    assert fits(calls("weather", "weather"))
    assert fits(calls("clock__now", arguments={}))
    assert fits({"response": "Rain."})
    assert not fits(calls("other"))
    assert not fits(calls("weather", arguments={"town": "Köln"}))
    assert not fits(calls())
    assert not fits({"response": "Rain.", **calls("weather")})
    assert not fits(calls(*["weather"] * 9))


def test_a_step_can_be_demanded():
    assert fits(calls("weather"), tool_choice="weather")
    assert not fits({"response": "Rain."}, tool_choice="weather")
    assert not fits(calls("clock__now", arguments={}), tool_choice="weather")
    assert not fits({"response": "Rain."}, options={"tool_choice": "required"})
    assert not fits(calls("weather"), options={"tool_choice": "none"})
    assert "tool_choice" not in body("local", ask("local", (HI,), options={"tool_choice": "auto"}))
    with pytest.raises(UsageError, match="auto, required or none"):
        step(options={"tool_choice": {"type": "function"}})


def test_references_and_patterns_within_a_tools_schema_hold_where_it_stands():
    parameters = {
        "type": "object",
        "properties": {
            "at": {"$ref": "#/$defs/place"},
            "code": {"type": "string", "pattern": "[0-9]"},
            "whole": {"type": "string", "pattern": "^[0-9]$"},
            "pattern": {"type": "string"},
            "shape": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        },
        "required": ["at"],
        "$defs": {"place": {"enum": ["here", "there"]}},
    }
    tool = ToolSpec("go", "Goes.", parameters)
    assert fits(calls("go", arguments={"at": "here", "pattern": "x"}), tools=(tool,))
    assert not fits(calls("go", arguments={"at": "nowhere"}), tools=(tool,))
    kept = step(tools=(tool,))["$defs"]["go"]["properties"]
    assert ("pattern" in kept["code"], "pattern" in kept["whole"]) == (False, True)
    # What stands elsewhere has not moved.
    assert kept["shape"] == parameters["properties"]["shape"]


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_an_answer_is_told_of_as_it_comes_wherever_it_is_cut(cut, ascii_only):
    text = 'A "quote" \\ a\nline,\ttab / 東京 😀 é\u0007 {"tool_calls": []}'
    data = written(' {\n "response" : ' + json.dumps(text, ensure_ascii=ascii_only) + "}", cut=cut)
    request = ask("local", (HI,))
    events, fault = decoded("local", data, request=request)
    assert (text_of(events), fault) == (text, None)
    begun, fault = decoded("local", data[: len(data) * 3 // 4], request=request)
    assert cut > 7 or 0 < len(text_of(begun)) < len(text)
    assert text.startswith(text_of(begun))
    assert isinstance(fault, IncompleteReplyError)


def test_what_a_schema_asks_for_comes_as_its_json():
    schema = {"type": "object", "properties": {"rain": {"type": "boolean"}}, "required": ["rain"]}
    assert fits({"response": {"rain": True}}, schema=schema)
    assert not fits({"response": "Rain."}, schema=schema)
    request = ask("local", (HI,), schema=schema)
    events, fault = decoded("local", written('{"response": {"rain": true}}'), request=request)
    assert (text_of(events), fault) == ('{"rain": true}', None)
    word = ask("local", (HI,), schema={"type": "string"})
    events, _ = decoded("local", written('{"response": "rain"}'), request=word)
    assert text_of(events) == '"rain"'


def test_calls_that_are_cut_at_the_token_limit_do_not_count():
    request = ask("local", (HI,))
    text = json.dumps(calls("weather", "weather"))
    events, fault = decoded("local", written(text[:50], finish="length"), request=request)
    assert [event for event in events if isinstance(event, ToolCall | Delta)] == []
    assert isinstance(events[-1], Finish)
    assert (events[-1].reason, fault) == ("length", None)


@pytest.mark.parametrize("text", ["", "It rains.", "[]", '{"tool_calls": [{"name": "x"}]}', "3"])
def test_what_is_neither_an_answer_nor_calls_is_malformed(text):
    events, fault = decoded("local", written(text), request=ask("local", (HI,)))
    assert [event for event in events if isinstance(event, ToolCall | Delta)] == []
    assert isinstance(fault, IncompleteReplyError)
    assert "neither an answer nor calls" in fault.message


def test_pictures_have_no_place():
    from hfs_cli.providers.formats.local import FORMAT
    from hfs_cli.providers.formats.media import check_media

    with pytest.raises(UsageError):
        check_media(
            (HI._replace(attachments=(Attachment("a.png", "image/png", b"1"),)),), FORMAT.media, "m"
        )
