"""The batch endpoints of OpenAI and of Anthropic on a scripted server, as they describe them.

Shapes and statuses: openai 3.57 (`types/batch.py`, `types/file_object.py`), anthropic 2.14
(`types/messages`), and https://developers.openai.com/api/reference/resources/batches for the lines
of the answers; read 2026-11-29. What is sent is held against the libraries' types, and what is
answered is made of them.

A batch is answered once it was looked at `looks` times. `fate` says what becomes of a request; each
request of an accepted batch is billed, which `billed` counts.
"""

from __future__ import annotations

import json
import re
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.providers.sdk_types import illegal
from tests.scripted_server import CUT, Received, Reply, make_reply

# Runs the command with the waits of a test: nothing of a day is left.
LAUNCHER = """
import os, sys
from hfs_cli.compose.batch import vendor
vendor.FIRST_LOOK_S = vendor.MOST_LOOK_S = 0.02
vendor.SETTLE_S = float(os.environ.get("TEST_SETTLE", "0"))
from hfs_cli.providers.formats.batches import BATCHES, AnthropicBatches, OpenAIBatches
if most := os.environ.get("TEST_MOST"):
    OpenAIBatches.most_requests = AnthropicBatches.most_requests = int(most)
if size := os.environ.get("TEST_BYTES"):
    for wire in BATCHES.values():
        wire.most_bytes = int(size)
from hfs_cli.__main__ import main
main()
"""

Fate = str | dict[str, Any]


def prompt_in(body: dict[str, Any]) -> str:
    """The last thing that the user said, in any of the three formats."""
    message = (body.get("messages") or body["input"])[-1]
    return str(message["content"])


class Vendor(ABC):
    """What both have in common: the journal, and what becomes of a batch.

    Attributes:
        looks: How often a batch is looked at before it is answered.
        fate: For a request's body: text (the reply), ``{"status", "body"}`` (a refusal),
            ``"!expired"``, or ``"!missing"``.
        lost: How many of the next batches are accepted without an answer: the connection breaks.
        billed: How often each prompt was accepted.
        batches: All batches by their ids, each with its requests.
        refuse: The status and the body with which each new batch is refused, or None.
        asked: What was asked, method and path, in order.
    """

    def __init__(self) -> None:
        self.looks = 1
        self.fate: Callable[[dict[str, Any]], Fate] = lambda body: f"re {prompt_in(body)}"
        self.lost = 0
        self.refuse: tuple[int, dict[str, Any]] | None = None
        self.billed: Counter[str] = Counter()
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.RLock()

    def __call__(self, request: Received) -> Any:
        with self.lock:
            self.asked.append((request.method, request.path))
            self.headers.append({name.lower(): value for name, value in request.headers})
            return self.answer(request)

    @abstractmethod
    def answer(self, request: Received) -> Any:
        """Answer as this vendor does."""

    def accept(self, requests: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
        """Take a batch in, and bill it."""
        ids = [name for name, _ in requests]
        assert len(set(ids)) == len(ids), "a custom_id must be unique in its batch"
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in ids)
        self.billed.update(prompt_in(body) for _, body in requests)
        batch = {
            "id": f"batch_{len(self.batches)}",
            "requests": requests,
            "looks": 0,
            "state": "running",
            "at": datetime.now(UTC),
        }
        self.batches[batch["id"]] = batch
        return batch

    @property
    def is_busy(self) -> bool:
        """Whether a batch is still to be answered."""
        return any(batch["state"] == "running" for batch in self.batches.values())

    def seen(self, batch: dict[str, Any]) -> None:
        batch["looks"] += 1
        if batch["state"] == "running" and batch["looks"] >= self.looks:
            batch["state"] = "ended"
        if batch["state"] == "cancelling":
            batch["state"] = "cancelled"

    def answered(self, document: dict[str, Any]) -> Any:
        """The answer to a request that made a batch, or none."""
        if self.lost:
            self.lost -= 1
            return Reply([CUT], raw=True)
        return document


