"""Hide credentials in whatever is shown: the one place that knows what they look like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import environ

HIDDEN = "[hidden]"

# The names of variables, query parameters and headers that hold credentials.
_NAMES = r"(?:api[-_]?key|key|token|secret|passw(?:or)?d|signature|sig|auth(?:orization)?)"
_SECRET_NAME = re.compile(rf"(?:^|[-_]){_NAMES}$", re.IGNORECASE)
_SHAPES = (
    # http://user:password@host. A user of PostgreSQL is no secret: pg_dump asks for the name.
    (re.compile(r"(?<=postgresql://)([^/\s\"'@:]*):[^/\s\"'@]*@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(?<!postgresql)://[^/\s\"'@]*@"), f"://{HIDDEN}@"),
    # ?key=…
    (re.compile(rf"([?&](?:[\w-]*[-_])?{_NAMES}=)[^&\s\"'#]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # The prefixes of vendors: sk-…, gsk_…, AIza…
    (
        re.compile(
            r"(?:\b|(?<=\\[nrt]))(?:(?:sk|pk|gsk|xai|hf|ghp|gho|pplx|csk|fw|r8|nvapi|tgp|key)[-_]|github_pat_|AIza)"
            r"[\w-]{12,}"
        ),
        HIDDEN,
    ),
)
_SHORTEST = 8


def hide(text: str, env: Mapping[str, str] = environ) -> str:
    """Replace the credentials in a text.

    Args:
        text: Anything that is about to be shown.
        env: Variables; the values of those that hold keys are hidden, whatever they look like.
    """
    for name, value in env.items():
        if len(value) >= _SHORTEST and is_secret_name(name):
            text = text.replace(value, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def is_secret_name(name: str) -> bool:
    """Whether the value of something of this name is a credential: ``OPENAI_API_KEY``, ``sig``."""
    return _SECRET_NAME.search(name) is not None
