"""`hfs batch --vendor-batch`: what is handed over, what is fetched, and what is said of it."""

from __future__ import annotations

import json
import signal
import threading
import time

import pytest

from tests.batch.conftest import at_vendor
from tests.batch.vendors import prompt_in
from tests.conftest import KEY
from tests.redact.keys import Keys
from tests.scripted_server import CUT, Await, make_reply, openai_sse


def wait_for(there, seconds=120):
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


def results_in(out):
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize("name", ["openai", "responses", "anthropic"])
def test_results_are_those_of_single_requests_at_half_the_price(many, server, name):
    vendor = at_vendor(name, many, server)
    many.ok(*many.given)
    results = results_in(many.out)
    assert [(r["index"], r["input"], r["reply"]) for r in results] == [
        (n, str(n), f"re {n}") for n in range(10)
    ]
    assert results[0] == {
        "index": 0,
        "input": "0",
        "model": vendor.model,
        "reply": "re 0",
        "parsed": None,
        "status": "complete",
        "finish_reason": "stop",
        "usage": {
            "input_tokens": 30,
            "output_tokens": 20,
            "cached_tokens": None,
            "reasoning_tokens": None,
        },
        "cost": (30 * 10 + 20 * 100) / 1e6 / 2,
        "error": None,
    }
    assert len(vendor.batches) == 1
    assert set(vendor.billed.values()) == {1}


def test_keys_are_taken_out_of_what_is_handed_over_too(many, vendor, tmp_path):
    key = Keys().checked("ghp_")
    (tmp_path / "in.txt").write_text(f"use {key}\n")
    many.ok(*many.given, env={"HFS_REDACT": "mask"})
    assert set(vendor.billed) == {"use [redacted github-token]"}


def billed_once(vendor):
    assert vendor.billed == {str(n): 1 for n in range(10)}


REFUSED = {
    "openai": {"status": 400, "body": {"error": {"message": "too rude", "code": "x"}}},
    "responses": {"status": 400, "body": {"error": {"message": "too rude", "code": "x"}}},
    "anthropic": {
        "status": 400,
        "body": {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "too rude"},
        },
    },
}


def test_what_fails_is_named_and_can_be_sent_again_alone(many, vendor):
    fates = {"3": REFUSED[vendor.name], "5": "!expired", "7": "!missing"}
    vendor.fate = lambda body: fates.get(prompt_in(body), "fine")
    done = many(*many.given)
    assert done.returncode == 7
    assert b"3 of 10 results failed (index 3, 5, 7)" in done.stderr
    errors = {r["index"]: r["error"] for r in results_in(many.out) if r["error"]}
    assert "too rude" in errors[3]["message"]
    assert "expired before this prompt was answered" in errors[5]["message"]
    assert "not among the answers" in errors[7]["message"]
    assert {error["exit_code"] for error in errors.values()} == {5}
    vendor.fate = lambda _: "again"
    assert many(*many.given, "--resume").returncode == 7
    assert len(vendor.batches) == 1
    many.ok(*many.given, "--resume", "--retry-failed")
    billed = {str(n): 2 if str(n) in fates else 1 for n in range(10)}
    assert vendor.billed == billed
    replies = ["again" if str(n) in fates else "fine" for n in range(10)]
    assert [r["reply"] for r in results_in(many.out)] == replies


def test_a_batch_that_expires_gives_what_was_answered(many, server):
    vendor = at_vendor("openai", many, server)
    vendor.fate = lambda body: "fine" if prompt_in(body) < "5" else "!missing"

    def expired(batch):
        batch["state"] = "expired"

    vendor.seen = expired
    done = many(*many.given)
    assert done.returncode == 7
    assert b"5 of 10 results failed (index 5, 6, 7, 8, 9)" in done.stderr
    results = results_in(many.out)
    assert [r["reply"] for r in results[:5]] == ["fine"] * 5
    assert "the batch expired before" in results[9]["error"]["message"]


