"""Of every source: what its file holds is what came, and what the report says was left out.

Every piece of a history is a word of its own here, whose letter says what it is: `m` is said in a
message, `t` is thought, `c` names a call, `r` is its result, `a` is a file, `b` is said first in a
branch, and `x` has no place and is reported. So they can be counted in the bytes of any file, and
in what an export holds afterwards, without knowing either's form.
"""

import json
import re
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

import pytest

from hfs_cli.errors import UsageError
from hfs_cli.exchange.detect import files_in, open_source
from hfs_cli.exchange.native import json_lines
from hfs_cli.exchange.sources import SOURCES
from hfs_cli.store.store import SessionStore
from tests.exchange.sources.test_chatgpt import chat, node
from tests.exchange.sources.test_claude import ROOT, message
from tests.exchange.sources.test_foreign import written
from tests.exchange.sources.test_llm_threads import OLDER, Logs
from tests.exchange.sources.test_mods import SCHEMA, gob_of

WORD = re.compile(rb"([mtcraxb])w[0-9]{4}")
TIME = "2026-11-22T18:05:00Z"
_numbers = count()


def word(kind: str) -> str:
    """A word that stands nowhere else."""
    return f"{kind}w{next(_numbers):04}"


def words_in(data: bytes) -> Counter[str]:
    """How many different words of each kind there are."""
    return Counter(
        found.decode() for found in {m.group(): m[1] for m in WORD.finditer(data)}.values()
    )


def held(path: Path) -> Counter[str]:
    """What all files of a history hold."""
    data = b""
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as zipped:
                data += b"\n".join([n.encode() + b"\n" + zipped.read(n) for n in zipped.namelist()])
        elif file.is_file():
            data += file.read_bytes()
    return words_in(data)


def hfs(folder: Path) -> Path:
    """Our own format, from a store."""
    with SessionStore(folder / "from.db") as store:
        with open_source(lines(folder)) as source:
            store.put(source)
        file = folder / "hfs.jsonl"
        file.write_text("".join(json_lines(store.conversations())))
    return file


def chatgpt(folder: Path) -> Path:
    thought = [{"summary": "s", "content": word("t")}]
    nodes = [
        node("q", "root", "user", word("m")),
        node("old", "q", "assistant", f"{word('b')} {word('m')}"),
        node("th", "q", content={"content_type": "thoughts", "thoughts": thought}),
        node("a", "th", content=word("m")),
        # What only calls is a message, too.
        node(
            "do",
            "a",
            content={"content_type": "code", "text": f"{word('c')} {word('m')}"},
            recipient="python",
        ),
        node("out", "do", "tool", {"content_type": "execution_output", "text": word("r")}),
        node("a2", "out", content=word("m")),
        node(
            "q2",
            "a2",
            "user",
            {
                "content_type": "multimodal_text",
                "parts": [
                    {
                        "content_type": "image_asset_pointer",
                        "asset_pointer": "sediment://file_00ab",
                    },
                    word("m"),
                ],
            },
            metadata={"attachments": [{"id": "file-Gone", "name": f"{word('x')}.txt"}]},
        ),
    ]
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("conversations-000.json", json.dumps([chat(*nodes)]))
        made.writestr(
            "conversations-001.json",
            json.dumps([chat(node("z", "root", "user", word("m")), key="c-2")]),
        )
        made.writestr(f"file_00ab-{word('a')}.png", b"\x89PNG")
    return path


def claude(folder: Path) -> Path:
    picture = "11111111-2222-4333-8444-555555555555"
    name = f"{word('a')}.png"
    messages = [
        message("q", ROOT, "human", word("m")),
        message(
            "aa",
            "q",
            "assistant",
            {"type": "thinking", "thinking": word("t")},
            {"type": "tool_use", "id": "t1", "name": word("c"), "input": {}},
            {"type": "tool_result", "tool_use_id": "t1", "content": word("r")},
            word("m"),
        ),
        message("old", "q", "assistant", f"{word('b')} {word('m')}"),
        message(
            "mine",
            "aa",
            "human",
            word("m"),
            files=[{"file_uuid": picture, "file_name": name}, {"file_name": f"{word('x')}.pdf"}],
        ),
    ]
    one = {"uuid": "u", "name": "n", "created_at": TIME, "current_leaf_message_uuid": "mine"}
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("conversations.json", json.dumps([{**one, "chat_messages": messages}]))
        made.writestr(f"files/{picture}/{name}", b"\x89PNG")
    return path


