"""What hfs makes of each word and event of the vendors, as docs/formats.md has it.

`uv run python -m tests.providers.formats.page` writes the page: the reasons are the tables of the
formats themselves, the events are the rows below, and `test_page.py` shows each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hfs_cli.messages import Citation, Delta, Event, Reasoning, ToolCall, Usage
from hfs_cli.providers.formats import anthropic, gemini, ollama, openai, responses
from hfs_cli.providers.formats.events import FAILED, STOPPED, Ending

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
ANSWERED = {"status": "completed", "output": []}


class Row(NamedTuple):
    """One thing that a vendor sends.

    Args:
        what: The event or field, in the vendor's words; several between commas are alike.
        does: What hfs does with it.
        sent: Events that show it, one after the other.
        gives: What becomes of them.
    """

    what: str
    does: str
    sent: tuple[Any, ...] = ()
    gives: tuple[Event, ...] = ()


def chunk(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def part(**values: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [values]}}]}


def line(**message: Any) -> dict[str, Any]:
    return {"message": message, "done": False}


def piece(kind: str, **values: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **values}}


def block(kind: str, **values: Any) -> dict[str, Any]:
    return {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": kind, **values},
    }


def item(state: str, kind: str, **values: Any) -> dict[str, Any]:
    event = {"type": f"response.output_item.{state}", "output_index": 0}
    return event | {"item": {"type": kind, **values}}


TEXT, THOUGHT, CALL = Delta("Hi"), Reasoning("Hm"), ToolCall("clock", "", "c1", 0)
SOURCE = Citation("https://a.example", "A")
CITED = {"url": "https://a.example", "title": "A"}
READ = "the reply's text"
THINKS = "reasoning, apart from the reply"
SEEN = "nothing: what it says comes again, or is not shown"
THEIRS = "nothing: it belongs to tools of the vendor's own, whose outcome the text tells"

EVENTS: Mapping[str, tuple[Row, ...]] = {
    "responses": (
        Row(
            "response.output_text.delta",
            READ,
            ({"type": "response.output_text.delta", "delta": "Hi"},),
            (TEXT,),
        ),
        Row(
            "response.output_text.done",
            "the text, where no delta of it came",
            ({"type": "response.output_text.done", "text": "Hi"},),
            (TEXT,),
        ),
        Row(
            "response.refusal.delta, response.refusal.done",
            "the reply's text; its end is then told as `refusal`",
            ({"type": "response.refusal.delta", "delta": "Hi"},),
            (TEXT,),
        ),
        Row(
            "response.reasoning_text.delta, response.reasoning_summary_text.delta",
            THINKS,
            ({"type": "response.reasoning_text.delta", "delta": "Hm"},),
            (THOUGHT,),
        ),
        Row(
            "response.reasoning_text.done, response.reasoning_summary_text.done",
            "the reasoning, where no delta of it came",
            ({"type": "response.reasoning_summary_text.done", "text": "Hm"},),
            (THOUGHT,),
        ),
        Row(
            "response.reasoning_summary_part.added",
            "a blank line between two parts of the reasoning",
            ({"type": "response.reasoning_summary_part.added", "summary_index": 1},),
            (Reasoning("\n\n"),),
        ),
        Row(
            "response.output_text.annotation.added",
            "a source that the reply cites",
            ({"type": "response.output_text.annotation.added", "annotation": CITED},),
            (SOURCE,),
        ),
        Row(
            "response.output_item.added",
            "the beginning of a call, where the item is one",
            (item("added", "function_call", name="clock", call_id="c1"),),
            (CALL,),
        ),
        Row(
            "response.function_call_arguments.delta",
            "a piece of a call's arguments",
            (
                item("added", "function_call", name="clock", call_id="c1"),
                {
                    "type": "response.function_call_arguments.delta",
                    "output_index": 0,
                    "delta": "{}",
                },
            ),
            (CALL, ToolCall("", "{}", "", 0)),
        ),
        Row(
            "response.output_item.done",
            "texts, sources and calls that came in no event before; kept where the vendor wants"
            " it back (`encrypted_content`)",
            (
                item(
                    "done",
                    "reasoning",
                    summary=[{"type": "summary_text", "text": "Hm"}],
                    encrypted_content="…",
                ),
            ),
            (THOUGHT,),
        ),
        Row(
            "response.completed, response.incomplete",
            "the end, by the tables above, with the counts of tokens",
            (
                {
                    "type": "response.completed",
                    "response": {**ANSWERED, "usage": {"input_tokens": 3, "output_tokens": 2}},
                },
            ),
            (Usage(3, 2),),
        ),
        Row("response.failed, error", "the vendor's error: exit code 7 after text, else 5"),
        Row(
            "[DONE]",
            "nothing: gateways add it",
            ("[DONE]",),
        ),
        Row(
            "response.created, response.queued, response.in_progress,"
            " response.content_part.added, response.content_part.done,"
            " response.function_call_arguments.done, response.reasoning_summary_part.done",
            SEEN,
            ({"type": "response.created", "response": {"status": "in_progress"}},),
        ),
        Row(
            "response.web_search_call.in_progress, response.web_search_call.searching,"
            " response.web_search_call.completed, response.file_search_call.in_progress,"
            " response.file_search_call.searching, response.file_search_call.completed,"
            " response.code_interpreter_call.in_progress,"
            " response.code_interpreter_call.interpreting,"
            " response.code_interpreter_call.completed,"
            " response.code_interpreter_call_code.delta, response.code_interpreter_call_code.done,"
            " response.image_generation_call.in_progress,"
            " response.image_generation_call.generating,"
            " response.image_generation_call.partial_image,"
            " response.image_generation_call.completed, response.mcp_call.in_progress,"
            " response.mcp_call.completed, response.mcp_call.failed,"
            " response.mcp_call_arguments.delta, response.mcp_call_arguments.done,"
            " response.mcp_list_tools.in_progress, response.mcp_list_tools.completed,"
            " response.mcp_list_tools.failed, response.custom_tool_call_input.delta,"
            " response.custom_tool_call_input.done, response.shell_call_command.added,"
            " response.shell_call_command.delta, response.shell_call_command.done,"
            " response.shell_call_output_content.delta, response.shell_call_output_content.done,"
            " response.compaction.compacting",
            THEIRS,
            ({"type": "response.web_search_call.searching", "item_id": "ws_1"},),
        ),
        Row(
            "response.audio.delta, response.audio.done, response.audio.transcript.delta,"
            " response.audio.transcript.done",
            "nothing: hfs asks for text alone",
            ({"type": "response.audio.delta", "delta": "UklG"},),
        ),
    ),
    "openai": (
        Row("delta.content", READ, (chunk(content="Hi"),), (TEXT,)),
        Row(
            "delta.content with parts",
            "the text, and as reasoning the parts of the type `thinking` (Mistral)",
            (
                chunk(
                    content=[
                        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                        {"type": "text", "text": "Hi"},
                    ]
                ),
            ),
            (THOUGHT, TEXT),
        ),
        Row(
            "delta.reasoning_content, delta.reasoning",
            THINKS + "; given back with calls (DeepSeek)",
            (chunk(reasoning_content="Hm"),),
            (THOUGHT,),
        ),
        Row(
            "delta.reasoning_details",
            "reasoning, where it stands in no field beside; given back as it came (OpenRouter)",
            (chunk(reasoning_details=[{"type": "reasoning.text", "text": "Hm", "index": 0}]),),
            (THOUGHT,),
        ),
        Row(
            "delta.refusal",
            "the reply's text; its end is then told as `refusal`",
            (chunk(refusal="Hi"),),
            (TEXT,),
        ),
        Row(
            "delta.annotations",
            "sources that the reply cites",
            (chunk(annotations=[{"type": "url_citation", "url_citation": CITED}]),),
            (SOURCE,),
        ),
        Row(
            "citations, search_results",
            "sources that the reply cites (Perplexity)",
            ({"choices": [], "search_results": [CITED]},),
            (SOURCE,),
        ),
        Row(
            "delta.tool_calls",
            "calls, told apart by `index`, or by `id` where there is none",
            (
                chunk(
                    tool_calls=[
                        {"index": 0, "id": "c1", "function": {"name": "clock", "arguments": ""}}
                    ]
                ),
            ),
            (CALL,),
        ),
        Row(
            "usage",
            "the counts of tokens: `prompt_tokens_details.cached_tokens`,"
            " `prompt_cache_hit_tokens` (DeepSeek) and"
            " `completion_tokens_details.reasoning_tokens` with them",
            (
                {
                    "choices": [],
                    "usage": {
                        "prompt_tokens": 3,
                        "completion_tokens": 2,
                        "prompt_cache_hit_tokens": 1,
                    },
                },
            ),
            (Usage(3, 2, 1),),
        ),
        Row("error", "the vendor's error: exit code 7 after text, else 5"),
        Row(
            "index above 0",
            "nothing: of several choices the first is read",
            ({"choices": [{"index": 1, "delta": {"content": "Other"}}]},),
        ),
        Row(
            "delta.role, delta.audio, delta.function_call, logprobs, id, created, model, object,"
            " moderation, obfuscation, service_tier, system_fingerprint",
            "nothing",
            (chunk(role="assistant"), {"choices": [], "service_tier": "default"}),
        ),
    ),
    "anthropic": (
        Row("text_delta", READ, (piece("text_delta", text="Hi"),), (TEXT,)),
        Row("thinking_delta", THINKS, (piece("thinking_delta", thinking="Hm"),), (THOUGHT,)),
        Row(
            "signature_delta, redacted_thinking",
            "kept, and given back with calls, where the vendor wants it",
            (block("redacted_thinking", data="…"), piece("signature_delta", signature="…")),
        ),
        Row(
            "citations_delta",
            "a source that the reply cites, with the words that it is cited for",
            (
                piece(
                    "citations_delta",
                    citation={"type": "web_search_result_location", **CITED, "cited_text": "so"},
                ),
            ),
            (Citation("https://a.example", "A", "so"),),
        ),
        Row(
            "text, thinking",
            "the beginning of a text or of reasoning",
            (block("text", text="Hi"), block("thinking", thinking="Hm")),
            (TEXT, THOUGHT),
        ),
        Row(
            "tool_use",
            "the beginning of a call",
            (block("tool_use", id="c1", name="clock", input={}),),
            (CALL,),
        ),
        Row(
            "input_json_delta",
            "a piece of a call's arguments",
            (
                block("tool_use", id="c1", name="clock", input={}),
                piece("input_json_delta", partial_json="{}"),
            ),
            (CALL, ToolCall("", "{}", "", 0)),
        ),
        Row(
            "message_start, message_delta",
            "the counts of tokens (what was read from and written to the cache is part of the"
            " input), and the end, by the table above",
            (
                {
                    "type": "message_start",
                    "message": {"usage": {"input_tokens": 3, "cache_read_input_tokens": 4}},
                },
            ),
            (Usage(7, None, 4),),
        ),
        Row("error", "the vendor's error: exit code 7 after text, else 5"),
        Row(
            "message_stop, [DONE]",
            "the end of the stream; `[DONE]`, which gateways add, is passed over",
            ("[DONE]", {"type": "message_stop"}),
        ),
        Row(
            "server_tool_use, web_search_tool_result, web_fetch_tool_result,"
            " code_execution_tool_result, bash_code_execution_tool_result,"
            " text_editor_code_execution_tool_result, tool_search_tool_result, container_upload,"
            " compaction_delta",
            THEIRS + "; kept, and given back where a paused turn goes on",
            (block("server_tool_use", id="s1", name="web_search", input={}),),
        ),
        Row(
            "content_block_start, content_block_delta, content_block_stop, ping",
            "nothing but what stands in them",
            ({"type": "content_block_stop", "index": 0}, {"type": "ping"}),
        ),
    ),
    "gemini": (
        Row("text", READ, (part(text="Hi"),), (TEXT,)),
        Row("thought", THINKS, (part(text="Hm", thought=True),), (THOUGHT,)),
        Row(
            "thought_signature",
            "kept, and given back with its part",
            (part(text="Hi", thoughtSignature="c2ln"),),
            (TEXT,),
        ),
        Row(
            "function_call",
            "a call; of one that comes value by value (Vertex AI), when it is whole",
            (part(functionCall={"name": "clock", "args": {"a": 1}, "id": "c1"}),),
            (ToolCall("clock", '{"a": 1}', "c1", 0),),
        ),
        Row(
            "grounding_metadata, citation_metadata",
            "sources that the reply cites",
            (
                {
                    "candidates": [
                        {
                            "groundingMetadata": {
                                "groundingChunks": [
                                    {"web": {"uri": "https://a.example", "title": "A"}}
                                ]
                            }
                        }
                    ]
                },
            ),
            (SOURCE,),
        ),
        Row(
            "usage_metadata",
            "the counts of tokens; thoughts are part of the output",
            (
                {
                    "usageMetadata": {
                        "promptTokenCount": 3,
                        "candidatesTokenCount": 2,
                        "thoughtsTokenCount": 1,
                    }
                },
            ),
            (Usage(3, 3, None, 1),),
        ),
        Row(
            "finish_reason, finish_message, prompt_feedback",
            "the end, by the tables above, with what the vendor says of it",
        ),
        Row("error", "the vendor's error: exit code 7 after text, else 5"),
        Row(
            "index",
            "nothing above 0: of several candidates the first is read",
            ({"candidates": [{"index": 1, "content": {"parts": [{"text": "Other"}]}}]},),
        ),
        Row(
            "code_execution_result, executable_code, tool_call, tool_response, file_data,"
            " inline_data, function_response, media_resolution, video_metadata, part_metadata,"
            " audio_transcription, media_processing, speech_metadata, document_metadata,"
            " spreadsheet_metadata, audio_metadata",
            THEIRS + "; kept, and given back with the reply where it is signed",
            (part(executableCode={"language": "PYTHON", "code": "1+1"}),),
        ),
        Row(
            "token_count, avg_logprobs, logprobs_result, safety_ratings, url_context_metadata,"
            " continuation_token, create_time, model_version, response_id, model_status",
            "nothing",
            ({"modelVersion": "x", "candidates": [{"safetyRatings": []}]},),
        ),
    ),
    "ollama": (
        Row("message.content", READ, (line(content="Hi"),), (TEXT,)),
        Row(
            "response",
            "the reply's text, as `/api/generate` and some proxies send it",
            ({"response": "Hi", "done": False},),
            (TEXT,),
        ),
        Row("message.thinking", THINKS, (line(thinking="Hm"),), (THOUGHT,)),
        Row(
            "message.tool_calls",
            "calls, each whole",
            (line(tool_calls=[{"id": "c1", "function": {"name": "clock", "arguments": {}}}]),),
            (ToolCall("clock", "{}", "c1", 0),),
        ),
        Row(
            "done, done_reason, prompt_eval_count, eval_count",
            "the end, by the table above, with the counts of tokens",
            (
                {
                    "done": True,
                    "done_reason": "stop",
                    "prompt_eval_count": 3,
                    "eval_count": 2,
                },
            ),
            (Usage(3, 2),),
        ),
        Row("error", "the vendor's error: exit code 7 after text, else 5"),
        Row(
            "message.role, message.images, message.tool_name, model, created_at, total_duration,"
            " load_duration, prompt_eval_duration, eval_duration, logprobs",
            "nothing",
            ({"model": "m", "created_at": "", "message": {"role": "assistant"}, "done": False},),
        ),
    ),
    "local": (
        Row("delta.content", READ, (chunk(content="Hi"),), (TEXT,)),
        Row(
            "delta.reasoning_content",
            THINKS,
            (chunk(reasoning_content="Hm"),),
            (THOUGHT,),
        ),
        Row(
            "delta.content that begins with `<think>`",
            "reasoning up to `</think>`, then the reply's text; so too from any server on this"
            " machine, and by `think_tags = true`",
        ),
        Row(
            '`{"response": …}` and `{"tool_calls": …}`, where there are tools',
            "the text as it is written, or calls: a grammar lets the model write nothing else",
        ),
    ),
}

# An error of each format that says "Overloaded", in whatever words it has.
ERRORS: Mapping[str, tuple[Any, ...]] = {
    "responses": (
        {"type": "error", "message": "Overloaded", "code": "x"},
        {
            "type": "response.failed",
            "response": {"status": "failed", "error": {"message": "Overloaded"}},
        },
    ),
    "openai": ({"error": {"message": "Overloaded"}},),
    "anthropic": ({"type": "error", "error": {"type": "x", "message": "Overloaded"}},),
    "gemini": ({"error": {"code": 503, "message": "Overloaded"}},),
    "ollama": ({"error": "Overloaded"},),
    "local": ({"error": {"message": "Overloaded"}},),
}

SOURCES: Mapping[str, str] = {
    "responses": (
        "openai 3.57, `types/responses`: `response_stream_event.py`, `response.py`"
        " (`incomplete_details`), `response_status.py`; read 2026-11-29"
    ),
    "openai": (
        "openai 3.57, `chat_completion_chunk.py`; for the others who speak the format, Mistral's"
        " library 3.7, Together's 3.1, Fireworks' 1.2, Cohere's 7.3 and OpenRouter's 1.3,"
        " api-docs.deepseek.com, docs.z.ai, and the servers of vLLM and TGI; read 2026-11-25 and 29"
    ),
    "anthropic": (
        "anthropic 2.14, `types/raw_message_stream_event.py`, `content_block.py`,"
        " `stop_reason.py`, `beta/beta_stop_reason.py`; read 2026-11-29"
    ),
    "gemini": (
        "google-genai 3.6, `types.py`: `GenerateContentResponse`, `Candidate`, `Part`,"
        " `FinishReason`, `BlockedReason`; read 2026-11-29"
    ),
    "ollama": (
        "ollama 0.6.3, `_types.py`; of the server `api/types.go` and `server/routes.go`; read"
        " 2026-11-29"
    ),
    "local": "llama.cpp's server, which hfs starts itself; read 2026-11-29",
}
TITLES: Mapping[str, str] = {
    "responses": 'OpenAI Responses (`type = "responses"`)',
    "openai": 'Chat completions (`type = "openai"`)',
    "anthropic": 'Anthropic Messages (`type = "anthropic"`)',
    "gemini": 'Gemini (`type = "gemini"`)',
    "ollama": 'Ollama (`type = "ollama"`)',
    "local": "Embedded models (`local/…`)",
}
_STATUSES = {
    "completed": STOPPED,
    "incomplete without a reason": FAILED,
    "cancelled": FAILED,
    "queued": FAILED,
    "in_progress": FAILED,
}
ENDINGS: Mapping[str, Mapping[str, Mapping[str, Ending]]] = {
    "responses": {
        "`incomplete_details.reason`": {**responses._INCOMPLETE, "steered": FAILED},
        "`status`": _STATUSES,
    },
    "openai": {"`finish_reason`": openai._ENDINGS},
    "anthropic": {"`stop_reason`": anthropic._ENDINGS},
    "gemini": {
        "`finishReason`": gemini._ENDINGS,
        "`promptFeedback.blockReason`": {"any": gemini._PROMPT_BLOCKED},
    },
    "ollama": {"`done_reason`": ollama._ENDINGS, "without a `done_reason`": {"counts": STOPPED,
               "no counts (its runner has gone)": FAILED}},
    "local": {"`finish_reason`": {w: openai._ENDINGS[w] for w in ("stop", "length")}},
}  # fmt: skip


def words(what: str) -> list[str]:
    """The vendor's words of a row."""
    return what.split(", ")


