"""Request bodies held against the types of the vendors' own libraries."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter


def unknown_to(kind: Any, body: dict[str, Any]) -> dict[str, Any]:
    """What of a body a vendor's type does not know, by its top-level field; empty if legal.

    A wrong value raises `pydantic.ValidationError`. A typed dictionary of pydantic drops the
    keys that it does not know, so they show as what is missing after a round trip.
    """
    adapter = TypeAdapter(kind)
    kept = json.loads(adapter.dump_json(adapter.validate_python(body)))
    sent = json.loads(json.dumps(body))
    return {name: value for name, value in sent.items() if kept.get(name) != value}
