"""Put the user message together from arguments, standard input, files and the editor."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import TYPE_CHECKING

from hfs_cli import notices
from hfs_cli.compose.input import MAX_INPUT_BYTES, decode_text, media_type_of, utf8_word
from hfs_cli.errors import UsageError
from hfs_cli.files import refusing

if TYPE_CHECKING:
    from hfs_cli.compose.options import Asked
    from hfs_cli.config import Config
    from hfs_cli.messages import Attachment, ChatMessage

PATIENCE_S = 2.0


def read_message(asked: Asked, config: Config, *, patient: bool = True) -> ChatMessage | None:
    """The user message, or None when nothing was given but white space.

    It is a template's prompt, then the words, then standard input unless the template has a
    place for it, then the text files, with an empty line between each and the next; images,
    PDFs and sounds are attached.

    Args:
        asked: The words, the files, and where else to read.
        config: Whether standard input is read, and how long it may stay silent.
        patient: Whether to wait for a pipe that stays silent; without, it counts as empty
            after two seconds, unless the configuration says that it is always read.

    Raises:
        UsageError: Something is not UTF-8, too long, or cannot be read.
    """
    from hfs_cli.messages import Attachment, ChatMessage

    texts: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    # -f - is what - is: standard input, whatever the setting says of it.
    forced = "-" in (*asked.words, *asked.files)
    if files := tuple(name for name in asked.files if name != "-"):
        from hfs_cli.compose.attachments import read_files

        texts, attachments = read_files(files, asked.encoding)
    text = " ".join(utf8_word(word) for word in asked.words if word != "-")
    piped = ""
    if forced or config.stdin != "never":
        patient = patient or bool(text.strip() or asked.template) or config.stdin == "always"
        data = _read_stdin(config, forced=forced, patient=patient)
        if media_type := media_type_of(data):
            attachments = (Attachment("standard input", media_type, data), *attachments)
        else:
            piped = decode_text(data, "standard input", asked.encoding).removesuffix("\n")
    parts = [text, piped]
    if asked.template:
        parts.insert(0, asked.template.filled(piped))
        if asked.template.takes_input:
            parts.pop()
    prompt = "\n\n".join(part for part in parts if part)
    if asked.edit:
        from hfs_cli.compose.editor import edited

        prompt = edited(prompt).removesuffix("\n")
    if not prompt.strip() and not texts:
        if attachments:
            raise UsageError("say what to do with the files: give a prompt too")
        return None
    given = (prompt, *texts) if prompt.strip() else texts
    return ChatMessage("user", "\n\n".join(given), attachments)


def _read_stdin(config: Config, *, forced: bool, patient: bool) -> bytes:
    if sys.stdin is None:  # closed by the caller: <&-
        return b""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError, io.UnsupportedOperation):
        return b""
    if not forced and os.isatty(descriptor):
        return b""
    # Only what can stay silent is waited for: a file or /dev/null answers at once.
    pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    if pipe and not _begins(descriptor, config, patient=patient):
        return b""
    return _read_all(descriptor, config.stdin_timeout if pipe else None)


def _begins(descriptor: int, config: Config, *, patient: bool) -> bool:
    """Wait for a pipe to say something, or to end; whether it did."""
    from hfs_cli.posix import readable_within

    limit = config.stdin_timeout
    first = PATIENCE_S if limit is None else min(PATIENCE_S, limit)
    if readable_within(descriptor, first):
        return True
    if not patient or limit == first:
        return False
    if config.stdin == "auto":
        notices.say(
            "hfs: waiting for standard input to end (--no-stdin leaves it alone, and so does"
            ' stdin = "never" in the configuration, or HFS_STDIN=never)'
        )
    return limit is None or readable_within(descriptor, limit - first)


def _read_all(descriptor: int, silence_s: float | None) -> bytes:
    """Read to the end; a pipe that stops in the middle is not taken for one that has ended."""
    if silence_s is not None:
        from hfs_cli.posix import readable_within
    data = bytearray()
    with refusing(UsageError, "cannot read standard input"):
        while True:
            if silence_s is not None and not readable_within(descriptor, silence_s):
                raise UsageError(
                    f"standard input fell silent after {len(data)} bytes and did not end"
                    f" within {silence_s:g} s: raise --stdin-timeout"
                )
            piece = os.read(descriptor, 1 << 20)
            if not piece:
                return bytes(data)
            data += piece
            if len(data) > MAX_INPUT_BYTES:
                raise UsageError(
                    f"standard input is over {MAX_INPUT_BYTES // 1_000_000} MB: send less"
                )
