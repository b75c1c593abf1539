"""An MCP server that behaves as it is told: ``python mcp_server.py STATE``.

STATE is a directory: ``behaviour.json`` says what to do and may change while the server runs,
``log`` gets each message that the client sends, one a line. It needs the standard library alone.

behaviour.json: ``tools`` (a list of names), ``version``, ``page`` (tools a page), ``schema``,
``start`` (``hang``), and ``on_call``: a key of `DOING`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

FORM = {"type": "object", "properties": {}}
STATE = Path(sys.argv[1])


def behaviour() -> dict:
    path = STATE / "behaviour.json"
    return json.loads(path.read_text()) if path.exists() else {}


def send(**message) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def result(number, value) -> None:
    send(id=number, result=value)


def text(words: str, **more) -> dict:
    return {"content": [{"type": "text", "text": words}], **more}


def listed(cursor: str | None) -> dict:
    doing = behaviour()
    names = doing.get("tools", ["echo"])
    first, size = int(cursor or 0), doing.get("page", 1000)
    page: dict = {
        "tools": [
            {
                "name": name,
                "description": f"The tool {name}.",
                "inputSchema": doing.get("schema", {"type": "object"}),
            }
            for name in names[first : first + size]
        ]
    }
    if first + size < len(names):
        page["nextCursor"] = str(first + size)
    return page


waiting: list = []


def die(number, arguments) -> None:
    sys.stderr.write("out of memory, \x1b[2Jas it says\n")
    os._exit(3)


def line(number, arguments) -> None:
    try:
        while True:
            sys.stdout.write("x" * 1_000_000)
            sys.stdout.flush()
    except BrokenPipeError:
        os._exit(0)


def junk(number, arguments) -> None:
    words = b'a word of its own\n\xff\xfe\n{}\n[1, 2]\n{"jsonrpc": "2.0"}\n'
    sys.stdout.buffer.write(words)
    sys.stdout.flush()
    result(number, text("after junk"))


def twice(number, arguments) -> None:
    result(number, text("the first"))
    result(number, text("the second"))


def reverse(number, arguments) -> None:
    waiting.append((number, arguments))
    if len(waiting) == 2:
        for n, given in reversed(waiting):
            result(n, text(json.dumps(given)))


def ask(method: str):
    def asking(number, arguments) -> None:
        params = {"messages": [], "maxTokens": 1, "message": "a name?", "requestedSchema": FORM}
        send(id="ask-1", method=method, params=params)
        waiting.append((number, arguments))

    return asking


def image(number, arguments) -> None:
    block = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
    result(number, {"content": [block, {"type": "text", "text": "seen"}]})


def leave(number, arguments) -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    result(number, text(str(child.pid)))


def changed(number, arguments) -> None:
    send(method="notifications/tools/list_changed")
    result(number, text("changed"))


DOING = {
    "answer": lambda number, arguments: result(number, text(json.dumps(arguments))),
    "changed": changed,
    "die": die,
    "elicit": ask("elicitation/create"),
    "environment": lambda number, _: result(number, text(json.dumps(dict(os.environ)))),
    "error": lambda number, _: result(number, text("it \x1b[31mwent\0 wrong", isError=True)),
    "flood": lambda number, _: result(number, text("x" * 3_000_000)),
    "hang": lambda number, _: None,
    "image": image,
    "junk": junk,
    "leave": leave,
    "line": line,
    "reverse": reverse,
    "sample": ask("sampling/createMessage"),
    "twice": twice,
}


def call(number, name: str, arguments: dict) -> None:
    doing = behaviour()
    if name in doing.get("tools", ["echo"]):
        DOING[doing.get("on_call", "answer")](number, arguments)
    else:
        send(id=number, error={"code": -32602, "message": f"no tool {name}"})


def main() -> None:
    if behaviour().get("start") == "hang":
        time.sleep(600)
    for line in sys.stdin:
        with (STATE / "log").open("a") as log:
            log.write(line)
        message = json.loads(line)
        number = message.get("id")
        match message.get("method"):
            case "initialize":
                result(
                    number,
                    {
                        "protocolVersion": "2025-06-18",
                        "capabilities": {"tools": {"listChanged": True}},
                        "serverInfo": {
                            "name": "scripted",
                            "version": behaviour().get("version", "1"),
                        },
                    },
                )
            case "tools/list":
                result(number, listed((message.get("params") or {}).get("cursor")))
            case "tools/call":
                call(number, message["params"]["name"], message["params"].get("arguments") or {})
            case None if number == "ask-1":
                asked, _ = waiting.pop()
                result(asked, text(json.dumps(message.get("error"))))
            case str() if number is not None:
                send(id=number, error={"code": -32601, "message": "method not found"})


if __name__ == "__main__":
    main()