def test_a_reply_that_the_vendor_paused_is_incomplete(many, server):
    vendor = at_vendor("anthropic", many, server)
    usual = vendor.message
    vendor.message = lambda text: {**usual(text), "stop_reason": "pause_turn"}
    done = many(*many.given, "--limit", "1")
    assert done.returncode == 7
    (result,) = results_in(many.out)
    assert (result["reply"], result["status"]) == ("re 0", "partial")
    assert result["error"]["exit_code"] == 7
    assert "paused the reply" in result["error"]["message"]


def test_ctrl_c_while_answers_come_makes_no_failure_of_any(many, server):
    vendor = at_vendor("openai", many, server)
    usual, gate = vendor.answer, threading.Event()

    def slowly(request):
        made = usual(request)
        if request.path.endswith("/content"):
            (body,) = made.steps
            lines = body.splitlines(keepends=True)
            return [*lines[:5], Await(gate), *lines[5:]]
        return made

    vendor.answer = slowly
    running = many.start(*many.given, "--unordered")
    wait_for(lambda: many.out.exists() and many.out.read_bytes().count(b"\n") == 5)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    gate.set()
    assert running.returncode == 130
    assert b"5 of 10 results kept" in said
    vendor.answer = usual
    many.ok(*many.given, "--unordered", "--resume")
    assert sorted(r["reply"] for r in results_in(many.out)) == [f"re {n}" for n in range(10)]
    billed_once(vendor)


def test_replies_are_checked_and_cut_as_those_of_single_requests(many, vendor):
    vendor.fate = lambda body: '{"n": 1}' if prompt_in(body) != "4" else '{"n": "no"}'
    done = many(*many.given, "--schema", "n int")
    assert done.returncode == 7
    results = results_in(many.out)
    assert results[0]["parsed"] == {"n": 1}
    assert results[4]["parsed"] is None
    assert b"(index 4)" in done.stderr
    vendor.fate = lambda _: "So:\n```py\nx = 1\n```\n"
    many.ok(*many.given, "-x", "--force")
    assert {r["reply"] for r in results_in(many.out)} == {"x = 1\n"}


def test_more_than_a_vendor_takes_is_split(many, vendor):
    many.env["TEST_MOST"] = "4"
    many.ok(*many.given)
    assert [len(batch["requests"]) for batch in vendor.batches.values()] == [4, 4, 2]
    billed_once(vendor)
    assert [r["index"] for r in results_in(many.out)] == list(range(10))


def test_bytes_are_counted_too(many, server):
    vendor = at_vendor("anthropic", many, server)
    many.ok(*many.given, "--limit", "1")
    (whole,) = (r.body for r in server.requests if r.method == "POST")
    many.env["TEST_BYTES"] = str(2 * len(whole) - len(b'{"requests":[]}') + 1)
    many.ok(*many.given, "--force")
    assert [len(batch["requests"]) for batch in vendor.batches.values()][1:] == [2] * 5
    sent = [r.body for r in server.requests if r.method == "POST"][1:]
    assert {len(body) for body in sent} == {int(many.env["TEST_BYTES"])}
    many.env["TEST_BYTES"] = str(len(whole) - 1)
    done = many(*many.given, "--force")
    assert done.returncode == 2
    assert b"at once" in done.stderr


def test_each_model_has_batches_of_its_own(many, vendor):
    provider = vendor.model.partition("/")[0]
    many.ok(*many.given, "-m", vendor.model, "-m", f"{provider}/other")
    assert [len(batch["requests"]) for batch in vendor.batches.values()] == [10, 10]
    results = results_in(many.out)
    assert [(r["index"], r["model"]) for r in results[:2]] == [
        (0, vendor.model),
        (0, f"{provider}/other"),
    ]
    assert len(results) == 20


def test_no_wait_hands_over_and_fetches_later(many, vendor):
    vendor.looks = 2
    assert many.ok(*many.given, "--no-wait") == ""
    assert results_in(many.out) == []
    (part,) = json.loads(many.ok("batch", "--status", str(many.out), "--json"))
    assert (part["prompts"], part["step"], part["batch"]) == (10, "sent", "batch_0")
    many.ok(*many.given, "--resume", "--no-wait")
    assert len(results_in(many.out)) == 10
    billed_once(vendor)
    (part,) = json.loads(many.ok("batch", "--status", str(many.out), "--json"))
    assert part["step"] == "collected"


