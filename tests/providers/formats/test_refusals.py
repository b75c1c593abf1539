"""What refusals mean: the vendors' statuses, codes and words, and the exit codes they become."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_cli.config.settings import PROVIDER_TYPES
from hfs_cli.errors import UnavailableError
from hfs_cli.providers.formats import load_format
from hfs_cli.providers.formats.refusals import refusal
from hfs_cli.providers.formats.vendor_words import vendor_message
from hfs_cli.providers.formats.wire import MAX_MESSAGE, Context
from hfs_cli.providers.presets import PRESETS
from tests.providers.asking import ASK, WIRES, ask
from tests.providers.formats.page import ERRORS

KEY = "sk-canary-0123456789"


def told(status: int, body: object, *, model: str = "gpt-x") -> str:
    """The exit code and the message."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    context = Context("vendor", model, "set KEY", secrets=(KEY,))
    error = refusal(status, data, context)
    return f"{error.exit_code} {error.message}"


def error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


# The words are the vendors', shortened: those who made each format, by its name, and others.
UNKNOWN_MODEL = {
    "openai": (404, error("The model `gpt-x` does not exist", code="model_not_found")),
    "responses": (404, error("The model `gpt-x` does not exist", code="model_not_found")),
    "anthropic": (404, error("model: gpt-x", type="not_found_error")),
    "gemini": (404, error("models/gpt-x is not found for API version v1beta")),
    "ollama": (404, {"error": 'model "gpt-x" not found, try pulling it first'}),
    "OpenAI, no access": (403, error("no access to it", code="model_not_found")),
    "LiteLLM": (400, error("Invalid model name passed in model=gpt-x. Call /v1/models")),
    "DeepSeek": (400, error("Model Not Exist", type="invalid_request_error")),
    "Groq": (400, error("it has been retired", code="model_decommissioned")),
    "OpenRouter": (400, error("gpt-x is not a valid model ID", code=400)),
    "Mistral": (400, {"message": "Invalid model: gpt-x", "type": "invalid_model"}),
    "Perplexity": (400, error("Invalid model 'gpt-x'. Permitted models are …")),
    "Fireworks": (404, error("Model not found, inaccessible, and/or not deployed")),
}


def test_every_format_has_its_words_for_a_model_that_it_does_not_know():
    assert {*WIRES} <= {*UNKNOWN_MODEL}


@pytest.mark.parametrize(("status", "body"), UNKNOWN_MODEL.values(), ids=UNKNOWN_MODEL)
def test_a_model_that_a_vendor_does_not_know_is_not_found(status, body):
    assert told(status, body).startswith(f'4 vendor has no model "gpt-x" ({status}): ')


def test_a_model_that_is_unknown_by_a_400_is_not_asked_for_again(server):
    server.reply(error("Model Not Exist"), status=400)
    answer = ask(server.url)
    assert answer.exit_code == 4
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        "The parameter temperature is not supported with this model",
        "This model's maximum context length is 8192 tokens",
        "invalid model parameters",
        "gpt-x: an image is not a valid prompt",
    ],
)
def test_another_refusal_that_speaks_of_the_model_is_not_about_its_name(said):
    assert told(400, error(said)).startswith("5 vendor (gpt-x) refused the request")


@pytest.mark.parametrize("wire", PROVIDER_TYPES)
def test_a_refusal_is_told_in_the_vendors_words(wire):
    assert told(503, ERRORS[wire][0]).startswith(
        "5 vendor (gpt-x) is unavailable (503): Overloaded "
    )


