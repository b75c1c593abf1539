"""Write the data file of the package anew: `uv run python -m tests.update_models`."""

import json
from datetime import UTC, datetime

from hfs_cli.known_models import PACKAGED, from_genai_prices


def main() -> None:
    """Write one vendor a line, so that a change can be read."""
    document = from_genai_prices(datetime.now(UTC).date())
    models = document.pop("models")
    assert isinstance(models, dict)
    lines = ",\n".join(
        f"{json.dumps(vendor)}: {json.dumps(rows, separators=(',', ':'))}"
        for vendor, rows in models.items()
    )
    source = "genai-prices (MIT), https://github.com/pydantic/genai-prices"
    PACKAGED.write_text(
        f'{{"date": "{document["date"]}", "source": "{source}", "models": {{\n{lines}\n}}}}\n'
    )


if __name__ == "__main__":
    main()