def test_status_is_a_line_a_part(many, vendor):
    many.env["TEST_MOST"] = "5"
    vendor.looks = 100
    many.ok(*many.given, "--no-wait")
    for file in (str(many.out), f"{many.out}.vendor"):
        first, second = many.ok("batch", "--status", file).splitlines()
        assert first.startswith(f"1/2 {vendor.model} · 5 prompts · in_progress · ends by 2")
        assert second.endswith(" · batch_1")


def test_a_cancelled_batch_gives_what_it_has(many, vendor):
    vendor.looks = 100
    many.ok(*many.given, "--no-wait")
    said = many.ok("batch", "--cancel", str(many.out))
    assert said.startswith(f"1/1 {vendor.model} · 10 prompts · cancel")
    done = many(*many.given, "--resume")
    assert done.returncode == 7
    assert b"10 of 10 results failed" in done.stderr
    assert "was cancelled before" in results_in(many.out)[0]["error"]["message"]
    vendor.looks = 1
    many.ok(*many.given, "--resume", "--retry-failed")
    assert {r["reply"] for r in results_in(many.out)} == {f"re {n}" for n in range(10)}


def test_a_batch_that_waits_sees_that_another_one_cancels_it(many, vendor):
    vendor.looks = 10**9
    running = many.start(*many.given)
    wait_for(lambda: vendor.batches)
    wait_for(lambda: b'"sent"' in many.out.with_name("out.jsonl.vendor").read_bytes())
    many.ok("batch", "--cancel", str(many.out))
    assert running.wait(120) == 7
    assert b"10 of 10 results failed" in running.stderr.read()


def test_what_was_not_sent_is_not_sent_once_it_is_cancelled(many, vendor):
    vendor.refuse = (429, {"error": {"message": "no room"}})
    done = many(*many.given)
    assert done.returncode == 5
    assert b"no room" in done.stderr
    vendor.refuse = None
    said = many.ok("batch", "--cancel", str(many.out))
    assert "cancelled before it was sent" in said
    assert many(*many.given, "--resume").returncode == 7
    assert not vendor.billed


def test_ctrl_c_says_how_to_go_on_and_loses_nothing(many, vendor):
    vendor.looks = 10**9
    running = many.start(*many.given)
    wait_for(lambda: any(path.endswith("batch_0") for _, path in list(vendor.asked)))
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130
    assert b"interrupted; 10 prompts at the vendor; 0 of 10 results kept" in said
    assert b"the same command with --resume goes on with" in said
    vendor.looks = 1
    many.ok(*many.given, "--resume")
    billed_once(vendor)
    assert len(results_in(many.out)) == 10


def test_an_answer_that_is_lost_makes_no_second_batch(many, vendor):
    vendor.lost = 1
    done = many(*many.given)
    assert done.returncode == 6
    assert b"the same command with --resume goes on" in done.stderr
    many.ok(*many.given, "--resume")
    billed_once(vendor)
    assert len(results_in(many.out)) == 10


def test_groq_is_asked_as_openai_is(many, server):
    vendor = at_vendor("groq", many, server)
    vendor.lost = 1
    assert many(*many.given).returncode == 6
    many.ok(*many.given, "--resume")
    billed_once(vendor)
    listed = [r.target for r in server.requests if r.path == "/v1/batches" and r.method == "GET"]
    assert listed == ["/v1/batches"]  # its library knows no parameters of it


def test_a_batch_is_looked_for_before_it_is_made_again(many, vendor):
    # The vendor says 500 to what it has taken in.
    accept = vendor.answered

    def badly(document):
        vendor.answered = accept
        return make_reply({"error": {"message": "oops"}}, status=500)

    vendor.answered = badly
    many.ok(*many.given, "--retries", "2")
    billed_once(vendor)


