"""The wire formats, by the name that ``type`` has in the configuration."""

from collections.abc import Mapping

from hfs_cli.providers.formats import anthropic, gemini, ollama, openai
from hfs_cli.providers.formats.wire import WireFormat

FORMATS: Mapping[str, WireFormat] = {
    wire.name: wire for wire in (openai.FORMAT, anthropic.FORMAT, gemini.FORMAT, ollama.FORMAT)
}
