"""A data set of somebody else's in nnUNet_raw."""

import pytest
from foreign import write_foreign


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setenv("nnUNet_raw", str(tmp_path / "raw"))
    return tmp_path / "raw"


@pytest.fixture
def folder(raw):
    return write_foreign(raw, "Dataset701_Foreign", n_train=1)