def test_another_batch_of_as_many_is_not_taken_for_ones_own(many, server):
    vendor = at_vendor("anthropic", many, server)
    many.ok(*many.given)
    sent = sum(method == "POST" for method, _ in vendor.asked)
    # The request breaks off before the vendor has read it: only the other batch is there.
    vendor.looks = 3
    vendor.refuse = (500, {"type": "error", "error": {"type": "api_error", "message": "oh"}})
    other = many.out.with_name("other.jsonl")
    given = [str(other) if word == str(many.out) else word for word in many.given]
    assert many(*given).returncode == 5
    assert b'"sending"' in other.with_name("other.jsonl.vendor").read_bytes()
    vendor.refuse = None
    many.ok(*given, "--resume")
    assert len(results_in(other)) == 10
    assert sum(method == "POST" for method, _ in vendor.asked) == sent + 2
    assert vendor.billed == {str(n): 2 for n in range(10)}  # once for each output


def test_a_batch_that_is_refused_whole_is_told_and_can_be_sent_again(many, server):
    vendor = at_vendor("openai", many, server)
    made = vendor.accept
    vendor.accept = lambda _: vendor.without_room(made([]))
    done = many(*many.given)
    assert done.returncode == 5
    assert b"openai/m took none of 10 prompts: Enqueued token limit reached" in done.stderr
    assert b"--resume goes on" in done.stderr
    vendor.accept = made
    many.ok(*many.given, "--resume")
    billed_once(vendor)


TOO_MANY = {"type": "rate_limit_error", "message": "too many in the queue"}


@pytest.mark.parametrize(
    ("name", "step", "refusal"),
    [
        # A batch that was made is refused, or the making of one is.
        ("openai", "accept", lambda vendor, accept: vendor.without_room(accept([]))),
        (
            "anthropic",
            "create",
            lambda *_: make_reply({"type": "error", "error": TOO_MANY}, status=429),
        ),
    ],
)
def test_what_a_busy_vendor_has_no_room_for_is_sent_when_something_is_fetched(
    many, server, name, step, refusal
):
    vendor = at_vendor(name, many, server)
    many.env["TEST_MOST"] = "4"
    vendor.looks = 3
    usual, refused = getattr(vendor, step), []

    def when_idle(given):
        if not vendor.is_busy:
            return usual(given)
        refused.append(given)
        return refusal(vendor, usual)

    setattr(vendor, step, when_idle)
    many.ok(*many.given)
    assert refused
    billed_once(vendor)
    assert [r["reply"] for r in results_in(many.out)] == [f"re {n}" for n in range(10)]


def test_a_network_that_is_away_for_a_while_ends_no_wait(many, vendor):
    vendor.looks = 6
    usual, calls = vendor.answer, []

    def away(request):
        if request.method == "GET":
            calls.append(request)
            if len(calls) in {2, 4}:
                return make_reply([CUT])
            if len(calls) == 3:
                return make_reply({"error": {"message": "down"}}, status=503)
        return usual(request)

    vendor.answer = away
    many.ok(*many.given)
    billed_once(vendor)
    assert len(results_in(many.out)) == 10


