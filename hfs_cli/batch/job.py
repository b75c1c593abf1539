"""What was handed to a vendor's batch endpoints: kept beside the output, step by step.

A part is as many prompts as the vendor takes at once. Each step is written down before the next
one is taken, so that a run after a kill knows what may have happened:

    planned     nothing is sent; perhaps its file is uploaded, which costs nothing
    sending     a batch may have been made: it is looked for before another one is made
    unsure      it may be one of `maybe`; the answers will tell (Anthropic's have no name)
    sent        it is `batch`
    collected   each of its prompts has a result
    dropped     nothing of it is at the vendor: it was cancelled before it was sent

The file holds no key and no prompt.
"""

from __future__ import annotations

import json
import os
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from hfs_cli.batch.results import Header
from hfs_cli.errors import OutputError, UsageError
from hfs_cli.files import read_file, refusing, write_file
from hfs_cli.wording import data_size

SUFFIX = ".vendor"
_MOST_BYTES = 1_000_000_000

Step = Literal["planned", "sending", "unsure", "sent", "collected", "dropped"]
# Steps in which the vendor has, or may have, a part that is not fetched yet.
_AT_VENDOR = frozenset({"sending", "unsure", "sent"})


@dataclass
class Part:
    """Prompts that are handed over at once.

    Args:
        model: The number of the job's model that they are for.
        runs: The prompts by their numbers in the input, each run by its first and its last.
        tag: What the batch and its requests are called.
        wire: The format that the requests are written in.
        step: How far it is.
        file: The vendor's id of the uploaded requests; empty before, and where there is none.
        since: When the batch was first requested, in seconds since 1970.
        batch: The vendor's id of it.
        maybe: The ids of batches, one of which may be this one.
        cancelled: Whether the vendor was asked to end it.
    """

    model: int
    runs: list[tuple[int, int]]
    tag: str
    wire: str
    step: Step = "planned"
    file: str = ""
    since: float = 0.0
    batch: str = ""
    maybe: list[str] = field(default_factory=list)
    cancelled: bool = False

    @property
    def count(self) -> int:
        """How many prompts it has."""
        return sum(last - first + 1 for first, last in self.runs)

    @property
    def is_open(self) -> bool:
        """Whether work on it remains."""
        return self.step != "collected"

    @property
    def is_at_vendor(self) -> bool:
        """Whether the vendor has it, or may have it, and was not asked to cancel it."""
        return self.step in _AT_VENDOR and not self.cancelled

    def mark_sent(self, batch: str) -> None:
        """Note which batch it was sent as."""
        self.step, self.batch, self.maybe = "sent", batch, []

    def plan_again(self) -> None:
        """Note that it has to be sent again, as another batch."""
        self.step, self.file, self.batch, self.tag = "planned", "", "", new_tag()

    def numbers(self) -> Iterator[int]:
        """Its prompts, in order."""
        for first, last in self.runs:
            yield from range(first, last + 1)

    def number_of(self, custom_id: str) -> int | None:
        """The number of the prompt behind a request of this part; None for another part's."""
        tag, _, digits = custom_id.rpartition("-")
        if tag != self.tag or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            return None
        number = int(digits)
        place = bisect_right(self.runs, number, key=lambda run: run[0]) - 1
        return number if place >= 0 and number <= self.runs[place][1] else None

    def custom_id(self, number: int) -> str:
        """The name of a prompt's request."""
        return f"{self.tag}-{number}"


def new_tag() -> str:
    """A unique name for a part, of letters and digits only, as vendors demand."""
    return f"hfs{os.urandom(8).hex()}"


@dataclass
class Job:
    """All parts of one output that were handed to a vendor.

    Args:
        output: The output.
        header: What its results belong to.
        urls: The address at which each model was asked, in case that changes.
        parts: In the order in which they were planned.
    """

    output: Path
    header: Header
    urls: tuple[str, ...]
    parts: list[Part] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return job_path(self.output)

    def open_parts(self) -> list[Part]:
        """Those on which work remains."""
        return [part for part in self.parts if part.is_open]

    def save(self) -> None:
        """Write the job to its file, atomically.

        Raises:
            OutputError: The disk is full or broken.
        """
        document = {
            "hfs_vendor_batch": 1,
            **self.header._asdict(),
            "urls": self.urls,
            "parts": [asdict(part) for part in self.parts],
        }
        with refusing(OutputError, f"cannot write {self.path}"):
            write_file(self.path, json.dumps(document).encode() + b"\n", replace=True)


