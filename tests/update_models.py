"""Write the data file of the package anew: `uv run python -m tests.update_models [WHEEL]`.

WHEEL is that of litellm (`pip download --no-deps litellm`); without, what models take, and how much
they may say, stays as it is.
"""

import json
import sys
import zipfile
from datetime import UTC, datetime

from hfs_cli.known_models import PACKAGED, from_genai_prices, without_end

_LIST = "litellm/model_prices_and_context_window_backup.json"
# How litellm's names begin, where they are not the provider's own name and a slash.
_BEFORE = {
    "openai": "",
    "anthropic": "",
    "cohere": "",
    "together": "together_ai/",
    "fireworks": "fireworks_ai/accounts/fireworks/models/",
}
_LETTERS = {
    "supports_vision": "i",
    "supports_pdf_input": "p",
    "supports_audio_input": "a",
    "supports_function_calling": "t",
    "supports_response_schema": "s",
    "supports_reasoning": "r",
}


def add_abilities(models: dict[str, dict[str, list]], wheel: str) -> None:
    """Write what each model takes, and the most that it may say, behind its prices.

    That is where litellm lists it as one to chat with.
    """
    with zipfile.ZipFile(wheel) as opened:
        listed = json.loads(opened.read(_LIST))
    for vendor, rows in models.items():
        before = _BEFORE.get(vendor, f"{vendor}/")
        for name, row in rows.items():
            entry = listed.get(f"{before}{name}")
            if entry and entry.get("mode") in {"chat", "responses"}:
                takes = "".join(letter for key, letter in _LETTERS.items() if entry.get(key))
                row[4:] = without_end([takes, entry.get("max_output_tokens")])


def main() -> None:
    """Write one vendor a line, so that a change can be read."""
    document = from_genai_prices(datetime.now(UTC).date())
    models = document.pop("models")
    assert isinstance(models, dict)
    if sys.argv[1:]:
        add_abilities(models, sys.argv[1])
    lines = ",\n".join(
        f"{json.dumps(vendor)}: {json.dumps(rows, separators=(',', ':'))}"
        for vendor, rows in models.items()
    )
    source = (
        "genai-prices (MIT), https://github.com/pydantic/genai-prices; what models take and say:"
        " litellm (MIT), https://github.com/BerriAI/litellm"
    )
    PACKAGED.write_text(
        f'{{"date": "{document["date"]}", "source": "{source}", "models": {{\n{lines}\n}}}}\n'
    )


if __name__ == "__main__":
    main()
