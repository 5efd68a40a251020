"""sentence-transformers training on given batches: python train.py MODEL BATCHES.json THREADS DEVICE
[bfloat16].

Each line of standard input is a JSON object {"from": step, "to": step}; each answer one with the seconds that these steps
took and their losses. The model pads and encodes column by column, as the trainer's collator does; the loss is the
weighted InfoNCE over all documents of the batch, without dropout. With bfloat16, the model's products are in 16 bits.
"""

import json
import resource
import sys
import time

import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(int(sys.argv[3]))
with open(sys.argv[2], encoding="utf-8") as file:
    job = json.load(file)
model = SentenceTransformer(sys.argv[1], device=sys.argv[4])
half = torch.autocast(model.device.type, torch.bfloat16, enabled="bfloat16" in sys.argv)
model.max_seq_length = job["maxTokens"]
for module in model.modules():
    if isinstance(module, torch.nn.Dropout):
        module.p = 0.0
    if hasattr(module, "dropout_prob"):
        module.dropout_prob = 0.0
model.train()
decayed = [p for p in model.parameters() if p.dim() > 1]
plain = [p for p in model.parameters() if p.dim() <= 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": job["weightDecay"]}, {"params": plain, "weight_decay": 0.0}],
    lr=job["learningRate"],
)


def encode(texts):
    features = model.preprocess(texts) if hasattr(model, "preprocess") else model.tokenize(texts)
    features = {k: v.to(model.device) if torch.is_tensor(v) else v for k, v in features.items()}
    with half:
        vectors = model(features)["sentence_embedding"]
    return torch.nn.functional.normalize(vectors.float(), dim=-1)


def step(batch):
    texts = job["documents"]
    queries = encode(batch["queries"])
    documents = torch.cat([encode([texts[d] for d in column]) for column in batch["columns"]])
    logits = queries @ documents.T / job["temperature"]
    logits = logits.masked_fill(torch.tensor(batch["excluded"], dtype=torch.bool, device=model.device), float("-inf"))
    rows = torch.arange(len(batch["queries"]), device=model.device)
    losses = torch.nn.functional.cross_entropy(logits, rows, reduction="none")
    loss = (losses * torch.tensor(batch["weights"], device=model.device)).sum() / len(rows)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    started = time.perf_counter()
    losses = [step(batch) for batch in job["batches"][asked["from"] : asked["to"]]]
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "losses": losses, "peak": peak}), flush=True)