def llm(folder: Path) -> Path:
    logs = Logs(folder / "logs.db")
    logs.put("attachments", id="a1", type="image/png", path=f"/x/{word('a')}.png", content=b"\x89")
    logs.put("attachments", id="a2", type="text/plain", path=f"/x/{word('x')}.txt")
    files = [("attachment", {"attachment": {"id": key}}) for key in ("a1", "a2")]
    asked = {"name": word("c"), "arguments": {}, "tool_call_id": "c1"}
    logs.say("h1", None, "user", word("m"), *files)
    logs.say("h2", "h1", "assistant", ("reasoning", word("t")), word("m"), ("tool_call", asked))
    given = {"name": asked["name"], "output": word("r"), "tool_call_id": "c1"}
    logs.say("h3", "h2", "tool", ("tool_result", given))
    logs.say("h4", "h3", "assistant", word("m"))
    logs.say("f1", "h4", "user", f"{word('b')} {word('m')}")
    logs.say("f2", "f1", "assistant", word("m"))
    logs.put("threads", id="01", name="n", tip_message_hash="h4")
    logs.put("threads", id="02", name="f", tip_message_hash="f2", forked_from="01")
    logs.turn("t1", "01", "h1", "h2", 1)
    logs.turn("t2", "01", "h3", "h4", 2)
    logs.turn("t3", "02", "f1", "f2", 3)
    with closing(sqlite3.connect(logs.path)) as db, db:
        db.executescript(OLDER)
        db.execute("INSERT INTO conversations VALUES ('c', 'older', 'm')")
        db.execute(
            "INSERT INTO responses (id, model, prompt, response, conversation_id, datetime_utc) "
            "VALUES ('r', 'm', ?, ?, 'c', '2024-05-06T07:08:09')",
            (word("m"), word("m")),
        )
    return logs.path


def aichat(folder: Path) -> Path:
    pytest.importorskip("yaml", reason="the extra yaml is not installed")
    called = {"call": {"name": word("c"), "arguments": {}, "id": "c"}, "output": word("r")}
    (folder / "sessions").mkdir()
    text = {
        "messages": [
            {"role": "user", "content": word("m")},
            {"role": "tool", "content": {"tool_results": [called], "text": word("m")}},
            {"role": "assistant", "content": word("m")},
        ]
    }
    written(folder / "sessions", "one.yaml", text)  # JSON is YAML, too
    called = {"call": {"name": word("c"), "arguments": {}, "id": "c"}, "output": word("r")}
    calls = f"<tool_calls>\n{word('m')}\n{json.dumps([called])}\n</tool_calls>\n"
    head = "# CHAT: t [2026-02-23T19:16:27Z]\n"
    log = f"{head}{word('m')}\n--------\n{calls}{word('m')}\n--------\n\n"
    log += f"{head}.file {word('x')}.txt -- {word('m')}\n--------\n{word('m')}\n--------\n\n"
    (folder / "messages.md").write_text(log)
    return folder


def shell_gpt(folder: Path) -> Path:
    asked = {"id": "c1", "function": {"name": word("c"), "arguments": "{}"}}
    said = [
        {"role": "system", "content": word("m")},
        {"role": "user", "content": word("m")},
        {"role": "assistant", "content": word("m"), "tool_calls": [asked]},
        {"role": "tool", "content": word("r"), "tool_call_id": "c1"},
        {"role": "assistant", "content": word("m")},
    ]
    return written(folder, "chat_1", said)


