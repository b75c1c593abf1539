"""`hfs batch`: what is read, what is asked, and what is written of it."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hfs_cli.compose.batch.turns import Waits
from tests.conftest import KEY, UNMEASURED
from tests.refused_calls import refusing
from tests.scripted_server import CUT, STALL, Await, make_reply, openai_chunk, openai_sse, sse


def prompt_of(request):
    return request.json["messages"][-1]["content"]


def echo(request):
    return openai_sse(f"re {prompt_of(request)}")


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def batch(chat, server, tmp_path):
    """The command in a folder of its own, with a server that says each prompt again."""
    server.always(echo)

    def write(name, text):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(tmp_path / name)

    chat.write = write
    return chat


def test_each_line_is_a_prompt_and_a_result_in_its_place(batch):
    file = batch.write("in.txt", "one\n\ntwo\r\nthree")
    results = lines_of(batch.ok("batch", file))
    assert [(r["index"], r["input"], r["reply"]) for r in results] == [
        (0, "one", "re one"),
        (1, "two", "re two"),
        (2, "three", "re three"),
    ]
    assert results[0] == {
        "index": 0,
        "input": "one",
        "model": "test/m",
        "reply": "re one",
        "parsed": None,
        "status": "complete",
        "finish_reason": "stop",
        "usage": {
            "input_tokens": 3,
            "output_tokens": 2,
            "cached_tokens": None,
            "reasoning_tokens": None,
        },
        "cost": None,
        "error": None,
    }
    assert not batch.database.exists()


def test_standard_input_is_read_where_no_file_is_named(batch):
    for words in ((), ("-",)):
        results = lines_of(batch.ok("batch", *words, stdin=b"one\n"))
        assert [r["reply"] for r in results] == ["re one"]


def test_the_order_is_the_inputs_whatever_comes_first(batch, server):
    gate = threading.Event()

    def answer(request):
        # The last one is asked when another has been answered; the first one waits for that.
        if prompt_of(request) == "9":
            gate.set()
        return [Await(gate), *echo(request)] if prompt_of(request) == "0" else echo(request)

    server.always(answer)
    file = batch.write("in.txt", "\n".join(map(str, range(10))))
    assert [r["index"] for r in lines_of(batch.ok("batch", file))] == list(range(10))
    gate.clear()
    came = [r["index"] for r in lines_of(batch.ok("batch", file, "--unordered"))]
    assert sorted(came) == list(range(10))
    assert came[0] != 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("in.jsonl", '{"to": "French", "text": "cat"}\n\n{"to": "German", "text": "dog"}\n'),
        ("in.csv", "to,text\nFrench,cat\nGerman,dog\n"),
        ("in.csv", "\ufeffto;text\r\nFrench;cat\r\nGerman;dog\r\n"),
        ("in.tsv", "to\ttext\nFrench\tcat\nGerman\tdog\n"),
        ("in", '{"to": "French", "text": "cat"}\n{"to": "German", "text": "dog"}'),
    ],
)
def test_fields_fill_the_template(batch, server, name, text):
    template = batch.write("t.toml", 'system = "You know $to."\nprompt = "Say $text in $to."\n')
    results = lines_of(batch.ok("batch", batch.write(name, text), "-t", template))
    assert [r["reply"] for r in results] == ["re Say cat in French.", "re Say dog in German."]
    assert results[0]["input"] == {"to": "French", "text": "cat"}
    systems = {request.json["messages"][0]["content"] for request in server.requests}
    assert systems == {"You know French.", "You know German."}


def test_a_field_beats_p_and_p_beats_the_default(batch):
    template = batch.write("t.toml", 'prompt = "$a $b $c"\n[defaults]\na = 1\nb = 1\nc = 1\n')
    file = batch.write("in.jsonl", '{"c": 3}\n')
    given = ("-t", template, "-p", "b=2", "-p", "c=2")
    assert lines_of(batch.ok("batch", file, *given))[0]["reply"] == "re 1 2 3"


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ('{"input": "x", "b": 1}', "Do: x"),
        ('{"prompt": "x", "b": 1}', "Do: x"),
        ('{"text": "x"}', "Do: x"),
        ('{"input": 5}', "Do: 5"),
        ('{"input": ["a", null]}', 'Do: ["a", null]'),
    ],
)
def test_the_prompt_of_an_object_is_its_field_or_its_only_one(batch, text, prompt):
    template = batch.write("t.toml", 'prompt = "Do: $input"\n')
    file = batch.write("in.jsonl", text)
    assert lines_of(batch.ok("batch", file, "-t", template))[0]["reply"] == f"re {prompt}"


def test_a_prompt_that_the_template_has_no_place_for_follows_it(batch):
    file = batch.write("in.txt", "cat\n")
    results = lines_of(batch.ok("batch", file, "-t", "translate", "-p", "to=French"))
    assert results[0]["reply"] == "re Translate into French:\n\ncat"


def test_files_join_each_prompt(batch):
    note = batch.write("note.txt", "the sky is green")
    results = lines_of(batch.ok("batch", batch.write("in.txt", "colour?\n"), "-f", note))
    assert results[0]["reply"].startswith("re colour?\n\n")
    assert "the sky is green" in results[0]["reply"]


def test_a_quoted_field_may_have_lines(batch):
    file = batch.write("in.csv", 'prompt,n\n"one\ntwo",1\nthree,2\n')
    assert [r["reply"] for r in lines_of(batch.ok("batch", file))] == ["re one\ntwo", "re three"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("in.txt", b"", "there is no prompt in "),
        ("in.txt", b"fine\nno \xff\n", "line 2 of "),
        ("in.jsonl", b'{"prompt": "x"}\n{"prompt"\n', "line 2 of "),
        ("in.jsonl", b'{"prompt": "x"}\n["x"]\n', "must be a JSON object"),
        (
            "in.jsonl",
            b'{"prompt": "x"}\n{"prompt": "y"\n',
            "in.jsonl is not JSON: Expecting ',' delimiter at column 15 (",
        ),
        ("in.jsonl", b'{"prompt": NaN}\n', "line 1 of "),
        ("in.jsonl", b'{"prompt": "x"}\xc2\xa0\n', "Extra data at column 16 ("),
        ("in.jsonl", b'{"prompt": "\\ud800"}\n', "lone surrogate"),
        ("in.jsonl", b"[" * 100_000, "line 1 of "),
        ("in.jsonl", b'{"a": "x", "b": "y"}\n', 'no field "prompt"'),
        ("in.jsonl", b'{"prompt": "x"}\n{"prompt": " "}\n', "line 2 of "),
        ("in.csv", b"prompt,b\nx,1\ny\n", "line 3 of "),
        ("in.csv", b"prompt,prompt\nx,1\n", "a name of its own"),
        ("in.csv", b'prompt\nx\n"y\n', "is not CSV"),
    ],
)
def test_an_input_that_cannot_be_used_is_named_by_its_line_before_anything_is_sent(
    batch, server, name, text, said
):
    done = batch("batch", batch.write(name, text))
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert server.requests == []


def test_a_placeholder_without_a_value_names_the_line(batch, server):
    template = batch.write("t.toml", 'prompt = "Say $text in $to."\n')
    file = batch.write("in.jsonl", '{"to": "French", "text": "cat"}\n{"text": "dog"}\n')
    done = batch("batch", file, "-t", template)
    assert done.returncode == 2
    assert b"line 2 of " in done.stderr
    assert b"needs a value for to: give the record a field of that name" in done.stderr
    done = batch("batch", file, "-t", "extract-json", "-p", "fields", "name")
    assert done.returncode == 2
    assert b"needs a value for input: give the record a field of that name" in done.stderr
    assert server.requests == []


def test_text_in_another_encoding(batch):
    for encoding in ("latin-1", "utf-16"):
        file = batch.write("in.txt", "né\nça\n".encode(encoding))
        results = lines_of(batch.ok("batch", file, "--encoding", encoding))
        assert [r["reply"] for r in results] == ["re né", "re ça"]


def test_each_prompt_goes_to_each_model(batch, server):
    file = batch.write("in.txt", "one\ntwo\n")
    results = lines_of(batch.ok("batch", file, "-m", "test/a", "-m", "test/b"))
    assert [(r["index"], r["model"]) for r in results] == [
        (0, "test/a"),
        (0, "test/b"),
        (1, "test/a"),
        (1, "test/b"),
    ]
    assert sorted(r.json["model"] for r in server.requests) == ["a", "a", "b", "b"]


def test_connections_are_shared_and_no_more_than_asked_for_at_once(batch, server):
    file = batch.write("in.txt", "\n".join(map(str, range(40))))
    batch.ok("batch", file, "--concurrency", "4")
    assert len(server.requests) == 40
    assert len(server._threads) - 1 <= 5  # one accepts


def test_the_options_of_a_turn_hold_for_each(batch, server):
    file = batch.write("in.txt", "one\n")
    batch.ok(
        "batch",
        file,
        "-s",
        "Be brief",
        "--temperature",
        "0.5",
        "--max-tokens",
        "9",
        "-o",
        "top_p=1",
    )
    body = server.requests[0].json
    assert body["messages"][0] == {"role": "system", "content": "Be brief"}
    assert (body["temperature"], body["top_p"]) == (0.5, 1)
    assert 9 in body.values()


def test_each_reply_is_held_against_the_schema(batch, server):
    server.always(lambda r: openai_sse('{"age": 4}' if prompt_of(r) == "good" else '{"age": "x"}'))
    file = batch.write("in.txt", "good\nbad\n")
    done = batch("batch", file, "--schema", "age int")
    good, bad = lines_of(done.stdout.decode())
    assert (done.returncode, good["parsed"], good["error"]) == (7, {"age": 4}, None)
    assert bad["parsed"] is None
    assert bad["error"]["exit_code"] == 7
    assert b"1 of 2 results failed (index 1)" in done.stderr


def test_code_alone(batch, server):
    server.always(openai_sse("So:\n```py\nx = 1\n```\n"))
    results = lines_of(batch.ok("batch", batch.write("in.txt", "one\n"), "-x"))
    assert results[0]["reply"] == "x = 1\n"


def test_a_template_may_say_how_one_reply_is_shown(batch):
    template = batch.write("t.toml", 'prompt = "$input"\nrender = "plain"\nusage = true\n')
    done = batch("batch", batch.write("in.txt", "one\n"), "-t", template)
    assert done.returncode == 0
    assert b"1 done" in done.stderr


def test_one_that_fails_does_not_stop_the_rest(batch, server):
    bad = {"3": 400, "5": 500}

    def answer(request):
        status = bad.get(prompt_of(request))
        return make_reply({"error": {"message": "no"}}, status=status) if status else echo(request)

    server.always(answer)
    file = batch.write("in.txt", "\n".join(map(str, range(8))))
    done = batch("batch", file)
    results = lines_of(done.stdout.decode())
    assert done.returncode == 7
    assert {r["index"]: r["error"]["exit_code"] for r in results if r["error"]} == {3: 5, 5: 5}
    assert b"2 of 8 results failed (index 3, 5)" in done.stderr
    assert KEY.encode() not in done.stdout + done.stderr


def test_a_wait_that_a_server_asks_for_slows_all(batch, server):
    file = batch.write("in.txt", "\n".join(map(str, range(6))))
    server.reply(b"slow down", status=429, headers={"Retry-After": "1"})
    assert len(lines_of(batch.ok("batch", file, "--retries", "2", "--concurrency", "1"))) == 6
    first, second, *_ = (request.at for request in server.requests)
    assert second - first >= 0.99


def test_a_long_wait_is_told_of_once_while_it_lasts(batch, server):
    server.always(lambda _: make_reply(b"slow down", status=429, headers={"Retry-After": "60"}))
    process = batch.start("batch", batch.write("in.txt", "one\n"), "--retries", "2")
    line = process.stderr.readline().decode()
    assert line.startswith("hfs: warning: ")
    assert line.endswith("— no prompt is sent to it for 60.0 s (the first wait)\n")
    process.terminate()
    assert process.wait() == 143


def test_only_the_first_of_the_long_waits_is_told_of_and_none_if_quiet(capsys):
    loud, quiet = Waits(quiet=False), Waits(quiet=True)
    for seconds in (5.0, 6.0, 7.0):
        loud(seconds, "slow down")
        quiet(seconds, "slow down")
    told = "slow down — no prompt is sent to it for 6.0 s (the first wait)"
    assert capsys.readouterr().err == f"hfs: warning: {told}\n"


def test_of_turns_that_are_told_to_wait_at_one_time_one_says_so(capsys):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(300):
                waits, together = Waits(quiet=False), threading.Barrier(8, timeout=120)
                list(pool.map(lambda _, w=waits, t=together: (t.wait(), w(9, "slow")), range(8)))
                assert capsys.readouterr().err.count("slow") == 1
    finally:
        sys.setswitchinterval(interval)


def test_a_fallback_answers_in_the_place_of_one_that_cannot(batch, server):
    server.always(lambda r: make_reply({}, status=503) if r.json["model"] == "m" else echo(r))
    batch.configure(
        batch.config.read_text().replace("retries = 0", 'retries = 0\nfallback = ["test/other"]', 1)
    )
    done = batch("batch", batch.write("in.txt", "one\ntwo\n"))
    assert done.returncode == 0
    assert [r["model"] for r in lines_of(done.stdout.decode())] == ["test/other"] * 2


def test_only_the_first_few(batch, server):
    file = batch.write("in.txt", "one\ntwo\nthree\n")
    assert [r["input"] for r in lines_of(batch.ok("batch", file, "--limit", "2"))] == ["one", "two"]


def test_a_dry_run_counts_and_sends_nothing(batch, server):
    batch.configure(
        batch.config.read_text() + '[models."test/m"]\ninput_price = 1.0\noutput_price = 2.0\n'
    )
    file = batch.write("in.txt", "four\nfour\n")
    found = json.loads(batch.ok("batch", file, "--dry-run", "--max-tokens", "100"))
    assert found == {
        "prompts": 2,
        "requests": 2,
        "models": [
            {
                "model": "test/m",
                "estimated_input_tokens": 2,
                "estimated_input_cost": 2e-6,
                "most_output_tokens": 200,
                "most_output_cost": 4e-4,
            }
        ],
    }
    assert server.requests == []


def test_a_budget_ends_the_batch(batch, server, tmp_path):
    batch.configure(
        batch.config.read_text() + '[models."test/m"]\ninput_price = 0\noutput_price = 500000\n'
    )
    file = batch.write("in.txt", "\n".join(map(str, range(20))))
    out = str(tmp_path / "out.jsonl")
    given = ("batch", file, "-O", out, "--concurrency", "1")
    done = batch(*given, "--budget", "5")  # each costs 1.0
    assert done.returncode == 3
    assert b"5 of 20 results kept" in done.stderr
    assert len(server.requests) == 5
    assert batch(*given, "--resume").returncode == 0
    assert len(server.requests) == 20


def priced(batch, input_price, output_price):
    """Set the prices of the model, of which a reply has 3 tokens in and 2 out."""
    batch.configure(
        batch.config.read_text()
        + f'[models."test/m"]\ninput_price = {input_price}\noutput_price = {output_price}\n'
    )


@pytest.mark.parametrize("usage", [(3, 2), None], ids=["counted", "estimated"])
def test_a_budget_counts_what_is_under_way(batch, server, tmp_path, usage):
    server.always(lambda _: openai_sse("eight by", usage=usage))
    priced(batch, 0, 500_000)
    out = str(tmp_path / "out.jsonl")
    file = batch.write("in.txt", "\n".join(map(str, range(20))))
    done = batch("batch", file, "-O", out, "--budget", "5")  # each costs 1.0
    assert done.returncode == 3
    assert b"what the batch may cost is spent (about 5.00); 5 of 20 results kept" in done.stderr
    assert len(server.requests) == 5


def test_a_budget_for_less_than_one_reply_sends_one_prompt(batch, server):
    priced(batch, 1, 5)
    done = batch("batch", batch.write("in.txt", "one\ntwo\n"), "--budget", "0.00001")
    assert done.returncode == 3
    assert b"is spent (about 0.000013); 1 of 2 results written" in done.stderr
    assert len(server.requests) == 1


def test_a_budget_for_less_than_a_prompt_sends_nothing(batch, server):
    priced(batch, 1, 5)
    file = batch.write("in.txt", "a long prompt\nanother\n")
    done = batch("batch", file, "--budget", "0.000002")
    assert done.returncode == 3
    assert b"0.000002 is left, and the next prompt alone costs about 0.000004; 0 of" in done.stderr
    assert batch("batch", file, "--budget", "0").returncode == 3
    assert server.requests == []


def test_the_last_reply_may_cost_more_than_is_left_and_that_is_said(batch):
    priced(batch, 1, 5)
    done = batch("batch", batch.write("in.txt", "one\n"), "--budget", "0.00001")
    assert (done.returncode, lines_of(done.stdout)[0]["reply"]) == (0, "re one")
    assert done.stderr == (
        b"hfs: warning: the batch has cost about 0.000013 and was to cost 0.00001\n"
    )


def test_within_a_budget_many_are_under_way_once_the_cost_of_one_is_known(batch, server):
    priced(batch, 1, 5)
    all_there = threading.Event()
    asked = []

    def answer(request):
        asked.append(prompt_of(request))
        if len(asked) == 6:
            all_there.set()
        return echo(request) if len(asked) == 1 else [Await(all_there), *echo(request)]

    server.always(answer)
    file = batch.write("in.txt", "\n".join(map(str, range(6))))
    batch.ok("batch", file, "--budget", "1")
    assert asked[0] == "0"


def test_what_fails_costs_nothing_and_does_not_end_a_budget(batch, server):
    priced(batch, 0, 500_000)

    def answer(request):
        if int(prompt_of(request)) % 2:
            return echo(request)
        return make_reply({"error": {"message": "odd"}}, status=400)

    server.always(answer)
    file = batch.write("in.txt", "\n".join(map(str, range(6))))
    assert batch("batch", file, "--budget", "4").returncode == 7
    assert len(server.requests) == 6


def test_what_one_turn_may_cost_holds_for_each_prompt(batch, server):
    priced(batch, 1000, 4000)
    done = batch("batch", batch.write("in.txt", f"one\n{'word ' * 100}\n"), "--max-cost", "0.05")
    assert done.returncode == 7, done.stderr
    cheap, dear = map(json.loads, done.stdout.splitlines())
    assert (cheap["error"], len(server.requests)) == (None, 1)
    assert "the prompt alone costs about 0.125" in dear["error"]["message"]


def test_without_a_price_no_budget_holds(batch, server):
    done = batch("batch", batch.write("in.txt", "one\n"), "--budget", "5")
    assert (done.returncode, server.requests) == (3, [])


def test_a_key_that_is_refused_of_all_stops_it_soon(batch, server):
    server.always({"error": {"message": "bad key"}}, status=401)
    file = batch.write("in.txt", "\n".join(map(str, range(50))))
    done = batch("batch", file, "--concurrency", "2")
    assert done.returncode == 3
    assert len(server.requests) < 10


@pytest.mark.parametrize(("why", "code"), [("key", 3), ("network", 6)])
def test_what_ends_soon_with_failures_says_how_they_are_asked_again(
    batch, server, tmp_path, why, code
):
    working = batch.config.read_text()
    server.always({"error": {"message": "bad key"}}, status=401)
    if why == "network":
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        batch.configure(working.replace(f":{server.port}", f":{port}"))
    file, out = batch.write("in.txt", "\n".join(map(str, range(50)))), tmp_path / "out.jsonl"
    done = batch("batch", file, "-O", str(out), "--concurrency", "2", "--retries", "0")
    assert done.returncode == code
    failed = out.read_bytes().count(b"\n")
    assert 3 <= failed < 10
    assert done.stderr.decode().endswith(
        f"; {failed} of 50 results kept, {failed} of them failed: the same command with --resume"
        f" --retry-failed goes on with {out}\n"
    )
    batch.configure(working)
    server.always(echo)
    batch.ok("batch", file, "-O", str(out), "--resume", "--retry-failed")
    assert [r["error"] for r in lines_of(out.read_text())] == [None] * 50


def test_turns_are_sessions_only_when_asked_for(batch):
    file = batch.write("in.txt", "".join(f"prompt {n}\n" for n in range(12)))
    batch.ok("batch", file, "--save", "-n", "colours")
    names = {s["name"] for s in json.loads(batch.ok("sessions", "list", "--json"))}
    assert names == {f"colours {n:02}" for n in range(12)}
    assert "prompt 7" in batch.ok("sessions", "search", "prompt 7")


def test_ctrl_c_keeps_what_has_come_and_says_how_to_go_on(batch, server, tmp_path):
    import threading

    never = threading.Event()
    server.always(lambda r: [Await(never)] if prompt_of(r) in {"2", "5"} else echo(r))
    file = batch.write("in.txt", "\n".join(map(str, range(8))))
    out = tmp_path / "out.jsonl"
    running = batch.start("batch", file, "-O", str(out), "--concurrency", "8")
    server.wait_for_requests(8)
    # Replies come in any order: each of the six is in the output or waits beside it.
    files = (out, tmp_path / "out.jsonl.batch")
    while len({r["index"] for f in files for r in lines_of(f.read_text()) if "index" in r}) < 6:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130
    assert b"6 of 8 results kept: the same command with --resume goes on" in said
    never.set()
    server.always(echo)
    server.requests.clear()
    batch.ok("batch", file, "-O", str(out), "--resume")
    assert sorted(map(prompt_of, server.requests)) == ["2", "5"]
    assert [r["index"] for r in lines_of(out.read_text())] == list(range(8))


def test_ctrl_c_without_a_file_writes_what_waited(batch, server):
    server.always(lambda r: [STALL] if prompt_of(r) == "0" else echo(r))
    file = batch.write("in.txt", "0\n1\n2\n")
    running = batch.start("batch", file, "--concurrency", "1", "--unordered")
    server.wait_for_requests(1)
    running.send_signal(signal.SIGINT)
    out, said = running.communicate(timeout=120)
    assert (running.returncode, out) == (130, b"")
    assert b"with -O FILE" in said


def test_a_reader_who_leaves_ends_it(batch, server):
    file = batch.write("in.txt", "\n".join(map(str, range(500))))
    running = batch.start("batch", file, "--concurrency", "1")
    assert running.stdout.readline().startswith(b'{"index": 0')
    running.stdout.close()
    assert running.wait(120) == 141
    assert running.stderr.read() == b""
    assert len(server.requests) < 500


# --- an output that is gone on with --------------------------------------------------


@pytest.fixture
def output(batch, tmp_path):
    """A batch of ten, of which the fourth and the eighth fail while `bad` says so."""
    batch.file = batch.write("in.txt", "\n".join(map(str, range(10))))
    batch.out = tmp_path / "out.jsonl"
    batch.given = ("batch", batch.file, "-O", str(batch.out))
    return batch


def failing(*prompts):
    return lambda r: (
        make_reply({"error": {"message": "no"}}, status=400) if prompt_of(r) in prompts else echo(r)
    )


def test_an_output_that_exists_is_not_overwritten_by_chance(output, server):
    output.ok(*output.given)
    before = output.out.read_bytes()
    done = output(*output.given)
    assert (done.returncode, output.out.read_bytes()) == (2, before)
    assert b"--resume goes on with it, --force replaces it" in done.stderr
    output.ok(*output.given, "--force", "--limit", "1")
    assert len(lines_of(output.out.read_text())) == 1


@pytest.mark.parametrize("way", ["itself", "another path", "link", "hard link", "beside", "stdin"])
def test_an_output_that_is_the_input_is_refused(output, server, tmp_path, way):
    prompts = (tmp_path / "in.txt").read_bytes()
    out, given = tmp_path / way, output.file
    if way == "itself":
        out = tmp_path / "in.txt"
    elif way == "another path":
        out = tmp_path / ".." / tmp_path.name / "in.txt"
    elif way == "link":
        out.symlink_to("in.txt")
    elif way == "hard link":
        out.hardlink_to(output.file)
    elif way == "beside":
        given = output.write("beside.batch", prompts)
    else:
        given, out = "-", tmp_path / "in.txt"
    for more in ([], ["--force"]) if way == "itself" else (["--force"],):
        with (tmp_path / "in.txt").open("rb") as stdin:
            done = output("batch", given, "-O", str(out), *more, stdin=stdin.fileno())
        assert done.returncode == 2
        assert done.stderr.endswith(b" is the input: choose another -O FILE\n")
    assert not server.requests
    assert (tmp_path / "in.txt").read_bytes() == prompts
    assert {file.name for file in tmp_path.glob("*.batch")} <= {"beside.batch"}


def test_what_is_there_is_not_asked_again(output, server):
    output.ok(*output.given, "--resume", "--limit", "4")
    server.requests.clear()
    output.ok(*output.given, "--resume")
    assert sorted(map(prompt_of, server.requests)) == list("456789")
    assert [r["index"] for r in lines_of(output.out.read_text())] == list(range(10))
    server.requests.clear()
    output.ok(*output.given, "--resume")
    assert server.requests == []


def test_what_failed_is_asked_again_only_when_asked_for(output, server):
    server.always(failing("3", "7"))
    assert output(*output.given).returncode == 7
    server.always(echo)
    server.requests.clear()
    assert output(*output.given, "--resume").returncode == 7
    assert server.requests == []
    output.ok(*output.given, "--resume", "--retry-failed")
    assert sorted(map(prompt_of, server.requests)) == ["3", "7"]
    results = lines_of(output.out.read_text())
    assert [r["index"] for r in results] == list(range(10))
    assert not any(r["error"] for r in results)


def test_failures_of_an_unordered_output_are_taken_out_of_it(output, server):
    server.always(failing("3", "7"))
    assert output(*output.given, "--unordered").returncode == 7
    server.always(echo)
    output.ok(*output.given, "--unordered", "--resume", "--retry-failed")
    results = lines_of(output.out.read_text())
    assert sorted(r["index"] for r in results) == list(range(10))
    assert not any(r["error"] for r in results)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b.write("in.txt", "0\n1\n2 changed\n"), "the input has changed"),
        (lambda b: ("-m", "test/other"), "was started with test/m"),
        (lambda b: ("-s", "Be brief"), "another template or other options"),
        (lambda b: (b.out.parent / "out.jsonl.batch").unlink(), "is missing"),
    ],
)
def test_results_of_something_else_are_refused(output, server, change, said):
    output.ok(*output.given, "--limit", "3")
    before = output.out.read_bytes()
    server.requests.clear()
    more = change(output)
    more = more if isinstance(more, tuple) else ()
    done = output(*output.given, "--resume", *more)
    assert (done.returncode, server.requests) == (2, [])
    assert said in done.stderr.decode()
    assert output.out.read_bytes() == before
    assert output(*output.given, "--resume", "--force", *more).returncode == 0
    assert "2" not in map(prompt_of, server.requests)


@pytest.mark.parametrize("more", [(), ("--force",)])
def test_a_pipe_or_a_device_beside_the_output_is_refused_and_not_read(output, server, more):
    output.ok(*output.given, "--limit", "3")
    beside = output.out.with_name(f"{output.out.name}.batch")
    for make in (lambda: os.mkfifo(beside), lambda: beside.symlink_to("/dev/zero")):
        beside.unlink()
        make()
        server.requests.clear()
        done = output(*output.given, "--resume", *more)
        assert (done.returncode, server.requests) == (2, [])
        assert "give a regular file" in done.stderr.decode()


@pytest.mark.parametrize("place", [".", "/", ".."])
def test_a_directory_is_not_an_output(output, server, place):
    words = ("batch", output.file, "-O", place)
    for argv in (words, (*words, "--force"), (*words, "--resume"), ("batch", "--status", place)):
        done = output(*argv)
        assert done.returncode in {2, 4}, done.stderr
        assert b"--force" not in done.stderr
    assert server.requests == []


def test_a_line_that_a_kill_cut_off_is_asked_again(output, server):
    output.ok(*output.given)
    whole = output.out.read_bytes()
    output.out.write_bytes(whole[:-20])
    server.requests.clear()
    output.ok(*output.given, "--resume")
    assert list(map(prompt_of, server.requests)) == ["9"]
    assert output.out.read_bytes() == whole


def test_a_kill_before_anything_was_written_is_gone_on_with(output):
    output.out.touch()
    output.ok(*output.given, "--resume")
    assert [r["index"] for r in lines_of(output.out.read_text())] == list(range(10))


# Kills itself before the output is emptied, or after.
KILLED = """if True:
    import os, signal
    from hfs_cli.__main__ import main
    truncate = os.ftruncate
    def killed(*given):
        if {after}:
            truncate(*given)
        os.kill(os.getpid(), signal.SIGKILL)
    os.ftruncate = killed
    main()
