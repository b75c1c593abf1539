r"""What keys and tokens look like, family by family, as vendors or scanners describe them.

A match is a key if `Family.is_real` holds for what follows the group ``head``, which is not secret
and is shown. Only the group ``secret`` is replaced, or the whole match in patterns without one. The
checks cannot tell whether the beginning of a key is real: it counts as a key if it does not look
like an example.

Read on 2026-11-29, unless a family says otherwise:
https://docs.github.com/en/code-security/reference/secret-security/supported-secret-scanning-patterns,
the rules of gitleaks (b58d3f1, 2026-07-22) and the detectors of trufflehog (on GitHub), and
https://openrouter.ai/docs/guides/features/guardrails/secret-formats.

JSON Web Tokens are not among them: most that people show are expired, or examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from hfs_cli.redact.checks import (
    ends_random,
    is_aws_secret,
    is_checked,
    is_github,
    is_key_block,
    is_mixed,
    is_random,
)


class Family(NamedTuple):
    """The keys of one vendor, or of one kind.

    Args:
        name: A key is replaced by ``[redacted NAME]``.
        words: Every such key contains one of them, or stands beside it. They are looked for first,
            which takes a fraction of the pattern's time.
        lead: Pattern of what comes before the secret: the head, or a name beside it.
        rest: Pattern of the secret, and of what must not follow it.
        is_real: Tells a real key from an example, given what follows the head.
        before: How many characters the match may begin before the word.
        goes_on: Pattern of one character of the secret.
        starts: Every lead contains one of them, in lower case if not as it stands here; the words
            if they are all in the lead.
    """

    name: str
    words: tuple[str, ...]
    lead: str
    rest: str
    is_real: Callable[[str], bool] = is_random
    before: int = 0
    goes_on: str = "[A-Za-z0-9_+/=.-]"
    starts: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """A complete key."""
        return self.lead + self.rest

    @property
    def start_pattern(self) -> str:
        """The beginning of a key in which the text breaks off."""
        return rf"{self.lead}(?P<start>{self.goes_on}{{{_LEAST_START},}}+)\Z"


# With fewer characters there is nothing to recognise a key that breaks off by.
_LEAST_START = 6
# What precedes a key: no letter or digit, unless it ends an escape of JSON or of a URL; before a
# short key no character of base64 either.
_ESCAPE = r"|(?<=\\[nrt])|(?<=%[0-9A-F]{2})"
_B, _B64 = rf"(?:(?<![A-Za-z0-9_]){_ESCAPE})", rf"(?:(?<![A-Za-z0-9_+/]){_ESCAPE})"
# What follows a key of letters and digits, and one of base64 for URLs.
_E, _E64 = r"(?![A-Za-z0-9_])", r"(?![A-Za-z0-9_-])"


def _prefixed(
    name: str, prefix: str, secret: str, is_real: Callable[[str], bool] = is_random
) -> Family:
    """A family whose keys all begin with the same text."""
    return _headed(name, (prefix,), re.escape(prefix), secret, is_real)


def _headed(
    name: str,
    words: tuple[str, ...],
    head: str,
    secret: str,
    is_real: Callable[[str], bool] = is_random,
    before: int = 0,
) -> Family:
    """A family whose keys all begin with a head, which is a pattern."""
    return Family(name, words, rf"{_B}(?P<head>{head})", secret, is_real, before)


FAMILIES = (
    # "T3BlbkFJ" is "OpenAI" in base64, and is in the middle of every key.
    Family(
        "openai-key",
        ("T3BlbkFJ",),
        rf"{_B}(?P<head>sk-(?:(?:proj|svcacct|admin)-)?)",
        r"[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120}",
        before=132,
        starts=("sk-",),
    ),
    _headed(
        "anthropic-key",
        ("sk-ant-",),
        r"sk-ant-[a-z]{2,10}\d\d-",
        r"[A-Za-z0-9_-]{60,160}",
        is_mixed,
    ),
    # AIza… to 2026, AQ.Ab… since: https://ai.google.dev/gemini-api/docs/api-key.md.txt
    _prefixed("google-key", "AIza", r"[A-Za-z0-9_-]{35}" + _E64, is_mixed),
    _prefixed("google-key", "AQ.Ab", r"[A-Za-z0-9_-]{40,150}" + _E64, is_mixed),
    _prefixed("google-key", "GOCSPX-", r"[A-Za-z0-9_-]{28}" + _E64, is_mixed),
    # With a digit if they begin like a word: ASIANDEVELOPMENTBANK has 20 letters, too.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
    Family(
        "aws-key-id",
        ("AKIA", "ASIA", "ABIA"),
        _B64 + r"(?P<head>AKIA|A[SB]IA)",
        r"(?:(?<=AKIA)|(?=[A-Z]{0,15}[2-7]))[A-Z2-7]{16}(?![A-Za-z0-9_+/])",
    ),
    # Forty characters without a mark of their own: beside a name that says what they are …
    Family(
        "aws-secret",
        ("ecret", "ECRET"),
        r"(?i:secret[_ -]?(?:access[_ -]?)?key|aws[_ -]?secret\w{0,20})"
        r"[\"'\\]{0,2}\s{0,3}(?:=>|[:=,])\s{0,3}[\"'\\]{0,2}",
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        is_aws_secret,
        before=5,
        starts=("ecret",),
    ),
    # … or soon after the id that they belong to, as in the file that AWS offers for download.
    Family(
        "aws-secret",
        ("AKIA", "ASIA"),
        _B64 + r"A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9_+/])"
        r"[^A-Za-z0-9/+](?s:.{0,120}?)"
        r"(?<![A-Za-z0-9/+=])",
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        is_aws_secret,
    ),
    Family(
        "aws-secret",
        ("ession_t", "essionT", "ESSION_T"),
        r"(?i:session_?token)[\"'\\]{0,2}\s{0,3}(?:=>|[:=,])\s{0,3}[\"'\\]{0,2}",
        r"(?P<secret>[A-Za-z0-9/+]{100,2000}={0,2})(?![A-Za-z0-9/+=])",
        is_aws_secret,
        before=1,
        starts=("oken",),
    ),
    Family(
        "aws-bedrock-key",
        ("ABSK", "bedrock-api-key-"),
        _B64 + r"(?P<head>ABSK|bedrock-api-key-)",
        r"[A-Za-z0-9+/]{100,2000}={0,2}",
        is_mixed,
    ),
    # Those of installations have been a number and a JSON Web Token since April 2026:
    # https://github.blog/changelog/2026-04-24-notice-about-upcoming-new-format-for-github-app-installation-tokens/
    _headed(
        "github-token",
        ("gh",),
        r"gh[pousr]_",
        r"(?:[A-Za-z0-9]+_eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
        r"|[A-Za-z0-9]{36,251}" + _E + ")",
        is_github,
    ),
    _prefixed("github-token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}" + _E, is_mixed),
    # https://docs.gitlab.com/security/tokens/#token-prefixes; since 2025 a token may also say which
    # server it is for, and end in a checksum that GitLab does not document:
    # https://gitlab.com/gitlab-org/gitlab/-/merge_requests/169322
    _headed(
        "gitlab-token",
        ("gl",),
        r"gl(?:pat|dt|rtr?|cbt|ft|imt|agent|oas|soat|ffct|wt)-",
        r"[A-Za-z0-9_-]{20,300}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7,9})?" + _E64,
        is_mixed,
    ),
    _prefixed("gitlab-token", "glptt-", r"[0-9a-f]{40}" + _E),
    # https://docs.slack.dev/authentication/tokens
    _headed(
        "slack-token",
        ("xox", "xapp-"),
        r"xox[a-z](?:\.xox[bp])?-|xapp-",
        r"(?:[A-Z0-9]{1,15}-){1,4}[A-Za-z0-9]{16,250}" + _E64,
        ends_random,
    ),
    Family(
        "slack-webhook",
        ("hooks.slack.com/",),
        r"(?P<head>hooks\.slack\.com/(?:services|workflows|triggers)/)",
        r"[A-Z0-9]+/[A-Za-z0-9]+/(?:[A-Za-z0-9]+/)?[A-Za-z0-9]{20,64}" + _E,
        ends_random,
    ),
    # Test keys move no money, and Stripe prints some of them in its manual:
    # https://docs.stripe.com/keys
    _headed(
        "stripe-key",
        ("_live_", "whsec_"),
        r"(?:sk|rk|sk_org)_live_|whsec_",
        r"[A-Za-z0-9+/]{24,250}={0,2}" + _E,
        is_mixed,
        before=6,
    ),
    _headed(
        "huggingface-token", ("hf_", "api_org_"), r"hf_|api_org_", r"[A-Za-z0-9]{34}" + _E, is_mixed
    ),
    _prefixed("npm-token", "npm_", r"[A-Za-z0-9]{36}" + _E, is_checked),
    # A macaroon; its beginning names pypi.org or test.pypi.org.
    _headed(
        "pypi-token",
        ("pypi-AgE",),
        r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)",
        r"[A-Za-z0-9_-]{50,1000}",
        is_mixed,
    ),
    # Many words in capitals begin with it: SKETCHES, SKU-100234.
    Family(
        "twilio-key",
        ("SK",),
        _B + r"(?P<head>SK)",
        r"[0-9a-f]{32}" + _E,
        goes_on="[0-9a-f]",
    ),
    Family(
        "twilio-key",
        ("wilio", "WILIO"),
        r"(?i:twilio[a-z_]{0,20}token)[\"']?\s{0,3}[:=]\s{0,3}[\"']?",
        r"(?P<secret>[0-9a-f]{32})" + _E,
        before=1,
        starts=("oken",),
    ),
    _prefixed("sendgrid-key", "SG.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}" + _E64, is_mixed),
    # https://core.telegram.org/bots/api#authorizing-your-bot
    Family(
        "telegram-token",
        (":A",),
        rf"(?:(?<![A-Za-z0-9_.-])|(?<=/bot){_ESCAPE})(?P<head>\d{{8,10}}:)",
        r"A[A-Za-z0-9_-]{34}" + _E64,
        is_mixed,
        before=10,
        starts=(":",),
    ),
    # RFC 7468, OpenSSH, OpenPGP and age; a block that was cut counts, too.
    Family(
        "private-key",
        ("-----BEGIN ",),
        r"(?P<head>-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)",
        r"(?:(?:(?!-----)[^\"]){40,20000}-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:(?:\\[nrt]|[\s\"'+\\,>])*[A-Za-z0-9+/=]{20,}){1,400})",
        is_key_block,
        goes_on=r"[A-Za-z0-9+/=\s\"'\\,>:-]",
    ),
    _prefixed("private-key", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}" + _E),
    _prefixed("openrouter-key", "sk-or-v1-", r"[0-9a-f]{64}" + _E),
    # DeepSeek's format, which other vendors use, too.
    _prefixed("deepseek-key", "sk-", r"[0-9a-f]{32}" + _E64),
    _prefixed("xai-key", "xai-", r"[A-Za-z0-9_]{80}" + _E, is_mixed),
    _prefixed("groq-key", "gsk_", r"[A-Za-z0-9]{52}" + _E, is_mixed),
    _prefixed("perplexity-key", "pplx-", r"[A-Za-z0-9]{48}" + _E, is_mixed),
    _prefixed("nvidia-key", "nvapi-", r"[A-Za-z0-9_-]{64}" + _E64, is_mixed),
    _prefixed("replicate-token", "r8_", r"[A-Za-z0-9_-]{37}" + _E64, is_mixed),
    _headed("digitalocean-token", ("do",), r"do[opr]_v1_", r"[0-9a-f]{64}" + _E),
    _prefixed("databricks-token", "dapi", r"[0-9a-f]{32}(?:-\d)?" + _E),
    _headed("docker-token", ("dckr_",), r"dckr_[a-z]{3}_", r"[A-Za-z0-9_-]{27}" + _E64, is_mixed),
    _headed("shopify-token", ("shp",), r"shp(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}" + _E),
    _prefixed("linear-key", "lin_api_", r"[A-Za-z0-9]{40}" + _E, is_mixed),
    _prefixed("notion-token", "ntn_", r"\d{11}[A-Za-z0-9]{35}" + _E, is_mixed),
    _prefixed("postman-key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}" + _E),
    _prefixed("rubygems-key", "rubygems_", r"[0-9a-f]{48}" + _E),
    _prefixed("grafana-token", "glsa_", r"[A-Za-z0-9]{32}_[0-9a-fA-F]{8}" + _E, is_mixed),
    _headed(
        "vault-token", ("hvs.", "hvb."), r"hv[sb]\.", r"[A-Za-z0-9_-]{90,300}" + _E64, is_mixed
    ),
)
