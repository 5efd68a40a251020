"""Transformer encoders against PyTorch: vectors, loss, gradients and AdamW steps of tiny random models of every family."""

import json
import pathlib
import subprocess

import numpy
import pytest
import sentencepiece
import torch
import transformers
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from test_training import weighted_info_nce
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SCRIPT = pathlib.Path(__file__).parent / "transformer.ts"
# Pieces of equal score, which a vocabulary of so few texts has, may be taken in another order.
TIED = "½ ² ① Ⅷ ǅ Å ℃ ﷺ"
INSTRUCTION = "Instruct: find it\nQuery:"
# What stands for them depends on a table of characters, on graphemes, and on which of them are white space.
CHARACTERS = [
    "ﾊﾟﾋﾟ ｶﾞ ｦ",
    "👨‍👩‍👧 👍🏽 🇩🇪 ❤️",
    "a\u200cb\u200dc \u200e\u200f",
    "a\u0085b \u0085",
    "\u061cx \u180e\u2060\ufeff\ufffd",
    "ａ\u0301 Ａ\u0300b e\u0301 A\u030a ①\u20dd \u00a0\u0301",
    "\u0001a \u0000b \u001c\u007f\u009f",
    "\r\nx\n\n y   z\t\u3000 ",
    "क्षि नि ர் ที่ 각 \u1112\u1161\u11ab",
    "～ ▁ ﬁ ℻ ㍿ ﷺ ½ x²",
    "𝔘𝔫𝔦 Σ𝚺ς ＜s＞",
]


