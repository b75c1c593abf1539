"""`hfs batch`: what is read, what is asked, and what is written of it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest

from tests.conftest import KEY, UNMEASURED
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
        ("in.jsonl", b'{"prompt": NaN}\n', "line 1 of "),
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


def test_without_a_price_no_budget_holds(batch, server):
    done = batch("batch", batch.write("in.txt", "one\n"), "--budget", "5")
    assert (done.returncode, server.requests) == (3, [])


def test_a_key_that_is_refused_of_all_stops_it_soon(batch, server):
    server.always({"error": {"message": "bad key"}}, status=401)
    file = batch.write("in.txt", "\n".join(map(str, range(50))))
    done = batch("batch", file, "--concurrency", "2")
    assert done.returncode == 3
    assert len(server.requests) < 10


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
    while (tmp_path / "out.jsonl.batch").read_bytes().count(b"\n") < 5:
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
