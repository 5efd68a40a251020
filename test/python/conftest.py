import json
import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def made() -> pathlib.Path:
    """The folder that prepare.ts has filled."""
    return pathlib.Path(os.environ["LRAT_PREPARED"])


@pytest.fixture(scope="session")
def texts(made):
    return json.loads((made / "texts.json").read_text(encoding="utf-8"))
