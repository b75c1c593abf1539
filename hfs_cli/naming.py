"""Names of sessions: which are allowed, and which one a session gets by itself."""

from __future__ import annotations

from hfs_cli.errors import UsageError
from hfs_cli.sanitize import sanitize_line

TYPE_CHECKING = False  # typing's own costs 5 ms
if TYPE_CHECKING:
    from datetime import datetime

MAX_NAME = 255
_AUTOMATIC_LENGTH = 30
_DATE = "0000-00-00_00-00"
_TO_ZEROS = str.maketrans("123456789", "000000000")
# Characters that belong to the one before them; a name is never cut in front of one.
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f"}


def normalise(name: str) -> str:
    """The form in which a name is kept and looked up.

    Unicode can write "é" in two ways, which are the same name in form NFC (UAX #15). White space
    around a name would be invisible in lists, so it is removed.
    """
    name = name.strip()
    if name.isascii():
        return name
    from unicodedata import normalize

    return normalize("NFC", name)


def check_name(name: str) -> str:
    """Refuse a name that could not be typed, shown or told from an id; see also `normalise`.

    Returns:
        The name to keep.

    Raises:
        UsageError: It is empty, all digits, over 255 characters, starts with ``@`` or
            ``-``, or holds control characters, bidirectional controls or lone surrogates.
    """
    name = normalise(name)
    shown = f'"{sanitize_line(name[:40])}"'
    if not name:
        raise UsageError("a session's name must not be empty")
    if name.isdigit():
        raise UsageError(f"{shown} is all digits and would be taken for an id: add a letter")
    if name[0] in "@-":
        raise UsageError(f'a session\'s name must not start with "{name[0]}"')
    if len(name) > MAX_NAME:
        raise UsageError(f"a session's name has at most {MAX_NAME} characters, not {len(name)}")
    if sanitize_line(name) != name:
        raise UsageError(f"a session's name must not hold control characters: {shown}")
    return name


def automatic_name(prompt: str, now: datetime) -> str:
    """Name a session after its first user message.

    Args:
        prompt: The message; only its beginning is looked at.
        now: Local time.

    Returns:
        The first 30 characters, ``...`` if there were more, and the minute, as in
        ``Explain the write-ahead log in... - 2026-11-22_18-05``. Always a valid name.
    """
    # The files of -f follow the words, each under a heading.
    prompt = prompt.partition("\n\n## ")[0] if not prompt.startswith("## ") else prompt
    # The beginning is enough, unless it is all white space.
    text = _clean(prompt[:1000]) or _clean(prompt) or "Untitled"
    start = text[: _uncut(text, _AUTOMATIC_LENGTH)].rstrip()
    more = "..." if len(text) > len(start) else ""
    return f"{start}{more} - {now:%Y-%m-%d_%H-%M}"


def first_words(name: str) -> tuple[str, str]:
    """Split an automatic name into its words and its date, which only tells it from others.

    Returns:
        ``("What is a log?...", " - 2026-11-22_18-05")``, which together are the name;
        ``("What is a log?... (fork)", "")`` for ``What is a log?... - 2026-11-22_18-05 (fork)``;
        and the whole name with an empty second part if it is not an automatic one.
    """
    words, dash, date = name.rpartition(" - ")
    mark = date[len(_DATE) :]
    if not dash or date[: len(_DATE)].translate(_TO_ZEROS) != _DATE:
        return name, ""
    if mark and not (mark.startswith(" (") and mark[2:-1].isdigit()):
        return words + mark, ""
    return words, dash + date


def cleaned_name(title: str) -> str:
    """Turn a title from another program into a valid name."""
    name = _clean(title[:4000])[: MAX_NAME - 12].rstrip() or "Untitled"
    return f"chat {name}" if name.isdigit() else name


def _clean(text: str) -> str:
    """Collapse white space and all that `check_name` refuses; drop a leading ``@`` or ``-``."""
    safe = "".join(c if sanitize_line(c) == c else " " for c in text)
    return " ".join(normalise(safe).split()).lstrip("@- ")


def _uncut(text: str, length: int) -> int:
    """The greatest length up to `length` that does not cut a character off its marks."""
    from unicodedata import combining

    cut = length
    while 0 < cut < len(text) and (
        combining(text[cut]) or text[cut] in _JOINERS or text[cut - 1] == "\u200d"
    ):
        cut -= 1
    return cut or length