def word_piece(texts):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer, {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def charsmap():
    """The table of characters of SentencePiece's rule nmt_nfkc, which the models of these families are published with."""
    rule = b"nmt_nfkc"
    proto = sentencepiece.SentencePieceNormalizer(rule_name=rule.decode()).serialized_model_proto()
    # In the message it follows the name of the rule: its tag, its length in groups of seven bits, and itself.
    rest = proto.partition(rule + b"\x12")[2]
    start = next(i for i, byte in enumerate(rest) if byte < 128) + 1
    length = sum((byte & 127) << 7 * i for i, byte in enumerate(rest[:start]))
    return rest[start : start + length]


def unigram(texts):
    """As XLM-RoBERTa and multilingual E5 are published."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    return trained_unigram(tokenizer, texts)


def converted_unigram(texts):
    """As transformers converts a model of SentencePiece."""
    tokenizer = Tokenizer(models.Unigram())
    spaces = [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")]
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap()), *spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return trained_unigram(tokenizer, texts)


def trained_unigram(tokenizer, texts):
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer, {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>"}


def byte_pairs(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=["<end>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 0)])
    return tokenizer, {"pad_token": "<end>", "eos_token": "<end>"}


BERT = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 48,
    "max_position_embeddings": 66,
    "initializer_range": 0.3,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
QWEN = {
    "hidden_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 6,
    "intermediate_size": 60,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
}
FAMILIES = {
    "bert-mean": (transformers.BertConfig, BERT, word_piece, "mean", ""),
    "bert-cls": (transformers.BertConfig, {**BERT, "hidden_act": "gelu_new"}, word_piece, "cls", ""),
    "xlm-roberta": (transformers.XLMRobertaConfig, {**BERT, "pad_token_id": 1, "type_vocab_size": 1}, unigram, "mean", "query: "),
    "roberta": (transformers.RobertaConfig, {**BERT, "pad_token_id": 1, "type_vocab_size": 1}, converted_unigram, "mean", ""),
    "qwen3": (transformers.Qwen3Config, QWEN, byte_pairs, "lasttoken", INSTRUCTION),
    "qwen3-untied": (transformers.Qwen3Config, {**QWEN, "num_key_value_heads": 4, "tie_word_embeddings": False}, byte_pairs, "lasttoken", ""),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, made, texts, tmp_path_factory):
    """A model of the family in a folder, and what LRAT made of it."""
    config, sizes, make_tokenizer, pooling, prompt = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer, special = make_tokenizer([*texts["texts"], *CHARACTERS])
    torch.manual_seed(3)
    plain = folder / "plain"
    network = transformers.AutoModel.from_config(config(vocab_size=tokenizer.get_vocab_size() + 3, **sizes))
    network.save_pretrained(plain)
    wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special)
    wrapped.save_pretrained(plain)
    first = Transformer(str(plain), max_seq_length=64)
    model = SentenceTransformer(
        modules=[first, Pooling(first.get_embedding_dimension(), pooling_mode=pooling), Normalize()],
        prompts={"query": prompt, "document": ""},
        device="cpu",
    )
    model.save(str(folder / "model"))
    # A checkpoint that asks to be rounded: what is trained from it must not be.
    config_file = plain / "config.json"
    rounded = {**json.loads(config_file.read_text(encoding="utf-8")), "dtype": "bfloat16"}
    config_file.write_text(json.dumps(rounded), encoding="utf-8")
    (folder / "tokenized.json").write_text(json.dumps([*texts["texts"], *CHARACTERS]), encoding="utf-8")
    subprocess.run(["node", SCRIPT, folder / "model", plain, made, folder], check=True)
    return folder


def test_token_ids(family, texts):
    ours = json.loads((family / "ids.json").read_text(encoding="utf-8"))
    tokenizer = SentenceTransformer(str(family / "model"), device="cpu").tokenizer
    tokenized = [*texts["texts"], *CHARACTERS]
    theirs = [tokenizer(text, truncation=True, max_length=64)["input_ids"] for text in tokenized]
    different = [text for text, a, b in zip(tokenized, ours, theirs, strict=True) if a != b]
    assert different in ([], [TIED] if "roberta" in family.name else [])


# The second: what LRAT trained from a checkpoint that has no modules, and saved.
@pytest.mark.parametrize(("name", "vectors"), [("model", "vectors"), ("saved-from-plain", "vectors-from-plain")])
def test_vectors(family, texts, name, vectors):
    ours = json.loads((family / f"{vectors}.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(family / name), device="cpu")
    for kind, encode in [("query", model.encode_query), ("document", model.encode_document)]:
        theirs = encode(texts["texts"], convert_to_numpy=True, batch_size=1)
        error = abs(numpy.array(ours[kind]) - theirs).max(axis=1)
        tied = [texts["texts"].index(TIED)] if "roberta" in family.name else []
        assert [i for i, each in enumerate(error) if each > 1e-5] in ([], tied)


def test_vectors_of_transformers_js(family, made):
    check_transformers_js(family, made)


def check_transformers_js(folder, made):
    """The exported model in transformers.js, local files only: as ours and sentence-transformers'; in 8 bits nearly so."""
    script = pathlib.Path(__file__).parent / "transformers-js.ts"
    subprocess.run(["node", script, folder / "model", made, folder], check=True)
    theirs = json.loads((folder / "transformers-js.json").read_text(encoding="utf-8"))
    ours = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))
    for kind in ("query", "document"):
        vectors = numpy.array(ours[kind])
        whole = theirs[f"fp32 {kind}"]
        same = numpy.array(whole["same"])
        assert same.mean() > 0.75
        rows = numpy.array(whole["rows"])
        assert abs(rows - vectors)[same].max() < 1e-4
        assert abs(numpy.array(whole["single"]) - rows[0]).max() < 1e-4
        rounded = numpy.array(theirs[f"q8 {kind}"]["rows"])
        cosines = (rounded * vectors).sum(axis=1)[same]
        assert cosines.min() > 0.98
        assert abs(rounded - rows).max() > 1e-4


def test_what_is_saved(family, texts):
    saved = SentenceTransformer(str(family / "saved"), device="cpu")
    assert saved.max_seq_length == 32
    weights = load_file(family / "step-10.safetensors")
    for name, value in saved[0].auto_model.named_parameters():
        if name in weights:
            torch.testing.assert_close(value.detach(), weights[name], rtol=0, atol=0)
    assert saved.encode(texts["texts"]).shape == (len(texts["texts"]), saved.get_embedding_dimension())


