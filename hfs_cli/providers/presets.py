"""The settings of providers, and the presets: providers that need nothing but a key."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hfs_cli.config.keys import KeySource
from hfs_cli.providers.formats.wire import Quirks

# Labels between dots (RFC 1035, 2.3.4), or an IPv6 address with its zone, as from `urlsplit`.
_HOST = re.compile(
    r"(?=.{1,254}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9a-f]*:[0-9a-f:.]+(%\w+)?"
)


@dataclass(frozen=True, slots=True)
class Preset:
    """The built-in settings of a provider.

    Args:
        type: Its wire format.
        base_url: The URL that all paths are appended to.
        env_var: The environment variable of its key, as in the vendor's own tools, or None.
        model: Its default model, or None where that depends on the user.
        docs: A page about its models or quotas.
        quirks: How it deviates from its format.
        key_required: Whether it needs a key.
        options: Options that its models need to work well; the user's options override them.
        automatic: Whether a key in the environment makes it the default provider. Some keys, such
            as Hugging Face's, are usually there for other programs.
        also: Another environment variable of its key, which does not make it the default.
    """

    type: str
    base_url: str
    env_var: str | None = None
    model: str | None = None
    docs: str | None = None
    quirks: Quirks = field(default_factory=Quirks)
    key_required: bool = True
    options: Mapping[str, object] = field(default_factory=dict)
    automatic: bool = True
    also: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The settings of a provider, from its preset and the configuration.

    Args:
        name: Its name.
        type: Its wire format.
        base_url: The URL that all paths are appended to, without a slash at the end.
        key: Where its key is looked up.
        model: Its default model, or None.
        docs: A page about its models or quotas, or None.
        headers: Additional headers of each request.
        query: Additional query parameters of each request.
        ca_bundle: A PEM file of authorities to trust, or None.
        quirks: How it deviates from its format.
        options: Options that its models need to work well.
    """

    name: str
    type: str
    base_url: str
    key: KeySource
    model: str | None = None
    docs: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None
    quirks: Quirks = field(default_factory=Quirks)
    options: Mapping[str, object] = field(default_factory=dict)


def has_host(url: str) -> bool:
    """Whether the host and the port of a URL are well-formed."""
    try:
        address = urlsplit(url)
        host = address.hostname or ""
        if not host.isascii():
            host = host.encode("idna").decode()
        return _HOST.fullmatch(host) is not None and address.port != 0
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _openai(
    base_url: str,
    env_var: str,
    model: str,
    docs: str,
    quirks: Quirks = Quirks(),  # noqa: B008  it is frozen
    *,
    automatic: bool = True,
) -> Preset:
    return Preset("openai", base_url, env_var, model, docs, quirks, automatic=automatic)


def _on_this_machine(port: int, env_var: str | None, model: str | None, docs: str) -> Preset:
    return Preset("openai", f"http://127.0.0.1:{port}/v1", env_var, model, docs, key_required=False)


