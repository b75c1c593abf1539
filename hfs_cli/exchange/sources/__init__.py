"""The histories of other programs, one module each."""

# From the name that is typed after `--from` to the one that is shown.
SOURCES = {
    "hfs": "hfs",
    "chatgpt": "ChatGPT",
    "claude": "Claude",
    "llm": "llm",
    "aichat": "aichat",
    "shell_gpt": "shell_gpt",
    "mods": "mods",
    "claude-code": "Claude Code",
    "codex": "Codex",
    "gemini-cli": "Gemini CLI",
    "lines": "lines",
}