"""


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_while_an_output_is_replaced_leaves_nothing_to_be_taken_for_the_new(output, after):
    output.ok(*output.given)
    lines = output.out.read_text().replace("re ", "old ").splitlines(keepends=True)
    output.out.write_text(lines[0])
    # The last ones wait for the second.
    with output.out.with_name("out.jsonl.batch").open("a") as beside:
        beside.writelines(lines[5:])
    usual, output.argv = output.argv, (sys.executable, "-c", KILLED.format(after=after))
    killed = output(*output.given, "--force", env=UNMEASURED)
    assert killed.returncode == -signal.SIGKILL
    output.argv = usual
    if not after:
        assert b"is missing" in output(*output.given, "--resume").stderr
    output.ok(*output.given, "--resume" if after else "--force")
    replies = [r["reply"] for r in lines_of(output.out.read_text())]
    assert replies == [f"re {n}" for n in range(10)]
    assert not list(output.out.parent.glob(".hfs-*"))


def test_a_disk_that_is_full_at_once_leaves_nothing_of_a_new_output(output, server):
    usual, output.argv = output.argv, refusing("fsync", errno.ENOSPC)
    done = output(*output.given)
    assert (done.returncode, done.stderr.count(b"\n"), server.requests) == (8, 1, [])
    assert not list(output.out.parent.glob("*out.jsonl*"))
    output.argv = usual
    output.ok(*output.given)


def test_a_disk_that_is_too_full_to_make_an_output_is_a_full_disk(output, server):
    output.argv = refusing("open", errno.ENOSPC, "out.jsonl")
    done = output(*output.given)
    assert (done.returncode, server.requests) == (8, [])
    assert done.stderr.decode() == (
        f"hfs: error: cannot write {output.out}: No space left on device\n"
    )


def test_a_disk_that_fails_while_failures_are_taken_out_leaves_them(output, server):
    server.always(failing("3", "7"))
    assert output(*output.given).returncode == 7
    usual, output.argv = output.argv, refusing("ftruncate", errno.EIO)
    done = output(*output.given, "--resume", "--retry-failed")
    assert done.returncode == 8
    assert done.stderr.decode() == f"hfs: error: cannot write {output.out}: Input/output error\n"
    output.argv = usual
    server.always(echo)
    server.requests.clear()
    output.ok(*output.given, "--resume", "--retry-failed")
    assert sorted(map(prompt_of, server.requests)) == ["3", "7"]
    results = lines_of(output.out.read_text())
    assert [r["reply"] for r in results] == [f"re {n}" for n in range(10)]


def test_a_file_that_is_not_an_output_is_left_alone(output):
    output.ok(*output.given, "--limit", "1")
    output.out.write_bytes(b"my notes\n")
    done = output(*output.given, "--resume")
    assert (done.returncode, output.out.read_bytes()) == (2, b"my notes\n")
    assert b"line 1 of" in done.stderr


def test_two_at_once_do_not_write_one_output(output, server):
    server.always([STALL])
    running = output.start(*output.given, env=UNMEASURED)
    server.wait_for_requests(1)
    done = output(*output.given, "--resume")
    assert done.returncode == 2
    assert b"another hfs batch writes" in done.stderr
    running.kill()


def test_files_are_private(output):
    output.ok(*output.given)
    assert output.out.stat().st_mode & 0o777 == 0o600
    assert (output.out.parent / "out.jsonl.batch").stat().st_mode & 0o777 == 0o600


def test_a_stream_that_breaks_off_is_a_failure_with_what_came(output, server):
    server.always([*openai_sse("Hel", finish=None, done=False), CUT])
    done = output(*output.given, "--limit", "1")
    assert done.returncode == 7
    (result,) = lines_of(output.out.read_text())
    assert (result["reply"], result["status"], result["error"]["exit_code"]) == (
        "Hel",
        "partial",
        7,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--resume",),
        ("--retry-failed", "-O", "x"),
        ("-n", "x"),
        ("--rate", "fast"),
        ("--concurrency", "0"),
        ("--concurrency", "1001"),
        ("-f", "-"),
        ("no such file",),
    ],
)
def test_what_does_not_go_together(batch, server, words):
    done = batch("batch", *words, stdin=b"one\n")
    assert (done.returncode, server.requests) == (2, [])


def test_each_prompt_is_a_turn_of_its_own_with_tools(batch, server):
    batch.configure(
        batch.config.read_text()
        + '[tools.louder]\ncommand = ["tr", "a-z", "A-Z"]\ndescription = "Say it louder"\n'
        'parameters = { type = "object", properties = {} }\n'
    )

    def answer(request):
        last = request.json["messages"][-1]
        if last["role"] == "tool":
            return openai_sse(f"done {len(request.json['messages'])}")
        call = {"index": 0, "id": "c1", "type": "function"}
        call["function"] = {"name": "louder", "arguments": "{}"}
        return sse(openai_chunk({"tool_calls": [call]}), openai_chunk(finish="tool_calls"))

    server.always(answer)
    file = batch.write("in.txt", "one\ntwo\nthree\n")
    results = lines_of(batch.ok("batch", file, "--tool", "louder"))
    assert [r["reply"] for r in results] == ["done 3"] * 3
    assert len(server.requests) == 6


def test_a_tool_that_cannot_be_used_is_told_before_anything_is_sent(batch, server):
    done = batch("batch", batch.write("in.txt", "one\n"), "--tool", "absent")
    assert done.returncode in {2, 3, 4}
    assert (done.stdout, server.requests) == (b"", [])
