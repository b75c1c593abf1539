"""Keys of every family are found in whatever stands around them, and nothing else is."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from urllib.parse import quote

import pytest

from hfs_cli.redact.checks import is_checked
from hfs_cli.redact.families import FAMILIES
from hfs_cli.redact.find import find, redacted, redacted_value, strings
from tests.redact.keys import Keys

# Without a sign of their own: they are found by what stands beside them.
BY_CONTEXT = {"aws-secret"}
NAMES = sorted({family.name for family in FAMILIES})
AROUND = (
    "{}",
    "my key is {}.",
    "export KEY={}\n",
    'client = Client(api_key="{}")',
    "Authorization: Bearer {}\r\nAccept: */*",
    "`{}`, was it?",
    "ключ:{}。",
    "[{}](x)",
    "key\t{}\t",
)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_CONTEXT])
def test_a_key_is_found_whatever_stands_around_it(name):
    keys = Keys()
    for around in AROUND:
        for key in keys.of(name):
            text = around.format(key)
            (found,) = find(text)
            assert (found.family, text[found.start : found.end]) == (name, key), text
            assert redacted(text) == around.format(f"[redacted {name}]")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_CONTEXT])
def test_each_of_several_keys_is_found_however_close_they_stand(name):
    for key in Keys(4).of(name):
        for between in (" ", "\n", ", ", f"\n\n## a.txt\n\n{'word ' * 5}"):
            assert redacted(between.join([key] * 4)) == between.join([f"[redacted {name}]"] * 4)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_CONTEXT])
def test_a_key_in_an_escaped_text_is_found(name):
    for key in Keys(2).of(name):
        for text in (json.dumps(f"a\n{key}\tb"), quote(f"a={key}&b", safe=":/")):
            if "PRIVATE KEY" not in key or "%" not in text:
                assert [found.family for found in find(text)] == [name], text


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_CONTEXT])
def test_no_more_is_shown_than_how_all_begin_and_four_characters(name):
    for key in Keys(3).of(name):
        (found,) = find(key)
        head, _, tail = found.excerpt.partition("…")
        assert key.startswith(head)
        assert len(tail) in {0, 4}
        assert key.endswith(tail)
        assert len(head) + len(tail) <= len(key) - 16


def test_the_secret_of_an_aws_key_is_found_by_what_stands_beside_it():
    keys = Keys()
    for _ in range(20):
        (number, _), secret = keys.of("aws-key-id"), keys.drawn(40)
        for text in (
            f"aws_secret_access_key = {secret}\n",
            f'"SecretAccessKey": "{secret}",',
            f"Secret access key: {secret}",
            f"export AWS_SECRET_ACCESS_KEY='{secret}'",
        ):
            (found,) = find(text)
            assert (found.family, text[found.start : found.end]) == ("aws-secret", secret), text
            assert found.excerpt == f"…{secret[-4:]}"
        text = f"Access key ID,Secret access key\n{number},{secret}\n"
        assert [found.family for found in find(text)] == ["aws-key-id", "aws-secret"]
        assert secret not in redacted(text)
        session = f'"SessionToken": "{keys.drawn(300)}=="'
        assert [found.family for found in find(session)] == ["aws-secret"]


def test_a_token_of_twilio_is_found_by_its_name():
    token = Keys().drawn(32, "0123456789abcdef")
    assert [found.family for found in find(f'TWILIO_AUTH_TOKEN="{token}"')] == ["twilio-key"]


def test_the_checksum_is_that_of_tokens_that_were_published_after_they_had_expired():
    # https://github.com/coolaj86's notes on the format, and secretlint's issue 200.
    assert is_checked("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17")
    assert is_checked("qkJaB6MffYVzZXWqmcoF49yrUxP3wf" + "0LsakP")
    token = Keys().checked("ghp_")
    assert not find(token[:-1] + ("a" if token[-1] != "a" else "b"))


def test_a_block_that_was_cut_is_found_and_what_follows_it_stays():
    block = Keys().block()
    cut = "\n".join(block.splitlines()[:5])
    assert redacted(f"{cut}\n\nWhat is this?") == "[redacted private-key]\n\nWhat is this?"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_CONTEXT])
def test_of_a_key_that_breaks_off_no_more_stays_than_how_all_begin(name):
    for key in Keys(4).of(name):
        head = find(key)[0].excerpt.partition("…")[0]
        # Five characters do not give a secret away, and so few do not look like a key.
        for size in range(len(head) + 6, len(key), 1 if len(key) < 300 else 29):
            text = redacted(f"export KEY={key[:size]}", broken_off=True)
            assert text.startswith("export KEY=[redacted "), (size, text)
            assert key[len(head) : len(head) + 6] not in text
            assert text.endswith("]"), (size, text)


def test_a_secret_that_is_known_by_its_name_and_breaks_off_is_found():
    keys = Keys(5)
    (number, _), secret = keys.of("aws-key-id"), keys.drawn(40)
    for lead in (
        "aws_secret_access_key = ",
        f"{number},",
        "AWS_SESSION_TOKEN=",
        '"SessionToken": "',
    ):
        cut = redacted(f"{lead}{secret[:20]}", broken_off=True)
        assert cut.endswith("[redacted aws-secret]"), cut
        assert secret[:6] not in cut


def test_a_key_that_breaks_off_is_told_by_the_longest_beginning_and_shows_no_end():
    keys = Keys(6)
    for name in ("openrouter-key", "anthropic-key"):
        (found,) = find(f"as in {keys.of(name)[0][:30]}", broken_off=True)
        assert (found.family, found.excerpt[-1]) == (name, "…")
    whole = keys.of("deepseek-key")[0]
    assert find(whole, broken_off=True) == find(whole)
    first = keys.checked("ghp_")
    assert redacted(f"{first} and {whole[:20]}", broken_off=True) == (
        "[redacted github-token] and [redacted openai-key]"
    )


def test_a_key_that_breaks_off_is_found_beside_a_name_that_begins_as_it_does():
    keys = Keys(7)
    for name, key in (("huggingface-token", "hf_"), ("npm-token", "npm_")):
        text = f"{key}token={keys.of(name)[0][:20]}"
        assert redacted(text, broken_off=True) == f"{key}token=[redacted {name}]"


@pytest.mark.parametrize(
    "text",
    [
        "from sk-learn",
        "sk-your-key-here",
        "ask-whoever-knows",
        "a task-0123456789abcdef",
        "npm_test and npm_",
        "ghp_",
        "the SK8 park",
        "the SKETCHES",
        "the order SKU-100234",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIB",
        "-----BEGIN PRIVATE KEY----- is how it begins; what follows is base64.",
        "AKIA and so on, and on",
        "",
    ],
)
def test_ordinary_text_that_breaks_off_stays(text):
    assert redacted(text, broken_off=True) == text


def test_many_keys_are_replaced_each_by_its_family():
    keys = Keys()
    one, two = keys.checked("ghp_"), keys.of("slack-token")[0]
    text = f"{one} {two}, {one}"
    assert redacted(text) == (
        "[redacted github-token] [redacted slack-token], [redacted github-token]"
    )


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-YOUR_API_KEY_HERE",
        "sk-ant-api03-" + "x" * 95,
        "sk-ant-api03-your-key-goes-here-" + "a1B2" * 20,
        "AIzaSyABCDEFGHIJKLMNOPQRSTUVWXYZ1234567",
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ASIANDEVELOPMENTBANK",
        "ghp_" + "a" * 36,
        "ghp_1234567890abcdefghijklmnopqrstuvwxyz",
        "glpat-your-access-token-here",
        "xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "hf_" + "x" * 34,
        "npm_install_and_run_the_whole_of_the_suite",
        "SK" + "0" * 32,
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n",
        "commit 6f1ed002ab5595859014ebf0951522d9d8f0bbd4",
        "sha256:" + "deadbeef" * 8,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
        "task-0123456789abcdef0123456789abcdef",
        "12:34:56:AB:CD",
    ],
)
def test_what_is_an_example_or_something_else_stays(text):
    assert find(text) == []
    assert redacted(text) == text


def test_ordinary_text_and_code_hold_no_keys():
    """The standard library; only its certificates to test with are what they look like."""
    library = Path(sysconfig.get_path("stdlib"))
    read = 0
    for path in sorted(library.glob("[a-h]*.py")):
        text = path.read_text("utf-8", "replace")
        assert find(text) == [], path
        read += len(text)
    assert read > 500_000


def test_the_manual_names_every_kind():
    page = (Path(__file__).parents[2] / "docs/secrets.md").read_text("utf-8")
    named = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert named == NAMES


def test_a_value_as_deep_as_any_is_looked_through():
    key = Keys().checked("ghp_")
    value: object = {"a": ("first", {key: None})}
    for _ in range(5000):
        value = [value, 1]
    assert list(strings(value)) == ["a", "first", key]
    inside = redacted_value(value)
    while isinstance(inside, list):
        inside, one = inside
        assert one == 1
    assert inside == {"a": ["first", {"[redacted github-token]": None}]}
