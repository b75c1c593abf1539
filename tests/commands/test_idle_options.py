"""An option on the command line does something or is an error; none is accepted and ignored."""

from __future__ import annotations

import json

import pytest

from tests.scripted_server import openai_sse


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ("chat --no-save -n notes hi", "-n names a session, and --no-save keeps none: leave out"),
        ("chat --max-steps 3 hi", "--max-steps limits a turn with tools: name one with --tool"),
        ("chat --tool-timeout 3 hi", "--tool-timeout limits tools that run here: name one with"),
        ("chat -v --search hi", "-v shows what tools are given and say: name one with --tool"),
        ("chat --confirm hi", "--confirm goes with --tool NAME"),
        ("chat --no-search --tool web-search hi", "--no-search forbids what --tool web-search"),
        ("chat --no-stdin --stdin-timeout 3 hi", "leaves standard input alone: leave out --stdin"),
        ("chat --no-stdin -f - hi", "- asks for standard input and --no-stdin forbids it"),
        ("chat --no-stdin --encoding latin-1 hi", "--encoding says how files and standard input"),
        ("chat --json --render plain hi", "--render is for text, and --format json prints JSON"),
        ("chat --format jsonl --no-stream hi", "--format jsonl prints events as they come"),
        ("chat -x --citations hi", "-x prints only code, without sources: leave out --citations"),
        ("chat --save-template t --owner ann hi", "a template cannot hold --owner: leave it out"),
        ("chat --save-template t --dry-run hi", "a template cannot hold --dry-run: leave it out"),
        ("chat --save-template t --no-search hi", "a template cannot hold --no-search: leave it"),
        ("batch - --max-steps 3", "--max-steps limits a turn with tools: name one with --tool"),
        ("resume talk --json -s Briefly", "shows the transcript: give one, or leave out --system,"),
        ("resume talk --json --no-search", "give one, or leave out --no-search, --json\n"),
        ("resume talk --extract-last --no-stream", "leave out --extract-last, --no-stream\n"),
        (
            "batch - --status x --schema-multi y",
            "--status goes alone: leave out FILE, --schema-multi",
        ),
        ("resume talk --dry-run", "without a prompt hfs resume shows the transcript: give one, or"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(chat, server, args, says):
    chat.keep("talk", "hi", "ok")
    done = chat(*args.split(), stdin=b"")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert says in done.stderr.decode()
    assert server.requests == []
    assert chat.ok("sessions", "list", "--all").count("\n") == 1
    assert not (chat.config.parent / "templates").exists()


def test_an_empty_prompt_is_not_taken_for_none(chat, server):
    chat.keep("talk", "hi", "ok")
    done = chat("resume", "talk", "", stdin=b"")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"the prompt is empty: leave it out to see the transcript" in done.stderr


def test_an_encoding_is_refused_where_only_a_terminal_could_give_text(on_terminal, server, chat):
    seen = on_terminal("chat", "--encoding", "latin-1", "hi")
    assert (seen.code, server.requests) == (2, [])
    assert "add -f, or pipe text in" in "".join(seen.lines)
    server.reply(openai_sse("ok"))
    assert chat.ok("chat", "--encoding", "latin-1", "hi") == "ok\n"  # a pipe may be empty


def test_what_a_template_or_a_variable_says_is_never_refused_for_being_idle(chat, server):
    """It is meant for other turns too: with tools, with standard input, that are kept."""
    server.always(openai_sse("ok"))
    kept = (
        "--max-steps",
        "3",
        "--tool-timeout",
        "9",
        "-v",
        "--confirm",
        "-n",
        "x",
        "--reuse",
        "7d",
    )
    chat.ok("chat", "--save-template", "t", *kept, "hi $input")
    chat.ok("chat", "-t", "t", "--no-save", "--render", "plain", stdin=b"there")
    chat.ok("chat", "-t", "t", "--json", env={"HFS_MAX_STEPS": "3"}, stdin=b"there")
    assert 'reuse = "7d"' in chat.ok("templates", "show", "t")
    assert len(server.requests) == 2


def test_no_search_beats_a_profile_that_searches(chat):
    chat.configure('[profiles.web]\nmodel = "openai/gpt-6-luna"\ntool = ["web-search"]\n')
    sent = ("chat", "--profile", "web", "--dry-run", "hi")
    assert json.loads(chat.ok(*sent))["body"]["tools"] == [{"type": "web_search"}]
    assert "tools" not in json.loads(chat.ok(*sent, "--no-search"))["body"]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("sessions", "search", "hi", "-S", ""), 4, 'no session ""'),
        (("sessions", "redact", "", "--yes"), 4, 'no session ""'),
        (("sessions", "compact", "-m", ""), 2, "-m needs a model"),
        (("chat", "--profile", "", "hi"), 2, "--profile needs the name of a profile"),
        (("batch", "-", "--save", "-n", ""), 2, "name must not be empty"),
        (("models", "pull", "smollm2", "--name", "x"), 2, "has its own name and digest: leave out"),
    ],
)
def test_an_empty_word_is_not_taken_for_none(chat, server, args, code, says):
    """It comes from an unset variable: all sessions would be searched, another model asked."""
    chat.keep("talk", "hi", "ok")
    done = chat(*args, stdin=b"hi\n")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (code, b"", 1)
    assert says in done.stderr.decode()
    assert server.requests == []
