# SPDX-License-Identifier: BSD-3-Clause
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.datastore.final_path import final_path
from pachon.datastore.write_token import WriteToken, find_token, new_writer, predicted_token, unique_token


def test_a_token_names_its_writer() -> None:
    writer = new_writer()
    assert len(writer) == 6
    tokens = {unique_token(writer) for _ in range(2000)}
    assert len(tokens) == 2000
    for token in tokens:
        path = final_path("run/raw/raw_Cam_1", token, ".fits.gz")
        assert find_token(path) == WriteToken(writer=writer, predicted=False, unfinished=False)


def test_outputs_of_graphs() -> None:
    found = find_token(final_path("run/x", predicted_token(UUID(int=3)), ".yaml"))
    assert found is not None
    assert (found.predicted, found.unfinished) == (True, False)
    found = find_token("run/.x-p73mdtttw9t7q.yaml-w0123456789ab.part")
    assert found is not None
    assert (found.predicted, found.unfinished) == (True, True)


@pytest.mark.parametrize(
    "path",
    [
        "run/raw.fits",
        "w0123456789ab.fits",
        "run/x-w0123456789a.fits",
        "run/x-w0123456789AB.fits",
        "run-w0123456789ab/x.fits",
    ],
)
def test_other_files_have_none(path: str) -> None:
    assert find_token(path) is None


@given(st.text(min_size=1, max_size=300).filter(lambda text: "/" not in text and "\0" not in text))
def test_the_token_survives_any_name(name: str) -> None:
    writer = new_writer()
    found = find_token(final_path(f"run/{name}", unique_token(writer), ".fits"))
    assert found is not None
    assert found.writer == writer
