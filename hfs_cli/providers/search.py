"""`--search` and `--tool code-execution`: the tools that a vendor itself runs.

Loaded only when one is asked for. Each vendor's way was read in its library's types or its pages on
2026-11-29. The vendor decides which models may use a tool.
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
_OVER_RESPONSES = frozenset({"xai"})
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
    """The format in which a provider offers its own tools; usually the one that it speaks."""
    return "responses" if settings.name in _OVER_RESPONSES else settings.type


def with_server_tools(settings: ProviderSettings, request: Request) -> Request:
    """Add the vendor's own tools that a request allows.

    Raises:
        UsageError: The vendor has no such tool, or not for this model.
    """
    if request.search:
        request = _with_search(settings, request)
    return _with_code(settings, request) if request.code else request


def _with_search(settings: ProviderSettings, request: Request) -> Request:
    """The request, which lets the vendor search the web."""
    options = dict(request.options)
    if re.search(r"search-(preview|api)", request.model) and settings.type == "openai":
        # OpenAI's models for searching in chat completions (chat/completion_create_params.py).
        options.setdefault("web_search_options", {})
        return request._replace(options=options)
    if settings.name == "groq" and "compound" in request.model:
        return request
    tool = _VENDORS.get(settings.name) or _FORMATS.get(settings.type)
    if tool is None or (settings.name == "groq" and "gpt-oss" not in request.model):
        raise UsageError(
            f"hfs knows no web search for {settings.name}/{request.model}: ask without it,"
            " or use a model of openai, anthropic, gemini, openrouter, xai, perplexity or groq"
            " (gpt-oss)"
        )
    return _with_tool(tool, request)


def _with_code(settings: ProviderSettings, request: Request) -> Request:
    """The request, which lets the vendor run code that the model writes, on its own machines."""
    if settings.name == "groq" and "compound" in request.model:
        return request
    tool = _CODE_VENDORS.get(settings.name) or _CODE_FORMATS.get(settings.type)
    # Perplexity speaks Responses, but only searches.
    unable = settings.name == "perplexity" or (
        settings.name == "groq" and "gpt-oss" not in request.model
    )
    if tool is None or unable:
        raise UsageError(
            f"hfs knows no way for {settings.name}/{request.model} to run code: leave out"
            f" --tool {CODE_EXECUTION}, or use a model of openai, anthropic, gemini, xai or groq"
            " (gpt-oss)"
        )
    return _with_tool(tool, request)


def _with_tool(tool: Mapping[str, object], request: Request) -> Request:
    given = request.options.get("tools")
    tools = given if isinstance(given, list) else []
    if tool in tools:
        return request
    return request._replace(options={**request.options, "tools": [*tools, tool]})