def test_answers_that_break_off_are_fetched_again(many, vendor):
    usual, cut = vendor.answer, []

    def broken(request):
        made = usual(request)
        if request.path.endswith(("/content", "/results")) and not cut:
            cut.append(True)
            (body,) = made.steps
            return make_reply([body[: len(body) // 2], CUT])
        return made

    vendor.answer = broken
    many.ok(*many.given)
    assert cut
    assert [r["index"] for r in results_in(many.out)] == list(range(10))


def test_a_vendor_that_asks_to_wait_is_not_asked_before(many, server):
    vendor = at_vendor("openai", many, server)
    usual, slow = vendor.answer, []

    def answer(request):
        if request.method == "GET" and not slow:
            slow.append(request)
            return make_reply(b"slow down", status=429, headers={"Retry-After": "1"})
        return usual(request)

    vendor.answer = answer
    many.ok(*many.given)
    after = next(r for r in server.requests if r.method == "GET" and r is not slow[0])
    assert after.at - slow[0].at >= 0.99


# TAG is what the part is called; the prompts 0 to 4 get no answer that makes sense.
@pytest.mark.parametrize("arrived", [True, False])
def test_what_may_have_been_sent_is_looked_for_before_it_is_cancelled(many, server, arrived):
    vendor = at_vendor("openai", many, server)
    vendor.lost = 1
    vendor.looks = 10**9
    assert many(*many.given).returncode == 6
    assert "perhaps sent" in many.ok("batch", "--status", str(many.out))
    if not arrived:
        vendor.batches.clear()
    (part,) = json.loads(many.ok("batch", "--cancel", str(many.out), "--json"))
    assert part["cancelled"]
    assert (part["step"], part["batch"]) == (("sent", "batch_0") if arrived else ("dropped", None))
    assert [batch["state"] for batch in vendor.batches.values()] == ["cancelling"] * arrived


def test_nothing_is_cancelled_while_another_process_sends(many, server):
    vendor = at_vendor("openai", many, server)
    sending, go_on = threading.Event(), threading.Event()
    usual = vendor.answer

    def answer(request):
        if (request.method, request.path) == ("POST", "/v1/batches"):
            sending.set()
            assert go_on.wait(120)
        return usual(request)

    vendor.answer = answer
    running = many.start(*many.given)
    assert sending.wait(120)
    done = many("batch", "--cancel", str(many.out))
    go_on.set()
    assert done.returncode == 2
    assert b"another hfs batch is still sending prompts of" in done.stderr
    assert running.wait(120) == 0
    assert len(results_in(many.out)) == 10


ODD = b"""
{
[]
{"custom_id": 5}
{"custom_id": "other-1", "response": {"status_code": 200, "body": {}}}
{"custom_id": "TAG-99999999999999999999", "response": {"status_code": 200}}
{"custom_id": "TAG-0", "response": null, "error": null, "result": null}
{"custom_id": "TAG-1", "response": {"status_code": "x", "body": 1}, "result": 7}
{"custom_id": "TAG-2", "response": {"status_code": 200, "body": null},\
 "result": {"type": "succeeded", "message": null}}
{"custom_id": "TAG-3", "response": {"status_code": 200, "body": {"choices": 5}},\
 "result": {"type": "succeeded", "message": {"type": "message", "content": 5}}}
{"custom_id": "TAG-4", "error": {"code": 5, "message": {"a": "\\ud800"}},\
 "result": {"type": "errored", "error": "no"}}
"""


def test_answers_that_make_no_sense_are_failures_and_not_bugs(many, vendor):
    usual, odd = vendor.answer, ODD + b"[" * 100_000

    def answer(request):
        made = usual(request)
        if request.path.endswith(("/content", "/results")):
            (batch,) = vendor.batches.values()
            tag = batch["requests"][0][0].rpartition("-")[0]
            (body,) = made.steps
            return make_reply(odd.replace(b"TAG", tag.encode()) + b"\n" + body)
        return made

    vendor.answer = answer
    done = many(*many.given)
    assert done.returncode == 7
    *warnings, said = done.stderr.decode().splitlines()
    assert "5 of 10 results failed (index 0, 1, 2, 3, 4)" in said
    assert warnings
    assert all(line.startswith("hfs: warning: ") for line in warnings)
    results = results_in(many.out)
    assert {r["error"]["exit_code"] for r in results[:5]} <= {5, 7}
    assert [r["reply"] for r in results[5:]] == [f"re {n}" for n in range(5, 10)]


@pytest.mark.parametrize("made", [[], {"id": "../models"}])
def test_a_batch_without_an_id_is_looked_for(many, vendor, made):
    usual = vendor.answer

    def answer(request):
        true = usual(request)
        is_made = request.method == "POST" and request.path.endswith("/batches")
        return make_reply(json.dumps(made)) if is_made else true

    vendor.answer = answer
    done = many(*many.given)
    assert done.returncode == 7
    vendor.answer = usual
    many.ok(*many.given, "--resume")
    billed_once(vendor)


def test_a_smaller_limit_would_leave_out_what_was_begun(many, vendor):
    vendor.looks = 100
    many.ok(*many.given, "--no-wait")
    done = many(*many.given, "--resume", "--limit", "5")
    assert done.returncode == 2
    assert b"--limit" in done.stderr


def test_a_batch_that_may_be_ones_own_can_be_deleted(many, server):
    vendor = at_vendor("anthropic", many, server)
    vendor.lost = 1
    vendor.looks = 10**9
    assert many(*many.given).returncode == 6
    assert many(*many.given, "--resume", "--no-wait").returncode == 0
    assert "its answers will tell" in many.ok("batch", "--status", str(many.out))
    done = many("batch", "--cancel", str(many.out))
    assert done.returncode == 2
    assert b"batch_0 may be part of" in done.stderr
    vendor.batches.clear()
    vendor.looks = 1
    many.ok(*many.given, "--resume")
    assert len(results_in(many.out)) == 10


def test_no_key_and_no_prompt_is_beside_the_output(many, vendor):
    many.ok(*many.given, "-s", "A system prompt of mine")
    kept = many.out.with_name("out.jsonl.vendor")
    assert kept.stat().st_mode & 0o777 == 0o600
    for secret in (KEY.encode(), b"system prompt"):
        assert secret not in kept.read_bytes()
    # And the key goes to the vendor alone, whatever address its answers name.
    sent = [h.get("authorization") or h.get("x-api-key") for h in vendor.headers]
    assert {word.removeprefix("Bearer ") for word in sent} == {KEY}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tool", "x"), "runs no tools"),
        (("--max-cost", "1"), "max_cost (--max-cost)"),
        (("--budget", "1"), "--budget is for single requests"),
        (("--concurrency", "3"), "--concurrency is for single requests"),
        (("--rate", "3/min"), "--rate is for single requests"),
        (("--save",), "--save is for single requests"),
        (("--timeout", "9"), "--timeout is for single requests"),
        (("-m", "local/smollm2"), "of openai, anthropic, groq"),
        (("-m", "gemini/x"), "of openai, anthropic, groq"),
        (("--retry-failed",), "goes with --resume"),
    ],
)
def test_what_a_vendors_batch_cannot_do_is_refused(many, server, words, said):
    vendor = at_vendor("openai", many, server)
    done = many(*many.given, *words, env={"GEMINI_API_KEY": "x"})
    assert (done.returncode, vendor.asked) == (2, [])
    assert said in done.stderr.decode()
    assert not many.out.exists()


@pytest.mark.parametrize(
    ("key", "option"),
    [
        ("concurrency = 3", "--concurrency"),
        ("concurrency = 8", "--concurrency"),
        ('rate = "3/min"', "--rate"),
        ("budget = 0", "--budget"),
        ("save = true", "--save"),
        ("timeout = 9", "--timeout"),
        ("max-steps = 2", "--max-steps"),
    ],
)
def test_what_it_cannot_do_is_refused_of_a_template_too(many, server, tmp_path, key, option):
    vendor = at_vendor("openai", many, server)
    template = tmp_path / "t.toml"
    template.write_text(f'prompt = "$input"\n{key}\n')
    done = many(*many.given, "-t", str(template))
    assert (done.returncode, vendor.asked) == (2, []), done.stderr
    assert f"{option} is for single requests" in done.stderr.decode()
    assert not many.out.exists()


def test_a_timeout_of_the_configuration_is_left_to_single_requests(many, server):
    at_vendor("openai", many, server)
    many.configure("timeout = 9\n" + many.config.read_text())
    many.ok(*many.given)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("IN", "--vendor-batch"), "--vendor-batch goes with -O FILE"),
        (("IN", "--no-wait"), "--no-wait goes with --vendor-batch"),
        (("IN", "--json"), "--json goes with --status or --cancel"),
        (("--status", "x", "--cancel", "x"), "--status and --cancel exclude each other"),
        (("--status", "x", "IN"), "--status goes alone: leave out FILE\n"),
        (("--cancel", "x", "-m", "openai/m"), "--cancel goes alone: leave out --model\n"),
    ],
)
def test_what_does_not_go_together(many, server, words, said):
    vendor = at_vendor("openai", many, server)
    done = many("batch", *(many.given[1] if word == "IN" else word for word in words))
    assert (done.returncode, vendor.asked) == (2, [])
    assert said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_recordings_and_fallbacks_do_not_go_with_it(many, server, tmp_path):
    vendor = at_vendor("openai", many, server)
    done = many(*many.given, env={"HFS_RECORD": str(tmp_path / "tapes")})
    assert (done.returncode, vendor.asked) == (2, [])
    many.configure('fallback = ["openai/other"]\n' + many.config.read_text())
    done = many(*many.given)
    assert (done.returncode, vendor.asked) == (2, [])
    assert b"no fallback (openai/other)" in done.stderr


