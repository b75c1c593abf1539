"""`--search` and `--tool code-execution` in each vendor's own words: the tools that it runs itself.

Loaded only when it is asked for. Each vendor's way is as its own library's types or pages had it
on 2026-11-29; whether a model may use it, the vendor says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hfs_cli.config.settings import CODE_EXECUTION
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
    # Replaces the plug-in and ":online":
    # https://openrouter.ai/docs/guides/features/server-tools/web-search
    "openrouter": {"type": "openrouter:web_search"},
    # https://console.groq.com/docs/browser-search; its compound systems search by themselves
    "groq": {"type": "browser_search"},
    # https://docs.x.ai/docs/guides/tools/overview: over Responses only
    "xai": _WEB_SEARCH,
}
_BY_RESPONSES = frozenset({"xai"})
# The same for code: responses/tool_param.py, CodeInterpreter; types.py, Tool; and anthropic's
# types/code_execution_tool_20250825_param.py, with bash and files.
_CODE_FORMATS: Mapping[str, Mapping[str, object]] = {
    "responses": {"type": "code_interpreter", "container": {"type": "auto"}},
    "anthropic": {"type": "code_execution_20250825", "name": "code_execution"},
    "gemini": {"codeExecution": {}},
}
_CODE_VENDORS: Mapping[str, Mapping[str, object]] = {
    # https://console.groq.com/docs/code-execution and https://docs.x.ai/developers/tools/overview
    "groq": {"type": "code_interpreter"},
    "xai": {"type": "code_interpreter"},
}


def search_format(settings: ProviderSettings) -> str:
    """The format in which a provider has such tools: its own, but for those with another."""
    return "responses" if settings.name in _BY_RESPONSES else settings.type


def with_server_tools(settings: ProviderSettings, request: Request) -> Request:
    """A request that lets the vendor use the tools of its own that it asks for.

    Raises:
        UsageError: It has none such.
    """
    if request.search:
        request = with_search(settings, request)
    return with_code(settings, request) if request.code else request


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
    return _with(tool, request)


def with_code(settings: ProviderSettings, request: Request) -> Request:
    """A request that lets the vendor run code, which the model writes, on machines of its own.

    Raises:
        UsageError: It cannot.
    """
    if settings.name == "groq" and "compound" in request.model:
        return request
    tool = _CODE_VENDORS.get(settings.name) or _CODE_FORMATS.get(settings.type)
    # Perplexity speaks Responses, and only searches.
    unable = settings.name == "perplexity" or (
        settings.name == "groq" and "gpt-oss" not in request.model
    )
    if tool is None or unable:
        raise UsageError(
            f"hfs knows of no way in which {settings.name}/{request.model} runs code: leave out"
            f" --tool {CODE_EXECUTION}, or take a model of openai, anthropic, gemini, xai or groq"
            " (gpt-oss)"
        )
    return _with(tool, request)


def _with(tool: Mapping[str, object], request: Request) -> Request:
    given = request.options.get("tools")
    tools = given if isinstance(given, list) else []
    if tool in tools:
        return request
    return request._replace(options={**request.options, "tools": [*tools, tool]})
