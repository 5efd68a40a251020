"""sentence-transformers encoding texts: python embed.py MODEL TEXTS.json THREADS DEVICE.

Each line of standard input asks for one pass over the texts; each answer is a line with the seconds that it took.
"""

import json
import sys
import time

import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(int(sys.argv[3]))
model = SentenceTransformer(sys.argv[1], device=sys.argv[4])
with open(sys.argv[2], encoding="utf-8") as file:
    texts = json.load(file)
model.encode(texts[:32])
for _ in sys.stdin:
    started = time.perf_counter()
    model.encode(texts)
    print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