def test_what_is_at_a_vendor_is_not_sent_again_by_other_ways(many, vendor):
    vendor.looks = 100
    many.ok(*many.given, "--no-wait")
    single = [word for word in many.given if word != "--vendor-batch"]
    for words, said in [
        (many.given, "--vendor-batch --resume goes on with them"),
        ((*many.given, "--force"), f"hfs batch --cancel {many.out}"),
        ((*single, "--resume"), "add --vendor-batch"),
        ((*many.given, "--resume", "-s", "Be brief"), "give those that it was started with"),
    ]:
        done = many(*words)
        assert done.returncode == 2
        assert said in done.stderr.decode()
    billed_once(vendor)
    many.ok("batch", "--cancel", str(many.out))
    vendor.looks = 1
    many.ok(*many.given, "--force")
    assert len(results_in(many.out)) == 10


def test_a_begun_batch_of_single_requests_can_be_ended_at_a_vendor(many, server):
    vendor = at_vendor("openai", many, server)
    usual = vendor.answer

    def answer(request):
        if request.path.endswith("/chat/completions"):
            return openai_sse(f"re {prompt_in(request.json)}")
        return usual(request)

    vendor.answer = answer
    single = [word for word in many.given if word != "--vendor-batch"]
    many.ok(*single, "--resume", "--limit", "4")
    many.ok(*many.given, "--resume")
    assert sorted(vendor.billed) == list("456789")
    assert [r["reply"] for r in results_in(many.out)] == [f"re {n}" for n in range(10)]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b'{"hfs_vendor_batch": 2}', b"[]", None],
)
def test_what_is_kept_beside_the_output_may_be_damaged(many, server, damage):
    vendor = at_vendor("openai", many, server)
    vendor.looks = 100
    many.ok(*many.given, "--no-wait")
    kept = many.out.with_name("out.jsonl.vendor")
    if damage is None:
        kept.write_bytes(kept.read_bytes().replace(b'"sent"', b'"gone"'))
    else:
        kept.write_bytes(damage)
    asked = len(vendor.asked)
    for command in ((*many.given, "--resume"), ("batch", "--status", str(many.out))):
        done = many(*command)
        assert done.returncode == 2
        assert b"is damaged" in done.stderr
    assert len(vendor.asked) == asked


def test_nothing_was_handed_over_of_another_file(many, server):
    at_vendor("openai", many, server)
    done = many("batch", "--status", "nothing.jsonl")
    assert done.returncode == 4
    assert b"give the file that hfs batch --vendor-batch -O was given" in done.stderr


def test_a_dry_run_says_what_half_the_price_is(many, server):
    vendor = at_vendor("openai", many, server)
    found = json.loads(many.ok(*many.given, "--dry-run", "--max-tokens", "100"))
    assert found["models"][0]["most_output_cost"] == 10 * 100 * 100 / 1e6 / 2
    assert vendor.asked == []
    assert not many.out.exists()


def test_a_prompt_that_cannot_be_sent_is_told_before_anything_is(many, server, tmp_path):
    vendor = at_vendor("responses", many, server)
    done = many(*many.given, "-o", "seed=1")
    assert (done.returncode, vendor.asked) == (2, [])
    assert b"takes no seed" in done.stderr
    many.ok(*many.given)
