r"""What keys and tokens look like, family by family, as their vendors say or scanners have learnt.

A pattern has the group ``secret``, the whole match where it has none: that alone is replaced. What
a group ``head`` matches is not secret, and is shown. A match counts if `Family.is_real` says so of
what follows the head: a checksum where the format has one, else whether it looks drawn by lot
rather than written in a manual. None of that can be said of a key of which only a part has come:
there, what stands before the secret counts, and that it looks like no example.

Read on 2026-11-29, unless a family says otherwise:
https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns,
the rules of gitleaks (b58d3f1, 2026-07-22) and the detectors of trufflehog (on GitHub), and
https://openrouter.ai/docs/guides/features/guardrails/secret-formats.

JSON Web Tokens are not among them: most that people show are expired, or examples.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple


def is_random(body: str) -> bool:
    """Whether it looks drawn by lot: no words that examples are made of, no row of letters.

    Of keys that are, about one in five thousand is taken for an example.
    """
    body = body[:_LONG_ENOUGH]
    steps = sum(ord(b) - ord(a) in {0, 1} for a, b in pairwise(body))
    return entropy(body) >= _LEAST_ENTROPY and steps < len(body) / 2 and not _EXAMPLE.search(body)


def is_mixed(body: str) -> bool:
    """As `is_random`, of what has letters in both cases: words mostly have not."""
    return is_random(body) and body != body.lower() and body != body.upper()


def is_checked(body: str) -> bool:
    """Whether the last six characters are the checksum of those before: CRC-32 in base 62.

    GitHub's since 2021 (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/)
    and npm's (https://github.blog/2021-09-23-announcing-npms-new-access-token-format/).
    """
    number = zlib.crc32(body[:-6].encode())
    digits = []
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(_BASE_62[digit])
    return body[-6:] == "".join(reversed(digits))


def entropy(text: str) -> float:
    """Bits a character (Shannon's): 4 to 5 of a random key of 30 letters and digits."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def is_example(body: str) -> bool:
    """Whether it holds one of the words that examples are made of."""
    return _EXAMPLE.search(body[:_LONG_ENOUGH]) is not None


def _is_github(body: str) -> bool:
    # Short ones have a checksum. Longer ones are a number and a JSON Web Token, as installations'
    # are since April 2026, or what GitHub has said may come: up to 255 characters.
    return is_checked(body) if len(body) == 36 else is_mixed(body)


def _is_aws_secret(body: str) -> bool:
    # The digest of a commit has as many characters.
    is_digest = _HEX.fullmatch(body)
    return (
        is_mixed(body) and any(map(str.isdigit, body)) and not is_digest and _AWS_SAYS not in body
    )


def _is_key_block(body: str) -> bool:
    data = "".join(re.findall(r"[A-Za-z0-9+/=]{20,}", body))
    return (
        len(data) >= _LEAST_BLOCK
        and entropy(data) >= _LEAST_BLOCK_ENTROPY
        and _AWS_SAYS not in data
    )


def _ends_random(body: str) -> bool:
    """Whether the last part is: those before it are numbers of a workspace."""
    return is_random(re.split(r"[-/.]", body)[-1])


class Family(NamedTuple):
    """The keys of one vendor, or of one kind.

    Args:
        name: What takes the place of one: ``[redacted NAME]``.
        words: One of them is in whatever text has such a key, and is looked for first: it takes a
            fraction of the time of the pattern.
        lead: What stands before the secret: the head, or the name beside it.
        rest: The secret, and what may follow it.
        is_real: Whether what follows its head is a real key, and not an example.
        before: How many characters the match may begin before the word.
        goes_on: A character of those that the secret is written in.
    """

    name: str
    words: tuple[str, ...]
    lead: str
    rest: str
    is_real: Callable[[str], bool] = is_random
    before: int = 0
    goes_on: str = "[A-Za-z0-9_+/=.-]"

    @property
    def pattern(self) -> str:
        """A complete key."""
        return self.lead + self.rest

    @property
    def begun(self) -> str:
        """As much of a key as has come when the text breaks off in it; fewer tell nothing."""
        return rf"{self.lead}(?P<begun>{self.goes_on}{{{_LEAST_BEGUN},}})\Z"


_LEAST_ENTROPY = 2.6
# A word of four letters is in a thousand random characters now and then.
_LONG_ENOUGH = 100
# The key of an Ed25519 pair is 48 characters in PEM.
_LEAST_BLOCK, _LEAST_BLOCK_ENTROPY = 40, 3.5
_LEAST_BEGUN = 6
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Stands somewhere in each key that AWS prints in its manuals.
_AWS_SAYS = "EXAMPLE"
_HEX = re.compile(r"[0-9a-fA-F]+")
_EXAMPLE = re.compile(
    r"(?i)example|your|token|secret|dummy|sample|placeholder|replace|insert|redacted|fake|xxxx|\*\*\*"
)
# What precedes a key: no letter or digit, unless it ends an escape of JSON or of a URL; before a
# short key no character of base64 either.
_ESCAPE = r"|(?<=\\[nrt])|(?<=%[0-9A-F]{2})"
_B, _B64 = rf"(?:(?<![A-Za-z0-9_]){_ESCAPE})", rf"(?:(?<![A-Za-z0-9_+/]){_ESCAPE})"
# What follows a key of letters and digits, and one of base64 for URLs.
_E, _E64 = r"(?![A-Za-z0-9_])", r"(?![A-Za-z0-9_-])"

FAMILIES = (
    # "T3BlbkFJ" is "OpenAI" in base64, and stands in the middle of every key.
    Family(
        "openai-key",
        ("T3BlbkFJ",),
        _B + r"(?P<head>sk-(?:(?:proj|svcacct|admin)-)?)",
        r"[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120}",
        before=132,
    ),
    Family(
        "anthropic-key",
        ("sk-ant-",),
        _B + r"(?P<head>sk-ant-[a-z]{2,10}\d\d-)",
        r"[A-Za-z0-9_-]{60,160}",
        is_mixed,
    ),
    # AIza… to 2026, AQ.Ab… since: https://ai.google.dev/gemini-api/docs/api-key.md.txt
    Family(
        "google-key",
        ("AIza",),
        _B + r"(?P<head>AIza)",
        r"[A-Za-z0-9_-]{35}" + _E64,
        is_mixed,
    ),
    Family(
        "google-key",
        ("AQ.Ab",),
        _B + r"(?P<head>AQ\.Ab)",
        r"[A-Za-z0-9_-]{40,150}" + _E64,
        is_mixed,
    ),
    Family(
        "google-key",
        ("GOCSPX-",),
        _B + r"(?P<head>GOCSPX-)",
        r"[A-Za-z0-9_-]{28}" + _E64,
        is_mixed,
    ),
    # A digit in those that begin as a word does: ASIANDEVELOPMENTBANK has 20 letters.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
    Family(
        "aws-key-id",
        ("AKIA", "ASIA", "ABIA"),
        _B64 + r"(?P<head>AKIA|A[SB]IA)",
        r"(?:(?<=AKIA)|(?=[A-Z]{0,15}[2-7]))[A-Z2-7]{16}(?![A-Za-z0-9_+/])",
    ),
    # Forty characters without a sign of their own: beside a name that says what they are …
    Family(
        "aws-secret",
        ("ecret", "ECRET"),
        r"(?i:secret[_ -]?(?:access[_ -]?)?key|aws[_ -]?secret\w{0,20})"
        r"[\"'\\]{0,2}\s{0,3}(?:=>|[:=,])\s{0,3}[\"'\\]{0,2}",
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        _is_aws_secret,
        before=5,
    ),
    # … or soon after the id that they belong to, as in the file that AWS gives.
    Family(
        "aws-secret",
        ("AKIA", "ASIA"),
        _B64 + r"A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9_+/])"
        r"[^A-Za-z0-9/+](?s:.{0,120}?)"
        r"(?<![A-Za-z0-9/+=])",
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        _is_aws_secret,
    ),
    Family(
        "aws-secret",
        ("ession_t", "essionT", "ESSION_T"),
        r"(?i:session_?token)[\"'\\]{0,2}\s{0,3}(?:=>|[:=,])\s{0,3}[\"'\\]{0,2}",
        r"(?P<secret>[A-Za-z0-9/+]{100,2000}={0,2})(?![A-Za-z0-9/+=])",
        _is_aws_secret,
        before=1,
    ),
    Family(
        "aws-bedrock-key",
        ("ABSK", "bedrock-api-key-"),
        _B64 + r"(?P<head>ABSK|bedrock-api-key-)",
        r"[A-Za-z0-9+/]{100,2000}={0,2}",
        is_mixed,
    ),
    # Installations' are a number and a JSON Web Token since April 2026:
    # https://github.blog/changelog/2026-04-24-notice-about-upcoming-new-format-for-github-app-installation-tokens/
    Family(
        "github-token",
        ("gh",),
        _B + r"(?P<head>gh[pousr]_)",
        r"(?:[A-Za-z0-9]+_eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
        r"|[A-Za-z0-9]{36,251}" + _E + ")",
        _is_github,
    ),
    Family(
        "github-token",
        ("github_pat_",),
        _B + r"(?P<head>github_pat_)",
        r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}" + _E,
        is_mixed,
    ),
    # https://docs.gitlab.com/security/tokens/#token-prefixes; since 2025 a token may also say which
    # server it is for, and end in a checksum whose making GitLab does not tell:
    # https://gitlab.com/gitlab-org/gitlab/-/merge_requests/169322
    Family(
        "gitlab-token",
        ("gl",),
        _B + r"(?P<head>gl(?:pat|dt|rtr?|cbt|ft|imt|agent|oas|soat|ffct|wt)-)",
        r"[A-Za-z0-9_-]{20,300}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7,9})?" + _E64,
        is_mixed,
    ),
    Family(
        "gitlab-token",
        ("glptt-",),
        _B + r"(?P<head>glptt-)",
        r"[0-9a-f]{40}" + _E,
    ),
    # https://docs.slack.dev/authentication/tokens
    Family(
        "slack-token",
        ("xox", "xapp-"),
        _B + r"(?P<head>xox[a-z](?:\.xox[bp])?-|xapp-)",
        r"(?:[A-Z0-9]{1,15}-){1,4}[A-Za-z0-9]{16,250}" + _E64,
        _ends_random,
    ),
    Family(
        "slack-webhook",
        ("hooks.slack.com/",),
        r"(?P<head>hooks\.slack\.com/(?:services|workflows|triggers)/)",
        r"[A-Z0-9]+/[A-Za-z0-9]+/(?:[A-Za-z0-9]+/)?[A-Za-z0-9]{20,64}" + _E,
        _ends_random,
    ),
    # Keys to test with move no money, and Stripe itself prints some in its manual:
    # https://docs.stripe.com/keys
    Family(
        "stripe-key",
        ("_live_", "whsec_"),
        _B + r"(?P<head>(?:sk|rk|sk_org)_live_|whsec_)",
        r"[A-Za-z0-9+/]{24,250}={0,2}" + _E,
        is_mixed,
        before=6,
    ),
    Family(
        "huggingface-token",
        ("hf_", "api_org_"),
        _B + r"(?P<head>hf_|api_org_)",
        r"[A-Za-z0-9]{34}" + _E,
        is_mixed,
    ),
    Family("npm-token", ("npm_",), _B + r"(?P<head>npm_)", r"[A-Za-z0-9]{36}" + _E, is_checked),
    # A macaroon; what it begins with says that it is of pypi.org, or of test.pypi.org.
    Family(
        "pypi-token",
        ("pypi-AgE",),
        _B + r"(?P<head>pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw))",
        r"[A-Za-z0-9_-]{50,1000}",
        is_mixed,
    ),
    Family("twilio-key", ("SK",), _B + r"(?P<head>SK)", r"[0-9a-f]{32}" + _E),
    Family(
        "twilio-key",
        ("wilio", "WILIO"),
        r"(?i:twilio[a-z_]{0,20}token)[\"']?\s{0,3}[:=]\s{0,3}[\"']?",
        r"(?P<secret>[0-9a-f]{32})" + _E,
        before=1,
    ),
    Family(
        "sendgrid-key",
        ("SG.",),
        _B + r"(?P<head>SG\.)",
        r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}" + _E64,
        is_mixed,
    ),
    # https://core.telegram.org/bots/api#authorizing-your-bot
    Family(
        "telegram-token",
        (":A",),
        rf"(?:(?<![A-Za-z0-9_.-])|(?<=/bot){_ESCAPE})(?P<head>\d{{8,10}}:)",
        r"A[A-Za-z0-9_-]{34}" + _E64,
        is_mixed,
        before=10,
    ),
    # RFC 7468, OpenSSH's, OpenPGP's, age's; a block that was cut counts too.
    Family(
        "private-key",
        ("-----BEGIN ",),
        r"(?P<head>-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)",
        r"(?:(?:(?!-----)[^\"]){40,20000}-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:(?:\\[nrt]|[\s\"'+\\,>])*[A-Za-z0-9+/=]{20,}){1,400})",
        _is_key_block,
        goes_on=r"[A-Za-z0-9+/=\s\"'\\,>:-]",
    ),
    Family(
        "private-key",
        ("AGE-SECRET-KEY-1",),
        _B + r"(?P<head>AGE-SECRET-KEY-1)",
        r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}" + _E,
    ),
    Family("openrouter-key", ("sk-or-v1-",), _B + r"(?P<head>sk-or-v1-)", r"[0-9a-f]{64}" + _E),
    # DeepSeek's form, which other vendors use too.
    Family("deepseek-key", ("sk-",), _B + r"(?P<head>sk-)", r"[0-9a-f]{32}" + _E64),
    Family("xai-key", ("xai-",), _B + r"(?P<head>xai-)", r"[A-Za-z0-9_]{80}" + _E, is_mixed),
    Family("groq-key", ("gsk_",), _B + r"(?P<head>gsk_)", r"[A-Za-z0-9]{52}" + _E, is_mixed),
    Family(
        "perplexity-key", ("pplx-",), _B + r"(?P<head>pplx-)", r"[A-Za-z0-9]{48}" + _E, is_mixed
    ),
    Family(
        "nvidia-key", ("nvapi-",), _B + r"(?P<head>nvapi-)", r"[A-Za-z0-9_-]{64}" + _E64, is_mixed
    ),
    Family(
        "replicate-token", ("r8_",), _B + r"(?P<head>r8_)", r"[A-Za-z0-9_-]{37}" + _E64, is_mixed
    ),
    Family(
        "digitalocean-token",
        ("do",),
        _B + r"(?P<head>do[opr]_v1_)",
        r"[0-9a-f]{64}" + _E,
    ),
    Family("databricks-token", ("dapi",), _B + r"(?P<head>dapi)", r"[0-9a-f]{32}(?:-\d)?" + _E),
    Family(
        "docker-token",
        ("dckr_",),
        _B + r"(?P<head>dckr_[a-z]{3}_)",
        r"[A-Za-z0-9_-]{27}" + _E64,
        is_mixed,
    ),
    Family(
        "shopify-token",
        ("shp",),
        _B + r"(?P<head>shp(?:at|ca|pa|ss)_)",
        r"[0-9a-fA-F]{32}" + _E,
    ),
    Family(
        "linear-key", ("lin_api_",), _B + r"(?P<head>lin_api_)", r"[A-Za-z0-9]{40}" + _E, is_mixed
    ),
    Family(
        "notion-token", ("ntn_",), _B + r"(?P<head>ntn_)", r"\d{11}[A-Za-z0-9]{35}" + _E, is_mixed
    ),
    Family("postman-key", ("PMAK-",), _B + r"(?P<head>PMAK-)", r"[0-9a-f]{24}-[0-9a-f]{34}" + _E),
    Family("rubygems-key", ("rubygems_",), _B + r"(?P<head>rubygems_)", r"[0-9a-f]{48}" + _E),
    Family(
        "grafana-token",
        ("glsa_",),
        _B + r"(?P<head>glsa_)",
        r"[A-Za-z0-9]{32}_[0-9a-fA-F]{8}" + _E,
        is_mixed,
    ),
    Family(
        "vault-token",
        ("hvs.", "hvb."),
        _B + r"(?P<head>hv[sb]\.)",
        r"[A-Za-z0-9_-]{90,300}" + _E64,
        is_mixed,
    ),
)
