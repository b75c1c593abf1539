"""`--search` in each vendor's own words: the web search that it runs itself.

Loaded only when it is asked for. Each vendor's way is as its own library's types or pages had it
on 2026-11-29; whether a model may use it, the vendor says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hfs_cli.errors import UsageError
from hfs_cli.messages import Request
from hfs_cli.providers.presets import ProviderSettings

_WEB_SEARCH = {"type": "web_search"}
# openai 3.57, responses/web_search_tool_param.py; google-genai 3.6, types.py, Tool; anthropic 2.14,
# types/web_search_tool_20250305_param.py, which all of its models take.
_FORMATS: Mapping[str, Mapping[str, object]] = {
    "responses": _WEB_SEARCH,
    "anthropic": {"type": "web_search_20250305", "name": "web_search"},
    "gemini": {"googleSearch": {}},
}
# Vendors of chat completions that search.
_VENDORS: Mapping[str, Mapping[str, object]] = {
    # In place of the plug-in and of ":online":
    # https://openrouter.ai/docs/guides/features/server-tools/web-search
    "openrouter": {"type": "openrouter:web_search"},
    # https://console.groq.com/docs/browser-search; its compound systems search by themselves
    "groq": {"type": "browser_search"},
    # https://docs.x.ai/docs/guides/tools/overview: as Responses alone
    "xai": _WEB_SEARCH,
}
_BY_RESPONSES = frozenset({"xai"})


def search_format(settings: ProviderSettings) -> str:
    """The format in which a provider searches: its own, but for those that search in another."""
    return "responses" if settings.name in _BY_RESPONSES else settings.type


def with_search(settings: ProviderSettings, request: Request) -> Request:
    """A request that lets the vendor search the web.

    Raises:
        UsageError: It cannot.
    """
    options = dict(request.options)
    if re.search(r"search-(preview|api)", request.model) and settings.type == "openai":
        # OpenAI's models that search in chat completions (chat/completion_create_params.py).
        options.setdefault("web_search_options", {})
        return request._replace(options=options)
    if settings.name == "groq" and "compound" in request.model:
        return request
    tool = _VENDORS.get(settings.name) or _FORMATS.get(settings.type)
    if tool is None or (settings.name == "groq" and "gpt-oss" not in request.model):
        raise UsageError(
            f"hfs knows of no web search of {settings.name}/{request.model}: leave out --search,"
            " or take a model of openai, anthropic, gemini, openrouter, xai, perplexity or groq"
            " (gpt-oss)"
        )
    given = options.get("tools")
    tools = given if isinstance(given, list) else []
    if tool not in tools:
        options["tools"] = [*tools, tool]
    return request._replace(options=options)
