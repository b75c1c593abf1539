"""`-f` and `--schema` from outside."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import threading

import pytest

from tests.scripted_server import Await, openai_sse

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(50))
PDF = b"%PDF-1.7 ..."


@pytest.fixture
def chat(hfs, server):
    """`hfs` with a model of the scripted server for each format."""
    entries = "".join(
        f'[providers.{wire}x]\ntype = "{wire}"\nbase_url = "{server.url}"\n'
        for wire in ("openai", "anthropic", "gemini", "ollama")
    )
    hfs.configure(f'model = "openaix/m"\nretries = 0\n{entries}')
    return hfs


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.txt"  # The name says nothing; the bytes do.
    path.write_bytes(PNG)
    return str(path)


def sent(server) -> dict:
    return server.requests[-1].json


def test_a_text_file_joins_the_prompt_under_its_name(chat, server, tmp_path):
    (tmp_path / "notes.md").write_text("line one\nline two\n")
    server.reply(openai_sse("x"))
    chat.ok("chat", "-f", str(tmp_path / "notes.md"), "summarise")
    content = sent(server)["messages"][0]["content"]
    assert content == "summarise\n\n## notes.md\n\nline one\nline two"


def test_a_text_file_alone_is_a_prompt(chat, server, tmp_path):
    (tmp_path / "ask.txt").write_text("what is 2+2?")
    server.reply(openai_sse("4"))
    assert chat.ok("chat", "-f", str(tmp_path / "ask.txt")) == "4\n"


def test_an_image_is_sent_and_sent_again_on_later_turns(chat, server, picture):
    server.reply(openai_sse("a cat")).reply(openai_sse("black"))
    chat.ok("chat", "-f", picture, "what is this?")
    chat.ok("chat", "-c", "which colour?")
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    image = {"type": "image_url", "image_url": {"url": url}}
    first = {"role": "user", "content": [{"type": "text", "text": "what is this?"}, image]}
    assert server.requests[0].json["messages"] == [first]
    assert server.requests[1].json["messages"][0] == first


def test_a_url_goes_out_as_a_url(chat, server):
    server.reply(openai_sse("a cat"))
    chat.ok("chat", "-f", "https://example.com/cat.png", "what is this?")
    part = sent(server)["messages"][0]["content"][1]
    assert part == {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}


def test_each_format_has_its_own_way(chat, server, picture, tmp_path):
    data = base64.b64encode(PNG).decode()
    dry = json.loads(chat.ok("chat", "-m", "anthropicx/m", "-f", picture, "--dry-run", "q"))
    assert dry["body"]["messages"][0]["content"][0] == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": data},
    }
    dry = json.loads(chat.ok("chat", "-m", "geminix/m", "-f", picture, "--dry-run", "q"))
    assert dry["body"]["contents"][0]["parts"][0] == {
        "inlineData": {"mimeType": "image/png", "data": data}
    }
    dry = json.loads(chat.ok("chat", "-m", "ollamax/m", "-f", picture, "--dry-run", "q"))
    assert dry["body"]["messages"][0]["images"] == [data]


@pytest.mark.parametrize(
    ("model", "content", "told"),
    [
        ("local/smollm2", PNG, "takes text only"),
        ("ollamax/m", PDF, "it takes jpeg, png, webp"),
        ("anthropicx/m", b"ID3\x04", "audio/mpeg"),
        ("anthropicx/m", PNG + bytes(6_000_000), "over the 5 MB"),
        ("anthropicx/m", PDF + bytes(25_000_000), "takes 32 MB"),
    ],
    ids=["local", "type", "sound", "image size", "request size"],
)
def test_what_a_model_cannot_take_is_refused_before_anything_happens(
    chat, server, tmp_path, model, content, told
):
    (tmp_path / "file").write_bytes(content)
    done = chat("chat", "-m", model, "-f", str(tmp_path / "file"), "what is this?")
    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert server.requests == []
    assert chat.ok("sessions", "list") == ""


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("absent", None, "cannot read"),
        ("a.bin", b"ab\0cd", "neither text nor"),
        ("latin.txt", b"caf\xe9", "is not UTF-8 (byte 0xe9 at offset 3)"),
    ],
)
def test_files_that_cannot_be_sent(chat, server, tmp_path, name, content, told):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = chat("chat", "-f", str(tmp_path / name), "hi")
    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert server.requests == []


def test_an_attachment_needs_a_word_about_it(chat, server, picture):
    assert chat("chat", "-f", picture).returncode == 2
    assert server.requests == []


# --- schemas ------------------------------------------------------------------------------

SCHEMA = "name, age int"


def test_a_schema_goes_out_in_each_vendors_way(chat):
    def body(model):
        return json.loads(chat.ok("chat", "-m", model, "--schema", SCHEMA, "--dry-run", "q"))[
            "body"
        ]

    form = body("openaix/m")["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]["required"]) == (True, ["name", "age"])
    form_of_anthropic = body("anthropicx/claude-haiku-5-5")["output_config"]["format"]
    assert form_of_anthropic == {"type": "json_schema", "schema": form["schema"]}
    anthropic = body("anthropicx/claude-3-7-sonnet-latest")
    assert anthropic["tools"][0]["input_schema"] == form["schema"]
    assert anthropic["tool_choice"] == {"type": "tool", "name": "reply"}
    settings = body("geminix/m")["generationConfig"]
    assert settings["responseJsonSchema"] == form["schema"]
    assert settings["responseMimeType"] == "application/json"
    assert body("ollamax/m")["format"] == form["schema"]


def test_a_reply_that_fits_its_schema(chat, server):
    server.reply(openai_sse('{"name": "Ada", "age": 36}'))
    assert json.loads(chat.ok("chat", "--schema", SCHEMA, "who?")) == {"name": "Ada", "age": 36}


def test_a_reply_that_does_not_fit_is_shown_and_kept_and_exits_7(chat, server):
    server.reply(openai_sse('{"name": "Ada", "age": "old"}'))
    done = chat("chat", "--schema", SCHEMA, "who?")
    assert done.returncode == 7
    assert done.stdout == b'{"name": "Ada", "age": "old"}\n'
    assert b"$.age" in done.stderr
    assert len(json.loads(chat.ok("sessions", "show", "--format", "json"))["messages"]) == 2


def test_what_is_not_a_schema_sends_nothing(chat, server):
    assert chat("chat", "--schema", "a b c d", "who?").returncode == 2
    assert server.requests == []


def test_a_schema_is_utf_8_and_no_encoding_is_advised_that_would_not_help(chat, server, tmp_path):
    schema = tmp_path / "s.json"
    schema.write_bytes('{"type": "object", "title": "ä"}'.encode("latin-1"))
    done = chat("chat", "--schema", str(schema), "who?")
    assert (done.returncode, server.requests) == (2, [])
    assert done.stderr.decode() == (
        f"hfs: error: {schema} is not JSON, which is UTF-8 (byte 29 is not)\n"
    )
    schema.write_bytes('\ufeff{"type": "object", "title": "ä"}'.encode())
    server.reply(openai_sse("{}"))
    assert chat.ok("chat", "--schema", str(schema), "who?") == "{}\n"


def test_reasoning_can_be_hidden(chat, server):
    server.always(openai_sse("yes", reasoning="hm"))
    assert chat.ok("chat", "--hide-reasoning", "q") == "yes\n"
    hidden = chat.ok("chat", "--hide-reasoning", "--format", "jsonl", "q").splitlines()
    assert "reasoning" not in {json.loads(line)["type"] for line in hidden}
    whole = json.loads(chat.ok("chat", "--hide-reasoning", "--json", "q"))
    assert (whole["reply"], whole["reasoning"]) == ("yes", "")


def test_the_name_of_a_file_may_be_any_bytes(chat, server, tmp_path):
    file = tmp_path / os.fsdecode(b"caf\xe9.txt")
    file.write_text("from the file")
    server.reply(openai_sse("ok"))
    chat.ok("chat", "-f", str(file), "sum up")
    assert "from the file" in server.requests[0].json["messages"][0]["content"]


@pytest.mark.parametrize("option", ["-f", "--system-file", "--schema"])
@pytest.mark.parametrize("kind", ["/dev/zero", "directory", "latin-1"])
def test_what_has_no_end_or_is_not_text_is_refused(chat, server, tmp_path, option, kind):
    if kind == "latin-1":
        kind = str(tmp_path / "latin-1")
        (tmp_path / "latin-1").write_bytes("é".encode("latin-1"))
    done = chat("chat", option, str(tmp_path) if kind == "directory" else kind, "hi")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(b"hfs: error: ")
    assert server.requests == []


def test_what_a_shell_pipes_under_a_name_is_read(chat, server):
    server.reply(openai_sse("x"))
    line = f"{shlex.join(chat.argv)} chat --system-file <(echo brief) -f <(echo words) hi"
    done = subprocess.run(
        ["bash", "-c", line], env=chat.environment(), stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0
    system, user = sent(server)["messages"]
    assert system["content"] == "brief\n"
    assert user["content"].endswith("\n\nwords")


def test_files_that_are_too_large_together_are_refused(chat, server, tmp_path):
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as stream:
            stream.write(b"x" * 21_000_000)
    done = chat("chat", "-f", str(tmp_path / "a"), "-f", str(tmp_path / "b"), "hi")
    assert (done.returncode, server.requests) == (2, [])
    assert b"together" in done.stderr


def test_a_schema_never_goes_to_the_network(chat, server):
    schema = {"type": "object", "properties": {"a": {"$ref": f"{server.url}/a.json"}}}
    done = chat("chat", "--schema", json.dumps(schema), "hi")
    assert (done.returncode, done.stderr.count(b"\n"), server.requests) == (2, 1, [])


def test_code_is_not_taken_out_of_json(chat, server):
    done = chat("chat", "-x", "--schema", "name", "hi")
    assert (done.returncode, server.requests) == (2, [])


@pytest.mark.parametrize(
    ("encoding", "data"), [("latin-1", "né".encode("latin-1")), ("utf-16", "né".encode("utf-16"))]
)
def test_text_in_another_encoding_is_read_when_it_is_named(chat, server, tmp_path, encoding, data):
    (tmp_path / "words.txt").write_bytes(data)
    server.reply(openai_sse("x"))
    chat.ok("chat", "--encoding", encoding, "-f", str(tmp_path / "words.txt"), stdin=data + b"")
    assert sent(server)["messages"][0]["content"] == "né\n\n## words.txt\n\nné"


def test_what_is_not_utf8_can_be_replaced(chat, server):
    server.reply(openai_sse("x"))
    chat.ok("chat", "--encoding", "replace", stdin=b"a\xffb")
    assert sent(server)["messages"][0]["content"] == "a\ufffdb"


@pytest.mark.parametrize("args", [["what is this?"], ["-f", "-", "what is this?"]])
def test_a_picture_on_standard_input_is_attached(chat, server, args):
    server.reply(openai_sse("x"))
    chat.ok("chat", *args, stdin=PNG, env={"HFS_STDIN": "never"} if "-f" in args else {})
    text, image = sent(server)["messages"][0]["content"]
    assert text["text"] == "what is this?"
    assert image["image_url"]["url"].startswith("data:image/png")
    assert chat("chat", stdin=PNG).returncode == 2


def test_a_text_that_begins_as_a_sound_does_is_a_text(chat, server, tmp_path):
    (tmp_path / "a.txt").write_text("OggS is four letters")
    server.reply(openai_sse("x"))
    chat.ok("chat", "-f", str(tmp_path / "a.txt"), stdin=b"ID3 is a tag")
    content = sent(server)["messages"][0]["content"]
    assert content == "ID3 is a tag\n\n## a.txt\n\nOggS is four letters"


@pytest.fixture
def sources(tmp_path):
    """A directory with texts, a picture, hidden and ignored files, and a link out of it."""
    root = tmp_path / "src"
    (root / "deep").mkdir(parents=True)
    (root / "a.py").write_text("print(1)")
    (root / "deep" / "b.py").write_text("print(2)")
    (root / "picture.png").write_bytes(PNG)
    (root / "secret.txt").write_text("ignored")
    (root / ".gitignore").write_text("secret.txt\n")
    (root / ".env").write_text("hidden")
    (root / "link.py").symlink_to("/etc/hostname")
    return root


def test_a_directory_is_read_as_git_sees_it(chat, server, sources):
    subprocess.run(["git", "init", "-q", str(sources)], check=True)
    (sources / ".env").unlink()
    server.always(openai_sse("x"))
    done = chat("chat", "-f", str(sources), "review")
    assert done.returncode == 0
    assert b"1 file in" in done.stderr
    content = sent(server)["messages"][0]["content"]
    assert [line for line in content.splitlines() if line.startswith("## ")] == [
        f"## {sources}/{name}" for name in (".gitignore", "a.py", "deep/b.py")
    ]
    hook = sources / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {sources}/ran")
    hook.chmod(0o755)
    subprocess.run(["git", "-C", str(sources), "config", "core.fsmonitor", str(hook)], check=True)
    assert chat("chat", "-f", str(sources), "review").returncode == 0
    assert not (sources / "ran").exists()


def test_a_directory_outside_git_and_a_pattern(chat, server, sources):
    server.always(openai_sse("x"))
    assert chat("chat", "-f", str(sources), "review").returncode == 0
    content = sent(server)["messages"][0]["content"]
    assert "## " + str(sources / "secret.txt") in content
    assert "hidden" not in content
    assert "link.py" not in content
    chat.ok("chat", "-f", f"{sources}/**/*.py", "-f", str(sources / "picture.png"), "review")
    text, image = sent(server)["messages"][0]["content"]
    assert "print(1)" in text["text"]
    assert "print(2)" in text["text"]
    assert "image_url" in image
    (sources.parent / "empty").mkdir()
    assert chat("chat", "-f", str(sources.parent / "empty"), "review").returncode == 2


def test_a_dry_run_tells_about_how_many_tokens_go_out(chat):
    shown = json.loads(chat.ok("chat", "--dry-run", "-s", "x" * 40, stdin=b"y" * 400))
    assert shown["estimated_input_tokens"] == 110
    assert json.loads(chat.ok("chat", "--dry-run", "hi"))["estimated_input_tokens"] == 1


def test_a_reply_in_a_fence_is_shown_as_json_alone_and_kept_as_it_came(chat, server):
    fenced = '<think>easy</think>\nHere:\n```json\n{"a": "x"}\n```\n'
    server.reply(openai_sse(fenced)).reply(openai_sse(fenced)).reply(openai_sse(fenced))
    assert chat.ok("chat", "--schema", "a", "q") == '{"a": "x"}\n'
    assert json.loads(chat.ok("chat", "--schema", "a", "--json", "q"))["reply"] == '{"a": "x"}'
    assert "```json" in chat.ok("sessions", "show", "-r")
    lines = chat.ok("chat", "--schema", "a", "--format", "jsonl", "q").splitlines()
    deltas = [line["text"] for line in map(json.loads, lines) if line["type"] == "delta"]
    assert "".join(deltas) == '{"a": "x"}'


def test_json_streams_as_it_comes(chat, server):
    go_on = threading.Event()
    server.reply(
        [*openai_sse('{"a": ', finish=None, done=False), Await(go_on), *openai_sse('"x"}')]
    )
    process = chat.start("chat", "--schema", "a", "q")
    assert process.stdout is not None
    assert process.stdout.read(6) == b'{"a": '
    go_on.set()
    assert process.communicate(timeout=60)[0] == b'"x"}\n'


def test_optional_fields_become_nullable_on_the_way_and_absent_again(chat, server):
    """Through a proxy, for a server on this machine is sent the schema as it is."""
    chat.configure('[providers.far]\ntype = "openai"\nbase_url = "http://far.test/v1"\n')
    reply = {"a": None, "b": [1.50, {"c": None}]}
    server.reply(openai_sse(json.dumps(reply)))
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {
                "type": "array",
                "items": {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/c"}]},
            },
        },
        "$defs": {"c": {"type": "object", "properties": {"c": {"type": "string"}}}},
    }
    done = chat(
        "chat",
        "-u",
        "-m",
        "far/m",
        "--schema",
        json.dumps(schema),
        "q",
        env={"HTTP_PROXY": server.url},
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, {"b": [1.5, {}]})
    assert b"schema sent: rewritten" in done.stderr
    form = sent(server)["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["properties"]["a"] == {"type": ["string", "null"]}


def test_usage_says_how_the_schema_was_sent(chat, server):
    server.reply(openai_sse('{"a": "x"}')).reply(openai_sse('{"a": "x"}'))
    assert b"schema sent: strict\n" in chat("chat", "-u", "--schema", "a", "q").stderr
    loose = '{"type": "object", "properties": {"a": {}}}'
    assert b"schema sent: not strict\n" in chat("chat", "-u", "--schema", loose, "q").stderr


def test_many_objects(chat, server):
    server.reply(openai_sse('{"items": [{"a": 1}, {"a": 2}]}')).reply(openai_sse('[{"a": 1}]'))
    assert chat.ok("chat", "--schema-multi", "a int", "q") == '{"items": [{"a": 1}, {"a": 2}]}\n'
    items = sent(server)["response_format"]["json_schema"]["schema"]["properties"]["items"]
    assert items["items"]["properties"] == {"a": {"type": "integer"}}
    assert chat("chat", "--schema-multi", "a int", "q").returncode == 7
    both = chat("chat", "--schema", "a", "--schema-multi", "a", "q")
    assert (both.returncode, b"keep one" in both.stderr) == (2, True)


def test_binary_input_is_told_apart_from_text_of_another_encoding(chat, server):
    done = chat("chat", "what is this", stdin=b"\x7fELF\x02\x01\x01" + bytes(9) + b"\xf4\xff")
    assert done.returncode == 2
    assert b"neither text nor an image, a PDF or a sound" in done.stderr
    assert b"--encoding" not in done.stderr
    assert server.requests == []