def _meaning(ending: Ending) -> str:
    if ending.reason == "paused":
        return "asks the vendor to go on: it is the same turn"
    if ending.reason == "tool_calls":
        return "runs the tools that were asked for, and asks again with their results"
    if not ending.whole:
        return f"keeps it as partial, exit code 7 (5 where nothing came): “{ending.note}”"
    return f"keeps it, with a warning: “{ending.note}”" if ending.note else "takes it as whole"


def _code(text: str) -> str:
    return ", ".join(w if "`" in w or " " in w else f"`{w}`" for w in words(text))


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    for wire, title in TITLES.items():
        lines += [f"\n## {title}\n\nSource: {SOURCES[wire]}.\n"]
        for field, endings in ENDINGS[wire].items():
            alike: dict[Ending, list[str]] = {}
            for word, ending in endings.items():
                alike.setdefault(ending, []).append(word)
            lines += [f"| {field} | in `--json` | what hfs does |", "|---|---|---|"]
            lines += [
                f"| {_code(', '.join(named))} | `{ending.reason}` | {_meaning(ending)} |"
                for ending, named in alike.items()
            ]
            lines.append("")
        lines += ["| event or field | what hfs does |", "|---|---|"]
        lines += [f"| {_code(row.what)} | {row.does} |" for row in EVENTS[wire]]
    return "\n".join(lines) + "\n"


_HEAD = """\
# What hfs makes of what vendors say

Of each wire format: the reasons for which a reply ends, and the events and fields it comes in.
`finish_reason` in `--json` is one word for what vendors call by many; theirs is kept beside it. The
exit code is 0 where none is named. A reason that no table has is not taken for an end like others:
`finish_reason` is `unknown`, and a warning quotes it. A body that ends without any is incomplete,
exit code 7.

This page is written by `python -m tests.providers.formats.page` from the tables that replies are
read by; tests show each row, and that no word of the vendors' own libraries is missing."""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
