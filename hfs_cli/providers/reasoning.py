"""`--reasoning`: how much a model thinks before it answers, as an option of each vendor.

Loaded only when it is asked for. Each vendor's way was read in its library's types or its pages on
2026-11-25. A level that a model does not have is refused by the vendor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hfs_cli.errors import UsageError
from hfs_cli.providers.choose import ModelChoice
from hfs_cli.providers.formats.claude import version_of

Options = dict[str, object]

# Tokens for thinking, where a vendor counts them instead of naming levels.
_BUDGETS: Mapping[str, int] = {"low": 2048, "medium": 8192, "high": 16384, "max": 32000}
_ROOM_FOR_THE_ANSWER = 8192


def reasoning_options(choice: ModelChoice, level: str, max_tokens: object = None) -> Options:
    """The options that make a model think that much, and return its reasoning.

    Args:
        choice: The model and its provider.
        level: One of `hfs_cli.config.settings.REASONING_LEVELS`; ``max`` is the most that the
            model can do.
        max_tokens: The limit on output tokens, or None. Older Claude models must think within it.

    Raises:
        UsageError: The provider's format has no such option.
    """
    model = choice.model.lower()
    if choice.provider.type == "anthropic":
        return _claude(level, model, max_tokens)
    speak = _VENDORS.get(choice.provider.name) or _FORMATS.get(choice.provider.type)
    if speak is None:
        raise UsageError(
            f"the format {choice.provider.type} cannot express --reasoning: leave it out"
        )
    return speak(level, model)


def _version(model: str, family: str) -> tuple[int, int]:
    """The version in a model's name, (0, 0) where there is none.

    For example, (5, 6) for ``gpt-5.6``, (6, 0) for ``gpt-6-luna``, (3, 7) for ``gemini-3.7-flash``.
    """
    found = re.search(rf"{family}-(\d{{1,2}})(?:[.-](\d{{1,2}})(?!\d))?(?!\d)", model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


# --- the formats' own ways --------------------------------------------------------------


def _effort(level: str, model: str) -> Options:
    """OpenAI's chat completions; of other vendors' models no level above high is known."""
    return {"reasoning_effort": _openai_level(level, model)}


def _responses(level: str, model: str) -> Options:
    if level == "none":
        return {"reasoning": {"effort": "none"}}
    return {"reasoning": {"effort": _openai_level(level, model), "summary": "auto"}}


def _openai_level(level: str, model: str) -> str:
    """OpenAI's name for a level: ``xhigh`` came with gpt-5.2 and ``max`` with gpt-5.6."""
    version = _version(model, "gpt")
    if level == "max":
        return "max" if version >= (5, 6) else "xhigh" if version >= (5, 2) else "high"
    return level


def _claude(level: str, model: str, max_tokens: object) -> Options:
    """Since Claude 4.6 adaptive thinking with an effort, before that a number of tokens.

    https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
    """
    version = version_of(model)
    if level == "none":
        # Sonnet 5.5 takes "between_tools" instead of "disabled"; some models always think.
        kind = "between_tools" if "sonnet-5-5" in model else "disabled"
        return {"thinking": {"type": kind}}
    if version and version.number >= (4, 6):
        thinking = {"type": "adaptive", "display": "summarized"}
        return {"thinking": thinking, "output_config": {"effort": level}}
    budget = _BUDGETS[level]
    limit: Options = {}
    if isinstance(max_tokens, int):
        # The vendor demands 1024 or more, and refuses an even lower max_tokens itself.
        budget = max(1024, min(budget, max_tokens - 1))
    else:
        limit = {"max_tokens": budget + _ROOM_FOR_THE_ANSWER}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}, **limit}


def _gemini(level: str, model: str) -> Options:
    """Since Gemini 3 levels, before that a number of tokens.

    Since Gemini 3 thinking cannot be switched off. So ``none`` is the lowest level of a model:
    low for the large Flash models since 3.7, and minimal for the others.
    """
    version = _version(model, "gemini")
    if version and (2, 0) <= version < (3, 0):
        most = 32768 if "pro" in model else 24576
        budget = 0 if level == "none" else min(_BUDGETS[level], most)
        return {"thinkingConfig": {"thinkingBudget": budget, "includeThoughts": budget > 0}}
    large_flash = "flash" in model and "lite" not in model
    newest = version >= (3, 7) or model.endswith("-latest")
    least = "low" if large_flash and newest else "minimal"
    word = {"none": least, "max": "high"}.get(level, level)
    return {"thinkingConfig": {"thinkingLevel": word, "includeThoughts": level != "none"}}


def _ollama(level: str, model: str) -> Options:
    """On or off; only gpt-oss has levels (https://docs.ollama.com/capabilities/thinking)."""
    if "gpt-oss" in model:
        return {"think": {"none": False, "max": "high"}.get(level, level)}
    return {"think": level != "none"}


def _template(level: str, model: str) -> Options:
    """Servers that pass the options to the model's chat template."""
    effort = _openai_level(level, model)
    on = {"enable_thinking": level != "none", "reasoning_effort": effort}
    return {"chat_template_kwargs": on}


# --- vendors that deviate from their format ---------------------------------------------


def _switched(level: str, model: str) -> Options:  # noqa: ARG001  one way for all models
    return {"thinking": {"type": "disabled" if level == "none" else "enabled"}}


def _deepseek(level: str, model: str) -> Options:
    switch = _switched(level, model)
    return switch if level == "none" else {**switch, "reasoning_effort": level}


def _moonshot(level: str, model: str) -> Options:
    if level == "none" or not model.startswith("kimi-k3"):
        return _switched(level, model)
    return {"reasoning_effort": "high" if level == "medium" else level}


def _qwen(level: str, model: str) -> Options:  # noqa: ARG001  one way for all models
    if level in {"none", "max"}:
        return {"enable_thinking": level == "max"}
    return {"enable_thinking": True, "thinking_budget": _BUDGETS[level]}


def _groq(level: str, model: str) -> Options:
    if "gpt-oss" in model:
        return _effort(level, model)
    word = "high" if level == "max" else level
    if level != "none" and "qwen3.8" not in model:
        word = "default"  # older Qwen models are on or off
    return {"reasoning_effort": word, "reasoning_format": "parsed"}


def _xai(level: str, model: str) -> Options:
    most = "xhigh" if _version(model, "grok") >= (4, 6) else "high"
    return {"reasoning_effort": most if level == "max" else level}


_FORMATS: Mapping[str, Callable[[str, str], Options]] = {
    "openai": _effort,
    "responses": _responses,
    "gemini": _gemini,
    "ollama": _ollama,
    "local": _template,
}
_VENDORS: Mapping[str, Callable[[str, str], Options]] = {
    # These map all levels themselves.
    "openrouter": lambda level, _: {"reasoning": {"effort": level}},
    "vercel": lambda level, _: {"reasoning": {"effort": level}},
    "mistral": lambda level, _: {"reasoning_effort": level},
    # These have fewer or other levels.
    "cohere": lambda level, _: {"reasoning_effort": "none" if level == "none" else "high"},
    "perplexity": lambda level, _: {
        "reasoning": {"effort": {"none": "minimal", "max": "xhigh"}.get(level, level)}
    },
    "deepseek": _deepseek,
    "groq": _groq,
    "minimax": _switched,
    "moonshot": _moonshot,
    "qwen": _qwen,
    "together": lambda level, model: (
        {"reasoning": {"enabled": False}} if level == "none" else _effort(level, model)
    ),
    "xai": _xai,
    "zai": _deepseek,
    "llama-server": _template,
    "vllm": _template,
}
