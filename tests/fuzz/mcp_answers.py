"""An MCP server whose answers are in a file, by method: ``python mcp_answers.py FILE``."""

import json
import sys
from pathlib import Path

ANSWERS = json.loads(Path(sys.argv[1]).read_text())
NOISE = Path(sys.argv[1]).with_name("noise").read_bytes()

for line in sys.stdin:
    asked = json.loads(line)
    if NOISE:
        sys.stdout.buffer.write(NOISE + b"\n")
    if "id" in asked and isinstance(ANSWERS, dict) and asked.get("method") in ANSWERS:
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": ANSWERS[asked["method"]]}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()