def test_a_wrong_key_by_a_400_is_a_wrong_key():
    details = [{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    body = error("API key not valid. Pass one.", code=400, details=details)
    assert told(400, body) == (
        "3 vendor refused the key (400): API key not valid. Pass one — set KEY"
    )


def test_a_403_may_be_about_something_else_than_the_key():
    assert told(403, error("Country, region, or territory not supported")) == (
        "3 vendor refused access (403): Country, region, or territory not supported"
        " — if the key is why, set KEY"
    )


def test_a_sentence_of_the_vendors_leaves_its_full_stop_to_ours():
    assert told(503, error("Come back later.")).startswith(
        "5 vendor (gpt-x) is unavailable (503): Come back later — "
    )
    assert "(503): Loading... — " in told(503, error("Loading..."))


def test_a_field_that_a_server_refuses_is_named():
    detail = [{"loc": ["body", "messages", 0, "role"], "msg": "Field required", "type": "missing"}]
    assert "(422): body.messages.0.role: Field required" in told(422, {"detail": detail})
    body = error("Unsupported value", param="temperature", code=None)
    assert told(400, body).endswith("(400): Unsupported value (field temperature)")


def test_what_the_upstream_of_a_gateway_said_is_shown():
    raw = json.dumps(error("prompt too odd", code=400))
    body = error("Provider returned error", metadata={"raw": raw})
    assert told(400, body).endswith("(400): Provider returned error: prompt too odd")
    body = error(f"litellm.BadRequestError: OpenAIException - {raw}")
    assert told(400, body).endswith("litellm.BadRequestError: OpenAIException: prompt too odd")


@pytest.mark.parametrize(
    "body",
    [b"404 page not found", b"", b"<html>404</html>", {"detail": "Not Found"}],
)
def test_a_body_that_tells_no_more_than_404_is_an_address_where_nothing_is(body):
    assert told(404, body).startswith("5 vendor has nothing at ")


@pytest.mark.parametrize("end", ["/foo", "/v1", "/v1beta"])
@pytest.mark.parametrize("wire", WIRES)
def test_an_address_where_nothing_is_is_told_with_what_may_be_wrong(server, wire, end):
    server.reply(b"404 page not found", status=404)
    form = load_format(wire)
    base_url = server.origin + end
    answer = ask(base_url, wire=wire)
    hint = "check base_url"
    if form.version and not end.startswith("/v1"):
        hint = f"does base_url lack {form.version} at its end?"
    elif end.startswith("/v1") and not form.version:
        hint = f"base_url must not end with {end} for this format"
    where = base_url + form.path(ASK).partition("?")[0]
    assert answer.message == f"vendor has nothing at {where} (404) — {hint}"


@pytest.mark.parametrize("wire", sorted({*WIRES} & {*PRESETS}))
def test_the_end_that_is_asked_for_is_that_of_the_vendors_own_address(wire):
    version = load_format(wire).version
    assert PRESETS[wire].base_url.endswith(version)
    assert version or not re.search(r"/v\d", PRESETS[wire].base_url)


def test_a_refusal_of_what_has_no_model_has_no_brackets_for_it():
    assert told(418, error("no"), model="") == "5 vendor failed (418): no"


def test_a_provider_that_refuses_its_list_is_named_alone(hfs, server):
    server.reply(error("no lists here"), status=404)
    hfs.configure(f'[providers.box]\ntype = "openai"\nbase_url = "{server.url}"\n')
    done = hfs("models", "list", "box")
    assert (done.returncode, done.stderr.decode()) == (
        5,
        "hfs: error: box refused the request (404): no lists here\n",
    )


def test_a_model_that_is_listed_and_yet_refused_is_not_what_was_meant(hfs, server):
    hfs.configure(f'[providers.box]\ntype = "openai"\nbase_url = "{server.url}"\n')
    server.reply({"data": [{"id": "gpt-x"}, {"id": "gpt-x2"}]})
    hfs.ok("models", "list", "box")
    server.reply(error("gpt-x does not exist", code="model_not_found"), status=404)
    done = hfs("chat", "--no-save", "-m", "box/gpt-x", "hi")
    assert done.returncode == 4
    assert done.stderr.endswith(b"see: hfs models list box: did you mean gpt-x2?\n")


def test_a_data_policy_is_told_in_the_vendors_words():
    said = (
        "No endpoints found for gpt-x matching your data policy. Configure: https://openrouter.ai"
    )
    assert told(404, error(said)) == f"5 vendor (gpt-x) refused the request (404): {said}"


NAMES = ["error", "message", "detail", "metadata", "raw", "code", "loc", "msg", "param"]
JSON = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=20) | st.just(KEY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


@given(st.integers(300, 599), JSON | st.binary(max_size=50))
def test_any_body_becomes_one_short_line_without_the_key(status, body):
    message = told(status, body)
    assert KEY not in message
    assert "\n" not in message
    assert "\x1b" not in message
    assert len(message) < MAX_MESSAGE + 300


@pytest.mark.parametrize(
    "said",
    [
        "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
        "Unrecognized request argument supplied: reasoning_effort",
        "adaptive thinking is not supported on this model",
        "Thinking level is not supported for this model.",
        '"llama3.2:latest" does not support thinking',
    ],
)
def test_a_model_that_does_not_think_is_said_with_what_helps(said):
    assert told(400, error(said)) == (
        f"5 vendor (gpt-x) refused the request (400): {said.removesuffix('.')} — leave out"
        " --reasoning, or choose another model with -m"
    )


def test_only_what_may_be_gone_is_tried_again():
    def may_be_gone(status: int) -> bool:
        return isinstance(refusal(status, b"", Context("vendor", "m", "")), UnavailableError)

    assert set(filter(may_be_gone, range(300, 600))) == {408, 409, 429, *range(500, 600)}


def test_a_prompt_that_is_longer_than_ollamas_context_is_too_long():
    said = "the prompt is longer than the context length currently available to the model"
    assert "— give it more (-o num_ctx 32768), or leave out" in told(400, {"error": said})


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("write {name}", "write {name}"),
        ("it ends with [1] {", "it ends with [1] {"),
        ('Gateway - {"error": {"message": "no"}}', "Gateway: no"),
        ('{"detail": "no"}', "no"),
        ('wrapped {"not": 1', 'wrapped {"not": 1'),
        ({"detail": [{"loc": ["body", 0], "msg": "bad"}]}, "body.0: bad"),
        ({"message": "bad", "param": "top_p"}, "bad (field top_p)"),
        ({"message": "top_p is bad", "param": "top_p"}, "top_p is bad"),
        ({"message": "it said", "metadata": {"raw": "why"}}, "it said: why"),
        ({"type": "kind", "code": 7}, "kind"),
        ({"x": "ü"}, '{"x": "ü"}'),
        ({}, ""),
        (["first", "second"], "first"),
        (b"<html><title>502 Bad\nGateway</title><body>x</body></html>", "502 Bad Gateway"),
        (b"<b>too</b> many \xff", "too many \ufffd"),
        (7, "7"),
    ],
)
def test_the_vendors_own_words_are_found_in_an_error_of_any_shape(sent, said):
    assert vendor_message(sent) == said