def mods(folder: Path) -> Path:
    calls = [{"ID": "c1", "Function": {"Name": word("c"), "Arguments": "{}"}}]
    said = [
        {"Role": "user", "Content": word("m")},
        {"Role": "assistant", "Content": word("m"), "ToolCalls": calls},
        {"Role": "tool", "Content": word("r"), "ToolCalls": calls},
        {"Role": "assistant", "Content": word("m")},
    ]
    (folder / f"{'a' * 40}.gob").write_bytes(gob_of(said))
    (folder / f"{'b' * 40}.gob").write_bytes(gob_of([{"Role": "user", "Content": word("m")}]))
    # Of this one the title alone is there, and it is counted as nothing said.
    (folder / f"{'c' * 40}.gob").write_bytes(gob_of([]))
    with closing(sqlite3.connect(folder / "mods.db")) as db, db:
        db.executescript(SCHEMA)
        for key, title in (("a" * 40, "one"), ("c" * 40, word("x"))):
            db.execute("INSERT INTO conversations (id, title) VALUES (?, ?)", (key, title))
    return folder


def claude_code(folder: Path) -> Path:
    said: list[dict[str, object]] = [{"type": "mode", "mode": word("x"), "sessionId": "s"}]

    def say(kind: str, key: int, before: int | None, *content: object) -> None:
        message = {"role": kind, "id": f"m{key}", "model": "m", "content": content}
        of = {"uuid": str(key), "parentUuid": before and str(before), "sessionId": "s"}
        at = f"2026-11-22T18:05:{key:02}Z"
        said.append({"type": kind, **of, "timestamp": at, "message": message})

    def text(*kinds: str) -> dict[str, object]:
        return {"type": "text", "text": " ".join(map(word, kinds))}

    # Six digits of a word, and two more, are base64.
    source = {"type": "base64", "media_type": "image/png", "data": f"{word('a')}00"}
    thought = {"type": "thinking", "thinking": word("t")}
    asked = {"type": "tool_use", "id": "c", "name": word("c"), "input": {}}
    say("user", 1, None, text("m"), {"type": "image", "source": source})
    say("assistant", 2, 1, thought, text("m"), asked)
    say("user", 3, 2, {"type": "tool_result", "tool_use_id": "c", "content": word("r")})
    say("assistant", 4, 3, text("m"))
    say("user", 5, 4, text("b", "m"))
    say("user", 6, 4, text("m"))
    path = folder / "s.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in said))
    return path


def codex(folder: Path) -> Path:
    said: list[dict[str, object]] = []

    def roll(kind: str, **payload: object) -> None:
        at = f"2026-11-22T18:05:{len(said):02}Z"
        said.append({"timestamp": at, "type": kind, "payload": payload})

    def say(role: str, text: str, *more: object) -> None:
        content = [{"type": "input_text", "text": text}, *more]
        roll("response_item", type="message", role=role, content=content)

    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{word('a')}00"}
    roll("session_meta", id="s", timestamp=TIME)
    say("user", word("m"), picture)
    roll("response_item", type="reasoning", summary=[{"text": word("t")}])
    say("assistant", word("m"))
    roll("response_item", type="function_call", name=word("c"), arguments="{}", call_id="c")
    roll("response_item", type="function_call_output", call_id="c", output=word("r"))
    say("assistant", word("m"))
    say("user", f"{word('b')} {word('m')}")
    say("assistant", word("m"))
    roll("event_msg", type="thread_rolled_back", num_turns=1)
    say("user", word("m"))
    roll("event_msg", type="error", message=word("x"))
    roll("compacted", message=word("m"))
    path = folder / "rollout.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in said))
    return path


def gemini_cli(folder: Path) -> Path:
    said: list[dict[str, object]] = [{"sessionId": "s", "projectHash": "p", "startTime": TIME}]

    def say(kind: str, key: str, content: object, **more: object) -> None:
        at = f"2026-11-22T18:05:{len(said):02}Z"
        said.append({"id": key, "type": kind, "timestamp": at, "content": content, **more})

    answer = {"functionResponse": {"id": "c", "response": {"output": word("r")}}}
    asked = {"id": "c", "name": word("c"), "args": {}, "result": [answer]}
    picture = {"inlineData": {"mimeType": "image/png", "data": f"{word('a')}00"}}
    say("user", "1", [{"text": word("m")}, picture])
    say("gemini", "2", word("m"), thoughts=[{"subject": word("t")}], toolCalls=[asked])
    say("user", "3", [answer])
    say("info", "4", word("x"))
    say("user", "5", f"{word('b')} {word('m')}")
    said.append({"$rewindTo": "5"})
    say("user", "6", word("m"))
    path = folder / "session-1.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in said))
    return path


