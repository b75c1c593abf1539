"""Tell a real key from an example: by its checksum if it has one, else by how random it looks."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from itertools import pairwise

_LEAST_ENTROPY = 2.6
# No more characters are checked, for a thousand random ones may well contain a word like "fake".
_LONG_ENOUGH = 100
# The key of an Ed25519 pair is 48 characters in PEM.
_LEAST_BLOCK, _LEAST_BLOCK_ENTROPY = 40, 3.5
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# AWS puts this into each key in its manuals.
_AWS_SAYS = "EXAMPLE"
_HEX = re.compile(r"[0-9a-fA-F]+")
_EXAMPLE = re.compile(
    r"(?i)example|your|token|secret|dummy|sample|placeholder|replace|insert|redacted|fake|xxxx|\*\*\*"
)


def is_random(body: str) -> bool:
    """Whether it looks random: no words that are typical of examples, no runs like ``abcd``.

    About one in five thousand random keys is taken for an example.
    """
    body = body[:_LONG_ENOUGH]
    steps = sum(ord(b) - ord(a) in {0, 1} for a, b in pairwise(body))
    return _entropy(body) >= _LEAST_ENTROPY and steps < len(body) / 2 and not is_example(body)


def is_mixed(body: str) -> bool:
    """Whether it `is_random` and has letters in both cases, which few words have."""
    return is_random(body) and body != body.lower() and body != body.upper()


def is_checked(body: str) -> bool:
    """Whether the last six characters are the checksum of the rest: CRC-32 in base 62.

    GitHub's since 2021 (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/)
    and npm's (https://github.blog/2021-09-23-announcing-npms-new-access-token-format/).
    """
    number = zlib.crc32(body[:-6].encode())
    digits = []
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(_BASE_62[digit])
    return body[-6:] == "".join(reversed(digits))


def _entropy(text: str) -> float:
    """Shannon's entropy in bits a character: 4 to 5 for a random key of 30 letters and digits."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def is_example(body: str) -> bool:
    """Whether it holds a word that is typical of examples."""
    return _EXAMPLE.search(body[:_LONG_ENOUGH]) is not None


def is_github(body: str) -> bool:
    """Whether it is a token of GitHub's."""
    # Short ones have a checksum. Longer ones are a number and a JSON Web Token, like those of
    # installations since April 2026, or what GitHub has announced: up to 255 characters.
    return is_checked(body) if len(body) == 36 else is_mixed(body)


def is_aws_secret(body: str) -> bool:
    """Whether it is a secret of AWS, and not the digest of a commit, which is as long."""
    is_digest = _HEX.fullmatch(body)
    return (
        is_mixed(body) and any(map(str.isdigit, body)) and not is_digest and _AWS_SAYS not in body
    )


def is_key_block(body: str) -> bool:
    """Whether it is the body of a private key."""
    data = "".join(re.findall(r"[A-Za-z0-9+/=]{20,}", body))
    return (
        len(data) >= _LEAST_BLOCK
        and _entropy(data) >= _LEAST_BLOCK_ENTROPY
        and _AWS_SAYS not in data
    )


def ends_random(body: str) -> bool:
    """Whether its last part `is_random`; the parts before it are the ids of a workspace."""
    return is_random(re.split(r"[-/.]", body)[-1])
