"""A model trained by LRAT is a model of sentence-transformers: same tokens, same vectors."""

import numpy
import pytest
from sentence_transformers import SentenceTransformer


@pytest.fixture(scope="module")
def model(made):
    return SentenceTransformer(str(made / "trained"), device="cpu")


def test_token_ids(model, texts):
    encodings = model[0].tokenizer.encode_batch(texts["texts"], add_special_tokens=False)
    for text, encoding, ids in zip(texts["texts"], encodings, texts["ids"], strict=True):
        assert encoding.ids == ids, text


def test_long_texts_are_cut(texts):
    assert max(len(ids) for ids in texts["ids"]) == 512


def test_vectors(model, texts):
    vectors = model.encode(texts["texts"], convert_to_numpy=True)
    numpy.testing.assert_allclose(vectors, numpy.array(texts["vectors"]), rtol=0, atol=1e-5)
    lengths = numpy.linalg.norm(vectors, axis=1)
    assert numpy.all(numpy.isclose(lengths, 1, atol=1e-5) | (lengths == 0))
    assert lengths[texts["texts"].index("")] == 0


def test_similarity_is_cosine(model):
    assert model.similarity_fn_name == "cosine"


def test_it_can_be_saved_and_loaded_by_python(model, texts, tmp_path):
    model.save(str(tmp_path / "again"))
    again = SentenceTransformer(str(tmp_path / "again"), device="cpu")
    numpy.testing.assert_array_equal(again.encode(texts["texts"]), model.encode(texts["texts"]))