class OpenAIVendor(Vendor):
    """Files and batches; `wire` says which of the two formats its requests are in."""

    def __init__(self, wire: str = "openai") -> None:
        super().__init__()
        self.wire = wire
        self.files: dict[str, bytes] = {}

    def answer(self, request: Received) -> Any:
        path = request.path.removeprefix("/v1")
        if (request.method, path) == ("POST", "/files"):
            return self.upload(request)
        if (request.method, path) == ("POST", "/batches"):
            return self.create(request.json)
        if (request.method, path) == ("GET", "/batches"):
            return self.listed(request)
        if found := re.fullmatch(r"/files/([\w-]+)/content", path):
            return make_reply(self.files[found[1]])
        found = re.fullmatch(r"/batches/([\w-]+)(/cancel)?", path)
        if found is None or found[1] not in self.batches:
            return make_reply({"error": {"message": "No such batch"}}, status=404)
        batch = self.batches[found[1]]
        if found[2]:
            assert request.method == "POST"
            batch["state"] = "cancelling"
        else:
            self.seen(batch)
        return self.shape(batch)

    def upload(self, request: Received) -> Any:
        kind = request.header("content-type") or ""
        boundary = kind.partition("boundary=")[2].encode()
        assert kind.startswith("multipart/form-data")
        assert boundary
        parts = request.body.split(b"--" + boundary)[1:-1]
        fields = {}
        for part in parts:
            head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            name = re.search(rb'name="(\w+)"', head)
            assert name
            fields[name[1].decode()] = data.removesuffix(b"\r\n")
        assert fields["purpose"] == b"batch"
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = fields["file"]
        return {
            "id": file_id,
            "object": "file",
            "bytes": len(fields["file"]),
            "created_at": 1,
            "filename": "x.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def create(self, given: dict[str, Any]) -> Any:
        from openai.types.batch_create_params import BatchCreateParams

        from tests.providers.sdk_types import unknown_to

        assert not unknown_to(BatchCreateParams, given)
        if self.refuse:
            status, body = self.refuse
            return make_reply(body, status=status)
        lines = self.files[given["input_file_id"]].decode().splitlines()
        requests = []
        for line in lines:
            one = json.loads(line)
            assert set(one) == {"custom_id", "method", "url", "body"}
            assert (one["method"], one["url"]) == ("POST", given["endpoint"])
            # The types are those of a streamed request, whose `stream` a batch does not have.
            assert "stream" not in one["body"]
            assert not illegal(self.wire, {**one["body"], "stream": True})
            requests.append((one["custom_id"], one["body"]))
        assert len({body["model"] for _, body in requests}) == 1, "one model for each file"
        batch = self.accept(requests)
        batch |= given
        return self.answered(self.shape(batch))

    def without_room(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch that came when the account had too much in the queue."""
        fault = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
        batch |= {"state": "failed", "errors": {"object": "list", "data": [fault]}}
        return batch

    def listed(self, request: Received) -> Any:
        parts = filter(None, request.target.partition("?")[2].split("&"))
        query = dict(part.split("=") for part in parts)
        newest = list(reversed(self.batches.values()))
        if after := query.get("after"):
            newest = newest[[b["id"] for b in newest].index(after) + 1 :]
        page = newest[: min(int(query.get("limit", 20)), 3)]  # so small that there are several
        return {
            "object": "list",
            "data": [self.shape(batch) for batch in page],
            "has_more": len(newest) > len(page),
        }

    def shape(self, batch: dict[str, Any]) -> dict[str, Any]:
        from openai.types.batch import Batch

        state = batch["state"]
        said = {"running": "in_progress", "ended": "completed"}.get(state, state)
        files = {}
        if said in {"completed", "expired", "cancelled"}:
            files = self.answers(batch, said)
        count = len(batch["requests"])
        made = {
            "id": batch["id"],
            "object": "batch",
            "endpoint": batch["endpoint"],
            "input_file_id": batch["input_file_id"],
            "completion_window": "24h",
            "status": said,
            "created_at": int(batch["at"].timestamp()),
            "expires_at": int(batch["at"].timestamp()) + 86_400,
            "metadata": batch["metadata"],
            "request_counts": {"total": count, "completed": 0, "failed": 0},
            "errors": batch.get("errors"),
            **files,
        }
        return json.loads(Batch.model_validate(made).model_dump_json())

    def answers(self, batch: dict[str, Any], said: str) -> dict[str, str]:
        """The files of what has come, in another order than the requests had."""
        good, bad = [], []
        for name, body in reversed(batch["requests"]):
            fate = "!cancelled" if said == "cancelled" else self.fate(body)
            line: dict[str, Any] = {"id": f"batch_req_{name}", "custom_id": name}
            if isinstance(fate, dict):
                response = {"status_code": fate["status"], "request_id": "r", "body": fate["body"]}
                bad.append({**line, "response": response, "error": None})
            elif fate in {"!expired", "!cancelled"}:
                error = {"code": f"batch_{fate[1:]}", "message": "This request was not executed."}
                bad.append({**line, "response": None, "error": error})
            elif fate != "!missing":
                response = {"status_code": 200, "request_id": "r", "body": self.reply(fate)}
                good.append({**line, "response": response, "error": None})
        files = {}
        for field, lines in (("output_file_id", good), ("error_file_id", bad)):
            if lines:
                files[field] = f"{field}-{batch['id']}"
                self.files[files[field]] = "".join(json.dumps(x) + "\n" for x in lines).encode()
        return files

    def reply(self, text: str) -> dict[str, Any]:
        if self.wire == "openai":
            message = {"role": "assistant", "content": text}
            return {
                "id": "c",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50},
            }
        content = [{"type": "output_text", "text": text, "annotations": []}]
        item = {"type": "message", "id": "i", "role": "assistant", "status": "completed"}
        return {
            "id": "r",
            "object": "response",
            "status": "completed",
            "output": [{**item, "content": content}],
            "usage": {"input_tokens": 30, "output_tokens": 20, "total_tokens": 50},
        }


class AnthropicVendor(Vendor):
    """Message Batches: no names, and no counts before the end."""

    def answer(self, request: Received) -> Any:
        path = request.path.removeprefix("/v1/messages/batches")
        assert request.header("anthropic-version") == "2023-06-01"
        if (request.method, path) == ("POST", ""):
            return self.create(request.json)
        if (request.method, path) == ("GET", ""):
            newest = list(reversed(self.batches.values()))
            return {"data": [self.shape(batch) for batch in newest], "has_more": False}
        found = re.fullmatch(r"/([\w-]+)(/cancel|/results)?", path)
        if found is None or found[1] not in self.batches:
            error = {"type": "not_found_error", "message": "No such batch"}
            return make_reply({"type": "error", "error": error}, status=404)
        batch = self.batches[found[1]]
        if found[2] == "/results":
            return make_reply(self.results(batch))
        if found[2]:
            assert request.method == "POST"
            batch["state"] = "cancelling"
            return self.shape(batch)
        self.seen(batch)
        return self.shape(batch)

    def create(self, given: dict[str, Any]) -> Any:
        if self.refuse:
            status, body = self.refuse
            return make_reply(body, status=status)
        assert set(given) == {"requests"}
        requests = []
        for one in given["requests"]:
            assert set(one) == {"custom_id", "params"}
            assert "stream" not in one["params"]
            assert not illegal("anthropic", {**one["params"], "stream": True})
            requests.append((one["custom_id"], one["params"]))
        return self.answered(self.shape(self.accept(requests)))

    def shape(self, batch: dict[str, Any]) -> dict[str, Any]:
        from anthropic.types.messages import MessageBatch

        state = batch["state"]
        ended = state in {"ended", "cancelled"}
        results = [json.loads(x) for x in self.results(batch).splitlines()] if ended else []
        kinds = Counter(one["result"]["type"] for one in results)
        said = {"running": "in_progress", "cancelling": "canceling"}.get(state, "ended")
        made = {
            "id": batch["id"],
            "type": "message_batch",
            "processing_status": said,
            "created_at": batch["at"],
            "expires_at": batch["at"] + timedelta(hours=24),
            "request_counts": {
                "processing": 0 if ended else len(batch["requests"]),
                **{n: kinds[n] for n in ("succeeded", "errored", "canceled", "expired")},
            },
            # Nobody may send the key there.
            "results_url": "http://127.0.0.1:1/elsewhere" if ended else None,
        }
        return json.loads(MessageBatch.model_validate(made).model_dump_json())

    def results(self, batch: dict[str, Any]) -> bytes:
        from anthropic.types.messages import MessageBatchIndividualResponse

        lines = []
        for name, body in reversed(batch["requests"]):
            fate = "!canceled" if batch["state"] == "cancelled" else self.fate(body)
            if isinstance(fate, dict):
                result = {"type": "errored", "error": {"request_id": "r", **fate["body"]}}
            elif fate in {"!expired", "!canceled"}:
                result = {"type": fate[1:]}
            elif fate == "!missing":
                continue
            else:
                result = {"type": "succeeded", "message": self.message(fate)}
            one = {"custom_id": name, "result": result}
            MessageBatchIndividualResponse.model_validate(one)
            lines.append(json.dumps(one) + "\n")
        return "".join(lines).encode()

    def message(self, text: str) -> dict[str, Any]:
        return {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 30, "output_tokens": 20},
        }
