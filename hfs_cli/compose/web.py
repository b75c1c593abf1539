"""What -f URL sends: the text at the address, or for media the address itself."""

from __future__ import annotations

import mimetypes
from urllib.parse import unquote, urlsplit

from hfs_cli.compose.input import decode_text, media_type_of
from hfs_cli.errors import ConfigError, UsageError
from hfs_cli.messages import Attachment
from hfs_cli.posix import time_limit

FETCH_SECONDS = 60.0
READ_SECONDS = 20.0
_MEDIA = ("image/", "audio/", "application/pdf")
_HTML = {"text/html", "application/xhtml+xml"}


def read_url(url: str, encoding: str | None, most_bytes: int) -> str | Attachment:
    """The text at an address under a heading, or an attachment.

    What its name calls an image, a PDF or a sound is not fetched: the provider itself does that.
    Everything else is, and a web page becomes its text.

    Args:
        url: The address.
        encoding: What its text is written in; what the server says, or UTF-8, if None.
        most_bytes: The most that it may be.

    Raises:
        UsageError: It cannot be had, is too large, or is of no kind that can be sent.
        NetworkError: There was no answer.
        ConfigError: It is a web page, and what reads those is not installed.
    """
    from hfs_cli.providers.http.fetch import remote_file, without_query
    from hfs_cli.render.progress import waiting

    name = unquote(urlsplit(url).path.rpartition("/")[2]) or url
    by_name, _ = mimetypes.guess_type(urlsplit(url).path)
    if by_name and by_name.startswith(_MEDIA) and by_name != "image/svg+xml":  # which is text
        return Attachment(name, by_name, url=url)
    shown = without_query(url)
    with (
        waiting(f"fetching {shown}"),
        remote_file(url, most_bytes=most_bytes, seconds=FETCH_SECONDS) as remote,
    ):
        data = b"".join(remote.blocks)
    if media_type := media_type_of(data):
        return Attachment(name, media_type, data)
    is_page = remote.media_type in _HTML or data.lstrip()[:14].lower() == b"<!doctype html"
    encoding = encoding or _known(remote.charset)
    text = (_text_of_page if is_page else decode_text)(data, shown, encoding)
    if not text.strip():
        raise UsageError(f"{shown} holds no text: there is nothing to send")
    return f"## {shown}\n\n{text.rstrip()}"


def _known(charset: str | None) -> str | None:
    """The encoding that a server names, if Python knows it."""
    try:
        "".encode(charset or "utf-8")
    except (LookupError, ValueError):
        return None
    return charset


def _text_of_page(data: bytes, shown: str, encoding: str | None) -> str:
    """The text of a web page as Markdown, without menus, scripts and footers."""
    try:
        import trafilatura
    except ImportError:
        from hfs_cli.extras import how_to_add

        raise ConfigError(
            f"{shown} is a web page, and reading those needs one more package: {how_to_add('html')}"
        ) from None
    import logging

    # Its complaints about odd pages are nothing that the user could mend.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL + 1)
    page = decode_text(data, shown, encoding) if encoding else data
    try:
        with time_limit(READ_SECONDS):
            text = trafilatura.extract(
                page, output_format="markdown", favor_recall=True, include_comments=False
            )
            return text or trafilatura.html2txt(page) or ""
    except (ValueError, RecursionError, TimeoutError) as error:
        raise UsageError(f"{shown} cannot be read as a web page: {error}") from error
