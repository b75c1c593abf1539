"""Keys as vendors make them, of letters that a test draws: none of them opens anything."""

from __future__ import annotations

import random
import string
import zlib

_BASE_62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE_64 = _BASE_62 + "-_"
_HEX = "0123456789abcdef"


class Keys:
    """Keys of every family.

    Args:
        seed: The same keys each time, or others.
    """

    def __init__(self, seed: int = 15) -> None:
        self._random = random.Random(seed)

    def drawn(self, count: int, letters: str = _BASE_62) -> str:
        """Characters that are drawn, with both cases and a digit among them if there are such."""
        while True:
            found = "".join(self._random.choices(letters, k=count))
            if all(
                set(kind).isdisjoint(letters) or not set(kind).isdisjoint(found)
                for kind in (string.digits, string.ascii_uppercase, string.ascii_lowercase)
            ):
                return found

    def checked(self, head: str) -> str:
        """30 characters and their checksum: GitHub's, and npm's."""
        body = self.drawn(30)
        number, digits = zlib.crc32(body.encode()), ""
        for _ in range(6):
            number, digit = divmod(number, 62)
            digits = _BASE_62[digit] + digits
        return f"{head}{body}{digits}"

    def block(self, kind: str = "RSA ", *, newline: str = "\n", lines: int = 12) -> str:
        """A private key in PEM."""
        begin, end = f"-----BEGIN {kind}PRIVATE KEY-----", f"-----END {kind}PRIVATE KEY-----"
        data = [self.drawn(64, _BASE_62 + "+/") for _ in range(lines)]
        return newline.join((begin, *data, self.drawn(30) + "==", end))

    def of(self, family: str) -> list[str]:
        """The forms that keys of a family have."""
        drawn, made = self.drawn, "T3Blbk" + "FJ"
        urls, hexa = _BASE_64, _HEX
        forms = {
            "openai-key": [
                f"sk-proj-{drawn(74, urls)}{made}{drawn(74, urls)}",
                f"sk-svcacct-{drawn(58, urls)}{made}{drawn(58, urls)}",
                f"sk-{drawn(20)}{made}{drawn(20)}",
            ],
            "anthropic-key": [
                f"sk-ant-api03-{drawn(93, urls)}AA",
                f"sk-ant-admin01-{drawn(93, urls)}AA",
                f"sk-ant-oat01-{drawn(93, urls)}AA",
            ],
            "google-key": [
                f"AIzaSy{drawn(33, urls)}",
                f"AQ.Ab{drawn(48, urls)}",
                f"GOCSPX-{drawn(28, urls)}",
            ],
            "aws-key-id": [
                f"AKIA{drawn(16, string.ascii_uppercase + '234567')}",
                f"ASIA{drawn(16, string.ascii_uppercase + '234567')}",
            ],
            "aws-bedrock-key": [f"ABSK{drawn(128)}", f"bedrock-api-key-{drawn(300)}"],
            "github-token": [
                *(self.checked(head) for head in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
                f"ghs_1234567_eyJ{drawn(60, urls)}.{drawn(200, urls)}.{drawn(170, urls)}",
                f"github_pat_{drawn(22)}_{drawn(59)}",
            ],
            "gitlab-token": [
                f"glpat-{drawn(20, urls)}",
                f"glpat-{drawn(40, urls)}.01.1{drawn(8, hexa)}",
                f"gldt-{drawn(20, urls)}",
                f"glptt-{drawn(40, hexa)}",
            ],
            "slack-token": [
                f"xoxb-{drawn(12, string.digits)}-{drawn(13, string.digits)}-{drawn(24)}",
                f"xoxp-{drawn(12, string.digits)}-{drawn(12, string.digits)}-{drawn(32, hexa)}",
                f"xapp-1-A0{drawn(9, string.digits)}-{drawn(13, string.digits)}-{drawn(64, hexa)}",
                f"xoxe.xoxp-1-{drawn(163)}",
            ],
            "slack-webhook": [f"hooks.slack.com/services/T0{drawn(8, '123')}/B0A/{drawn(24)}"],
            "stripe-key": [
                f"sk_live_{drawn(24)}",
                f"rk_live_51{drawn(97)}",
                f"whsec_{drawn(32)}",
            ],
            "huggingface-token": [f"hf_{drawn(34, string.ascii_letters)}"],
            "npm-token": [self.checked("npm_")],
            "pypi-token": [
                f"pypi-AgEIcHlwaS5vcmc{drawn(150, urls)}",
                f"pypi-AgENdGVzdC5weXBpLm9yZw{drawn(150, urls)}",
            ],
            "twilio-key": [f"SK{drawn(32, hexa)}"],
            "sendgrid-key": [f"SG.{drawn(22, urls)}.{drawn(43, urls)}"],
            "telegram-token": [f"{drawn(10, '123456789')}:AA{drawn(33, urls)}"],
            "private-key": [
                self.block(),
                self.block("OPENSSH "),
                self.block("", newline="\\n"),
                self.block("EC ", newline="\r\n", lines=2),
                f"AGE-SECRET-KEY-1{drawn(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}",
            ],
            "openrouter-key": [f"sk-or-v1-{drawn(64, hexa)}"],
            "deepseek-key": [f"sk-{drawn(32, hexa)}"],
            "xai-key": [f"xai-{drawn(80)}"],
            "groq-key": [f"gsk_{drawn(52)}"],
            "perplexity-key": [f"pplx-{drawn(48)}"],
            "nvidia-key": [f"nvapi-{drawn(64, urls)}"],
            "replicate-token": [f"r8_{drawn(37)}"],
            "digitalocean-token": [f"dop_v1_{drawn(64, hexa)}"],
            "databricks-token": [f"dapi{drawn(32, hexa)}", f"dapi{drawn(32, hexa)}-2"],
            "docker-token": [f"dckr_pat_{drawn(27, urls)}"],
            "shopify-token": [f"shpat_{drawn(32, hexa)}"],
            "linear-key": [f"lin_api_{drawn(40)}"],
            "notion-token": [f"ntn_{drawn(11, string.digits)}{drawn(35)}"],
            "postman-key": [f"PMAK-{drawn(24, hexa)}-{drawn(34, hexa)}"],
            "rubygems-key": [f"rubygems_{drawn(48, hexa)}"],
            "grafana-token": [f"glsa_{drawn(32)}_{drawn(8, hexa)}"],
            "vault-token": [f"hvs.{drawn(95, urls)}"],
        }
        return forms[family]
