"""Loss, gradients and AdamW steps against PyTorch's own, from the same model and the same draws."""

import json

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer


def weighted_info_nce(encode, step, documents, temperature, normalisation):
    """The formula row by row, as the paper writes it; no matrix of a batch, no deduplication."""
    rows = step["rows"]
    total = torch.zeros(())
    for i, row in enumerate(rows):
        others = [d for k, other in enumerate(rows) if k != i for d in [other["positive"], *other["negatives"]]]
        negatives = [d for d in [*row["negatives"], *others] if d not in set(row["known"])]
        query = encode([row["query"]])
        scores = (query @ encode([documents[d] for d in [row["positive"], *negatives]]).T)[0] / temperature
        total = total + row["weight"] * torch.nn.functional.cross_entropy(scores[None], torch.tensor([0]))
    divisor = len(rows) if normalisation == "rows" else sum(row["weight"] for row in rows)
    return total / divisor


@pytest.mark.parametrize("normalisation", ["rows", "weights"])
def test_ten_steps(made, normalisation):
    ours = json.loads((made / f"{normalisation}.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(made / f"start-{normalisation}"), device="cpu")
    model.train()
    table = model[0].embedding.weight
    # [UNK] stays zero with us, and no text of these has it.
    assert torch.all(table[0] == 0)

    cache = {}

    def encode(texts):
        for text in texts:
            if text not in cache:
                cache[text] = model(model[0].preprocess([text]))["sentence_embedding"][0]
        return torch.stack([cache[text] for text in texts])

    optimizer = torch.optim.AdamW([table], weight_decay=ours["weightDecay"])
    for number, step in enumerate(ours["steps"], start=1):
        cache.clear()
        for group in optimizer.param_groups:
            group["lr"] = step["learningRate"]
        optimizer.zero_grad()
        loss = weighted_info_nce(encode, step, ours["documents"], ours["temperature"], normalisation)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([table], ours["maxGradientNorm"])
        assert step["loss"] == pytest.approx(loss.item(), rel=1e-4)
        assert step["gradientNorm"] == pytest.approx(norm.item(), rel=1e-4)
        optimizer.step()
        if number in (1, 10):
            after = load_file(made / f"{normalisation}-{number}.safetensors")
            torch.testing.assert_close(after["embedding.weight"], table.detach(), rtol=0, atol=1e-4)
            if number == 1:
                # The first moment is a tenth of the clipped gradient: every element of it is compared.
                torch.testing.assert_close(10 * after["embedding.weight.moment1"], table.grad, rtol=1e-3, atol=1e-6)
