"""all-MiniLM-L6-v2, a published model: the same tokens and vectors in LRAT, sentence-transformers and transformers.js."""

import json
import os
import pathlib
import subprocess

import numpy
import pytest
from sentence_transformers import SentenceTransformer
from test_transformers import CHARACTERS, check_transformers_js

LENGTH = 64


@pytest.fixture(scope="module")
def published(made, texts, tmp_path_factory):
    """A folder with the model, as the installed release of sentence-transformers saves it, and what LRAT made of it."""
    if os.environ["LRAT_MINILM"] == "":
        pytest.skip("the files of all-MiniLM-L6-v2 could not be fetched from the Python package index")
    folder = tmp_path_factory.mktemp("minilm")
    model = SentenceTransformer(os.environ["LRAT_MINILM"], device="cpu")
    model.max_seq_length = LENGTH
    model.save(str(folder / "model"))
    (folder / "tokenized.json").write_text(json.dumps([*texts["texts"], *CHARACTERS]), encoding="utf-8")
    script = pathlib.Path(__file__).parent / "minilm.ts"
    subprocess.run(["node", script, folder / "model", made, folder], check=True)
    return folder


def test_token_ids(published, texts):
    tokenizer = SentenceTransformer(str(published / "model"), device="cpu").tokenizer
    theirs = [tokenizer(text, truncation=True, max_length=LENGTH)["input_ids"] for text in [*texts["texts"], *CHARACTERS]]
    assert json.loads((published / "ids.json").read_text(encoding="utf-8")) == theirs


def test_vectors(published, texts):
    ours = json.loads((published / "vectors.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(published / "model"), device="cpu")
    for kind in ("query", "document"):
        numpy.testing.assert_allclose(ours[kind], model.encode(texts["texts"]), rtol=0, atol=1e-5)


def test_vectors_of_transformers_js(published, made):
    check_transformers_js(published, made)
