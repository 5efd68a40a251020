"""What a mining script in Python does before it mines: load every run, and find the candidates of its searches and its browses."""

import json
import re
import sys
from pathlib import Path

block = re.compile(r"^DocID:[ \t]*([^\n]*)\n\[(.*)\]\n([\s\S]*?)(?=^DocID:|\Z)", re.MULTILINE)
reasoning = searches = browses = 0

for path in sorted(Path(sys.argv[1]).iterdir()):
    with path.open(encoding="utf-8") as file:
        run = json.load(file)
    for step in run["result"]:
        if step["type"] == "reasoning":
            reasoning += len(step["output"].split())
        elif step["tool_name"] == "search":
            query = json.loads(step["arguments"])["query"]
            searches += bool(query) and len(block.findall(step["output"])) > 0
        elif step["tool_name"] == "get_document":
            browses += bool(json.loads(step["arguments"])["docid"])

print(json.dumps({"searches": searches, "browses": browses}))