# Addresses and models were read in the vendors' pages and libraries on 2026-11-25. The models are
# small, current and without an announced end. Names with "latest" or "auto", and names of a line of
# models ("deepseek-flash"), stay valid when the vendor replaces the model behind them.
PRESETS: Mapping[str, Preset] = {
    "openai": Preset(
        "responses",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        # OpenAI's successor of its earlier small models; gpt-5-mini ends on 2026-12-11.
        "gpt-6-luna",
        "https://platform.openai.com/settings/organization/limits",
        Quirks(max_tokens="max_completion_tokens", cache="key"),
    ),
    "anthropic": Preset(
        "anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        "claude-haiku-5-5",
        "https://console.anthropic.com/settings/limits",
        Quirks(cache="automatic"),
    ),
    "gemini": Preset(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
        "gemini-flash-latest",
        "https://aistudio.google.com/usage",
        also="GOOGLE_API_KEY",
    ),
    "openrouter": _openai(
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        "openrouter/auto",
        "https://openrouter.ai/settings/credits",
    ),
    "groq": _openai(
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        "openai/gpt-oss-120b",
        "https://console.groq.com/settings/limits",
        Quirks(schema="groq"),
    ),
    "mistral": _openai(
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        "mistral-small-latest",
        "https://admin.mistral.ai/plateforme/limits",
        # It sends usage without being asked, and refuses unknown fields.
        Quirks(
            stream_usage=False,
            seed="random_seed",
            parts="mistral",
            cache="key",
            call_ids="[A-Za-z0-9]{9}",
        ),
    ),
    "deepseek": _openai(
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        "deepseek-flash",
        "https://platform.deepseek.com/usage",
        # https://api-docs.deepseek.com/guides/json_mode and /guides/thinking_mode
        Quirks(schema="object", demands_reasoning=True),
    ),
    "xai": _openai("https://api.x.ai/v1", "XAI_API_KEY", "grok-4.3", "https://console.x.ai"),
    "together": _openai(
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        "openai/gpt-oss-120b",
        "https://api.together.ai/settings/billing",
    ),
    "fireworks": _openai(
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        "accounts/fireworks/models/gpt-oss-120b",
        "https://app.fireworks.ai/account/billing",
    ),
    "cerebras": _openai(
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
        "gpt-oss-120b",
        "https://cloud.cerebras.ai",
    ),
    # Its chat completions ended on 2026-09-27, and Responses search the web only when asked to.
    "perplexity": Preset(
        "responses",
        "https://api.perplexity.ai/v1",
        "PERPLEXITY_API_KEY",
        "perplexity/sonar",
        "https://www.perplexity.ai/settings/api",
        Quirks(schema="beside", encrypted_reasoning=False),
        options={"tools": [{"type": "web_search"}]},
    ),
    "huggingface": _openai(
        "https://router.huggingface.co/v1",
        "HF_TOKEN",
        "openai/gpt-oss-120b",
        "https://huggingface.co/settings/billing",
        automatic=False,
    ),
    "vercel": _openai(
        "https://ai-gateway.vercel.sh/v1",
        "AI_GATEWAY_API_KEY",
        "openai/gpt-6-luna",
        "https://vercel.com/docs/ai-gateway",
    ),
    "moonshot": _openai(
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY",
        "kimi-k2.6",
        "https://platform.kimi.ai/console/limits",
        Quirks(schema="object"),
    ),
    "zai": _openai(
        "https://api.z.ai/api/paas/v4",
        "ZAI_API_KEY",
        "glm-5.3-flash",
        "https://z.ai/manage-apikey/rate-limits",
        Quirks(schema="object"),  # https://docs.z.ai/guides/capabilities/struct-output
    ),
    # It puts reasoning into the text, and has no response_format
    # (https://platform.minimax.io/docs/api-reference/text-openai-api, read 2026-11-29).
    "minimax": _openai(
        "https://api.minimax.io/v1",
        "MINIMAX_API_KEY",
        "MiniMax-M3.1-Flash",
        "https://platform.minimax.io/docs/guides/rate-limits",
        Quirks(schema="prompt", think_tags=True),
    ),
    # If an account has a workspace, its address goes into [providers.qwen].
    "qwen": _openai(
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        "qwen3.8-flash",
        "https://www.alibabacloud.com/help/en/model-studio/rate-limit",
        # Most of its models only have JSON mode: …/model-studio/qwen-structured-output
        Quirks(schema="object"),
    ),
    "nvidia": _openai(
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_API_KEY",
        "openai/gpt-oss-120b",
        "https://build.nvidia.com/models",
    ),
    "sambanova": _openai(
        "https://api.sambanova.ai/v1",
        "SAMBANOVA_API_KEY",
        "gpt-oss-120b",
        "https://docs.sambanova.ai/docs/en/models/rate-limits",
    ),
    "cohere": _openai(
        "https://api.cohere.ai/compatibility/v1",
        "COHERE_API_KEY",
        "command-a-03-2025",
        "https://dashboard.cohere.com/billing",
        Quirks(stream_usage=False),  # it refuses stream_options
    ),
    # The address of another region goes into [providers.bedrock]. Its key in the environment is
    # often meant for other programs.
    "bedrock": _openai(
        "https://bedrock-mantle.us-east-1.api.aws/v1",
        "AWS_BEARER_TOKEN_BEDROCK",
        "openai.gpt-oss-120b",
        "https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html",
        automatic=False,
    ),
    # Each customer has an address of its own: [providers.azure] needs base_url (with the
    # deployment) and query.api-version.
    "azure": Preset(
        "openai",
        "",
        "AZURE_OPENAI_API_KEY",
        None,
        "https://learn.microsoft.com/azure/ai-services/openai/reference",
        Quirks(max_tokens="max_completion_tokens", key_header="api-key", cache="key"),
    ),
    "ollama": Preset(
        "ollama",
        "http://127.0.0.1:11434",
        "OLLAMA_API_KEY",
        None,
        "https://ollama.com/library",
        key_required=False,
    ),
    "lmstudio": _on_this_machine(1234, None, None, "https://lmstudio.ai/docs"),
    "llama-server": _on_this_machine(
        8080, "LLAMA_API_KEY", "default", "https://github.com/ggml-org/llama.cpp"
    ),
    "vllm": _on_this_machine(8000, "VLLM_API_KEY", None, "https://docs.vllm.ai"),
    "local": Preset(
        type="local",
        base_url="",
        model="smollm2",
        key_required=False,
        # Without a penalty, a model this small repeats itself for ever.
        options={"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1},
    ),
}

# Presets that were removed, and why; sessions may still name their models.
GONE: Mapping[str, str] = {
    "github": "GitHub Models was retired on 2026-07-30: choose another model with -m",
}