def test_a_row_of_padding(family, texts):
    """Nothing but padding is a row of zeros, and nothing to the other rows and to the gradients."""
    ours = load_file(family / "padding.safetensors")
    model = SentenceTransformer(str(family / "model"), device="cpu")
    model.max_seq_length = 32
    model.eval()
    order = ours.pop("texts").int().tolist()
    vectors = model(model.preprocess([texts["texts"][i] for i in order]))["sentence_embedding"]
    torch.testing.assert_close(ours["vectors"][:3], vectors.detach(), rtol=0, atol=1e-5)
    assert ours["vectors"][3].abs().max() == 0
    (vectors * ours["directions"][:3]).sum().backward()
    named = {name: value for name, value in model[0].auto_model.named_parameters() if name in ours}
    assert len(named) == len(ours) - 2
    whole = torch.cat([value.grad.flatten() for value in named.values()]).norm()
    for name, value in named.items():
        assert (ours[name] - value.grad).norm() <= 1e-4 * value.grad.norm() + 1e-6 * whole, name


def test_ten_steps(family):
    ours = json.loads((family / "steps.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(family / "model"), device="cpu")
    model.max_seq_length = 32
    model.eval()
    network = model[0].auto_model
    first = load_file(family / "step-1.safetensors")
    named = {name: value for name, value in network.named_parameters() if name in first}
    # All but the head, which no vector depends on.
    assert set(named) == {name for name in first if not name.endswith(".moment1")}
    prompts = model.prompts

    def encode(texts):
        # Queries come alone, as the loss is written here, and have their prompt.
        prompt = prompts["query"] if texts[0].startswith("asked") else ""
        features = model.preprocess([prompt + text for text in texts])
        return model(features)["sentence_embedding"]

    decayed = [value for value in named.values() if value.ndim > 1]
    others = [value for value in named.values() if value.ndim == 1]
    groups = [{"params": decayed, "weight_decay": ours["weightDecay"]}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups)
    # AdamW moves an element by as much however small its gradient is: where a gradient is almost nothing, its sign is
    # rounding and so may be this step and those after it. Rows that no text uses have none.
    certain = {name: torch.ones_like(value, dtype=torch.bool) for name, value in named.items()}
    allowed = {name: torch.full_like(value, 1e-4) for name, value in named.items()}
    for number, step in enumerate(ours["steps"], start=1):
        for group in optimizer.param_groups:
            group["lr"] = step["learningRate"]
        optimizer.zero_grad()
        loss = weighted_info_nce(encode, step, ours["documents"], ours["temperature"], "rows")
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(named.values()), ours["maxGradientNorm"])
        assert step["loss"] == pytest.approx(loss.item(), rel=1e-4)
        assert step["gradientNorm"] == pytest.approx(norm.item(), rel=1e-3)
        for name, value in named.items():
            size = value.grad.abs()
            certain[name] &= (size == 0) | (size > 1e-4 * size.max())
            allowed[name] += torch.where(certain[name], 0.0, 2 * step["learningRate"])
        optimizer.step()
        if number in (1, 10):
            after = load_file(family / f"step-{number}.safetensors")
            for name, value in named.items():
                if name.endswith("key.bias"):
                    # A shift of all scores of a row changes no share: the gradient is rounding, and its steps too.
                    assert value.grad.norm() < 1e-5 * norm
                else:
                    # How many are certain depends on the rounding of the machine; nearly all are at 1e-4.
                    assert certain[name].float().mean() > 0.75, name
                    assert ((after[name] - value.detach()).abs() <= allowed[name]).all(), name
            if number == 1:
                # The first moment is a tenth of the clipped gradient: every element of it is compared.
                for name, value in named.items():
                    gradient = 10 * after[f"{name}.moment1"]
                    assert (gradient - value.grad).norm() <= 1e-4 * value.grad.norm() + 1e-6, name
