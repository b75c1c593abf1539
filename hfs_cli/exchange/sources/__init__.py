"""Histories of other programs, one file each."""

# What each source is called where it is asked for, and where it is shown.
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