def job_path(output: Path) -> Path:
    """The file beside an output that says what is at the vendor."""
    return output.parent / f"{output.name}{SUFFIX}"


def load_job(output: Path) -> Job | None:
    """What was handed over for an output, or None where nothing was.

    Raises:
        UsageError: The file cannot be read, or is not what was written.
    """
    path = job_path(output)
    if not os.path.lexists(path):
        return None
    data = read_file(path, _MOST_BYTES)
    try:
        found = json.loads(data)
        if found["hfs_vendor_batch"] != 1:
            raise ValueError(found["hfs_vendor_batch"])
        header = Header(str(found["input"]), str(found["asked"]), _texts(found["models"]))
        job = Job(output, header, _texts(found["urls"]), [_part(one) for one in found["parts"]])
        if len(job.urls) != len(header.models) or any(
            not 0 <= part.model < len(header.models) for part in job.parts
        ):
            raise ValueError("its models do not fit")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path}, the record of what the vendor has of {output}, is damaged: restore it, or"
            " delete it to send again what has no result"
        ) from error
    return job


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise TypeError(values)
    return tuple(map(str, values))


def _part(found: dict[str, object]) -> Part:
    part = Part(**found)  # type: ignore[arg-type]  # checked below
    part.runs = [(int(first), int(last)) for first, last in part.runs]
    texts = (part.tag, part.wire, part.file, part.batch, *part.maybe)
    if (
        part.step not in get_args(Step)
        or not all(isinstance(text, str) for text in texts)
        or type(part.model) is not int
        or type(part.cancelled) is not bool
        or not all(0 <= first <= last for first, last in part.runs)
        or not (part.tag and part.runs)
        or (part.step == "sent" and not part.batch)
    ):
        raise ValueError(found)
    part.since = float(part.since)
    return part


def forget_job(output: Path) -> None:
    """Delete the job of an output that begins anew.

    Raises:
        UsageError: It cannot be.
    """
    with refusing(UsageError, f"cannot delete {job_path(output)}"):
        job_path(output).unlink(missing_ok=True)


class Room(NamedTuple):
    """How much a vendor takes at once.

    Args:
        requests: The most requests.
        size: The most bytes.
        frame: How many bytes enclose all requests.
        between: How many bytes separate two.
    """

    requests: int
    size: int
    frame: int
    between: int


def split(sizes: Iterable[tuple[int, int]], room: Room) -> Iterator[list[tuple[int, int]]]:
    """Put prompts into parts, in order, each as large as allowed.

    Args:
        sizes: Each prompt's number, which only grow, and the bytes of its request.
        room: What a part may be.

    Yields:
        The runs of the numbers in each part.

    Raises:
        UsageError: One is larger than a part may be.
    """
    runs: list[tuple[int, int]] = []
    count = 0
    size = room.frame
    for number, length in sizes:
        if room.frame + length > room.size:
            raise UsageError(
                f"the prompt with index {number} is {data_size(length)} with all that goes with it,"
                f" and the vendor takes {data_size(room.size)} at once: shorten it"
            )
        if count and (count >= room.requests or size + room.between + length > room.size):
            yield runs
            runs, count, size = [], 0, room.frame
        size += length + (room.between if count else 0)
        count += 1
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    if runs:
        yield runs


def uncovered(parts: Iterable[Part], model: int, to_do: Iterable[int], count: int) -> array[int]:
    """The prompts without a result that are in no open part.

    Args:
        parts: All parts.
        model: The model that is meant.
        to_do: The numbers of the prompts that have no result of it.
        count: How many prompts there are.
    """
    covered = bytearray(count)
    for part in parts:
        if part.is_open and part.model == model:
            for first, last in part.runs:
                covered[first : last + 1] = b"\1" * (min(last, count - 1) - first + 1)
    return array("q", (number for number in to_do if not covered[number]))
