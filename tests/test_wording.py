import pytest

from hfs_cli.cli import hfs
from hfs_cli.completion.tree import read_tree
from hfs_cli.config.settings import MODEL_SETTINGS, PROVIDER_SETTINGS, SETTINGS
from hfs_cli.known_models import known_ids
from hfs_cli.providers.presets import PRESETS
from hfs_cli.wording import did_you_mean, money, near_names, plural, price

COMMANDS = {command.name for command in read_tree(hfs).walk()}
OPTIONS = {name[2:] for c in read_tree(hfs).walk() for o in c.options for name in o.long}
MODELS = {*known_ids("anthropic"), *known_ids("groq")}
VOCABULARIES = {
    "commands": COMMANDS,
    "options": OPTIONS,
    "settings": {*SETTINGS, *PROVIDER_SETTINGS, *MODEL_SETTINGS},
    "providers": set(PRESETS),
    "models": MODELS,
}


def slips(name: str) -> set[str]:
    """What becomes of a name when a key is missed, hit twice or hit too early."""
    return {
        typed
        for i in range(len(name))
        for typed in (
            name[:i] + name[i + 1 :],
            name[:i] + name[i] + name[i:],
            name[:i] + name[i + 1 : i + 2] + name[i] + name[i + 2 :],
        )
    }


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0.00"),
        (1, "1.00"),
        (1234.56789, "1234.5679"),
        (0.25, "0.25"),
        (0.0282, "0.0282"),
        (0.00999, "0.01"),
        (0.001, "0.001"),
        (0.000314, "0.00031"),
        (1e-8, "0.00000001"),
        (2.8e-17, "0.00"),
    ],
)
def test_an_amount_of_money_has_no_exponent_and_is_not_0_unless_it_is(amount, words):
    assert money(amount) == words


@pytest.mark.parametrize(
    ("amount", "digits"),
    [
        (0.075, "0.075"),
        (0.01875, "0.01875"),
        (0.00686, "0.00686"),
        (2.5e-7, "0.00000025"),
        (10, "10.00"),
        (0.1, "0.10"),
        (12345.67, "12345.67"),
        (0.0, "0.00"),
    ],
)
def test_a_price_has_the_digits_that_its_vendor_gave_it(amount, digits):
    assert price(amount) == digits


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 sessions"), (1, "1 session"), (2, "2 sessions")]
)
def test_one_is_the_only_singular(count, words):
    assert plural(count, "session") == words


def test_the_nearest_names_are_offered_and_no_more_than_asked_for():
    known = ["chat", "chart", "list"]
    assert did_you_mean("chta", known, 1) == ": did you mean chat?"
    assert did_you_mean("chrat", known) == ": did you mean chat or chart?"


def test_without_a_near_name_the_error_goes_on_otherwise():
    assert did_you_mean("xyz", ["chat"]) == ""
    assert did_you_mean("xyz", ["chat"], otherwise=" (known: chat)") == " (known: chat)"


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_the_slip_of_a_finger_is_answered_with_the_name(kind):
    known = sorted(VOCABULARIES[kind])
    for name in (name for name in known[:: 1 + len(known) // 20] if len(name) > 3):
        for typed in slips(name) - {*known}:
            assert name in near_names(typed, known, len(known)), typed


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Sesions", "sessions"),
        ("chekcpionts", "checkpoints"),
        ("templtaes", "templates"),
        ("tempature", "temperature"),
        ("temp", "temperature"),
        ("tokens", "max-tokens"),
        ("max_token", "max-tokens"),
        ("api_key", "api_key_env"),
        ("url", "base_url"),
        ("antrophic", "anthropic"),
        ("claud-sonet", "claude-sonnet-5"),
    ],
)
def test_what_is_half_right_is_answered_too(typed, name):
    known = sorted(set().union(*VOCABULARIES.values()))
    assert name in near_names(typed, known, 3)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        *(("providers", typed) for typed in ("nope", "broke", "official", "short", "none")),
        *(("commands", typed) for typed in ("morning", "prepare", "travel", "enrich")),
        *(("options", typed) for typed in ("redact", "carries", "wires", "repeat", "x", "")),
        *(("settings", typed) for typed in ("review", "product", "triggers", "warning")),
        *(("models", typed) for typed in ("nope", "directories", "price", "what")),
    ],
)
def test_what_is_another_word_is_answered_with_no_guess(kind, typed):
    assert near_names(typed, VOCABULARIES[kind]) == []


def test_a_long_text_is_not_compared_with_names():
    assert near_names("x" * 1_000_000, MODELS) == []


def test_the_nearest_come_first_and_those_that_begin_so_last():
    assert near_names("lsit", ["listen", "gist", "list"], 3) == ["list"]
    assert near_names("lis", ["gist", "list-all", "list"], 9) == ["list", "list-all"]