def lines(folder: Path) -> Path:
    file = {"name": f"{word('a')}.png", "media_type": "image/png", "data": "AAAA"}
    said: list[dict[str, object]] = [
        {"id": "1", "role": "user", "content": word("m"), "attachments": [file], "time": 1e9},
        {
            "id": "2",
            "role": "assistant",
            "content": word("m"),
            "reasoning": word("t"),
            "calls": [{"id": "c", "name": word("c"), "arguments": {}, "result": word("r")}],
        },
        {"id": "3", "parent": "1", "role": "assistant", "content": f"{word('b')} {word('m')}"},
        {"id": "4", "parent": "2", "role": "assistant", "content": word("m"), "current": True},
    ]
    path = folder / "lines.jsonl"
    path.write_text("".join(json.dumps({"session": "s", **one}) + "\n" for one in said))
    return path


MADE: dict[str, Callable[[Path], Path]] = {
    **{f.__name__: f for f in (hfs, chatgpt, claude, llm, aichat, shell_gpt, mods, lines)},
    "claude-code": claude_code,
    "codex": codex,
    "gemini-cli": gemini_cli,
}


def test_every_source_is_counted():
    assert {*MADE} == {*SOURCES}, "a function that makes a small history of it belongs into MADE"


@pytest.mark.parametrize("name", SOURCES.values())
@pytest.mark.parametrize("text", ["README.md", "hfs_cli/commands/sessions/import_.py"])
def test_every_source_is_named_where_a_user_looks(name, text):
    assert name in (Path(__file__).parents[2] / text).read_text("utf-8")


@pytest.mark.parametrize("source", list(MADE))
def test_what_a_history_holds_is_what_came_and_what_is_reported(source, tmp_path, store):
    folder = tmp_path / "history"
    folder.mkdir()
    path = MADE[source](folder)
    there = held(path)
    came: Counter[str] = Counter()
    for file in [path] if path.is_file() else files_in(path):
        with open_source(file) as found:
            assert found.name == SOURCES[source]
            done = store.put(found, in_order=found.in_order)
        came.update(
            m=done.messages, b=done.branches, a=done.attachments, c=done.calls,
            x=sum(done.left_out.values()),
        )  # fmt: skip
        again_of(store, file)
    # Thoughts and results are not counted by the report: they are looked for in what is kept.
    kept = words_in("".join(json_lines(store.conversations())).encode())
    came.update(t=kept["t"], r=kept["r"])
    assert +came == there
    assert {**kept, "x": 0} == {**there, "x": 0}
    assert store.check() == []


@pytest.mark.parametrize("source", list(MADE))
def test_a_history_that_is_damaged_anywhere_is_refused_or_comes_in(source, tmp_path, store):
    """Each of its files, cut and with bytes that are in no text, at places all over it."""
    folder = tmp_path / "history"
    folder.mkdir()
    path = MADE[source](folder)
    for file in [path] if path.is_file() else [*files_in(path)]:
        whole = file.read_bytes()
        for at in range(0, len(whole), len(whole) // 10 + 1):
            for data in (whole[:at], whole[:at] + b"\xff\x00" + whole[at:]):
                file.write_bytes(data)
                with suppress(UsageError), open_source(file) as found:
                    store.put(found, in_order=found.in_order)
        file.write_bytes(whole)
    assert store.check() == []


def again_of(store: SessionStore, file: Path) -> None:
    """A second import of a file brings nothing."""
    with open_source(file) as source:
        done = store.put(source, in_order=source.in_order)
    assert (done.sessions, done.messages, done.extended, done.parted) == (0, 0, 0, 0)
