"""``--format json`` and ``--format jsonl``."""

import json

from tests.render.test_output import turn_in_pipe


def plan(**more):
    events = [("reasoning", "hm"), ("text", "é\u2028\x9b"), ("text", "\ud800")]
    return json.dumps({"events": events, **more})


def test_json_is_one_object_at_the_end():
    done = turn_in_pipe(plan(options={"format": "json"}))
    assert json.loads(done.stdout) == {
        "session": {"id": 12, "uid": "a" * 32, "name": "wal"},
        "message_id": 2,
        "model": "m",
        "reply": "é\u2028\x9b\ud800",
        "reasoning": "",
        "status": "complete",
        "finish_reason": "stop",
        "usage": {
            "input_tokens": 7,
            "output_tokens": 5,
            "cached_tokens": None,
            "reasoning_tokens": None,
        },
        "citations": [],
        "calls": [],
        "timing": {"first_token_s": 1.0, "total_s": 2.0},
        "cached": False,
        "cost": None,
        "error": None,
    }
    assert "é".encode() in done.stdout
    assert "\x9b".encode() not in done.stdout


def test_json_tells_the_error():
    done = turn_in_pipe(plan(options={"format": "json"}, error="cut"))
    assert json.loads(done.stdout)["error"] == {"exit_code": 7, "message": "cut"}
    assert done.returncode == 7


def test_jsonl_is_one_event_a_line():
    done = turn_in_pipe(plan(options={"format": "jsonl"}, error="cut"))
    events = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    assert [event["type"] for event in events] == [
        "session", "reasoning", "delta", "delta", "usage", "error", "done",
    ]  # fmt: skip
    assert events[2] == {"type": "delta", "text": "é\u2028\x9b"}
    assert events[5] == {"type": "error", "exit_code": 7, "message": "cut"}
