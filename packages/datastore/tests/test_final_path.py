# SPDX-License-Identifier: BSD-3-Clause
import os
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.datastore import PathOutsideRootError, predicted_token
from pachon.datastore.final_path import check_inside, check_stored_path, cut_name, final_path
from pachon.datastore.testing.strategies import readable_paths
from pachon.datastore.write_token import unique_token


def test_text_token_extension():
    assert final_path("run/raw/raw_7", "w123", ".fits") == "run/raw/raw_7-w123.fits"
    assert final_path("raw_7", "w123", "") == "raw_7-w123"


def test_tokens_differ():
    tokens = {unique_token() for _ in range(2000)}
    assert len(tokens) == 2000
    assert all(len(token) == 13 and token[0] == "w" and token.isalnum() and token.islower() for token in tokens)


def test_predicted_token_follows_from_the_id():
    first, second = UUID(int=1), UUID(int=2)
    assert predicted_token(first) == predicted_token(UUID(int=1)) != predicted_token(second)
    # Written into file names for ever: it must never change.
    assert predicted_token(UUID("01928f4e-0000-7000-8000-0000000000aa")) == "p73mdtttw9t7q"


@given(readable_paths(), st.sampled_from([".fits", ".json", ""]))
def test_names_fit_into_file_systems(readable, extension):
    found = final_path(readable * 1, "w0123456789ab", extension)
    assert all(len(part.encode()) <= 255 for part in found.split("/"))
    assert found.endswith(f"-w0123456789ab{extension}")


def test_long_names_are_cut_and_long_folders_refused():
    found = final_path("run/" + "é" * 200, "w0123456789ab", ".fits")
    assert len(found.rpartition("/")[2].encode()) <= 255
    assert "é-w0123456789ab.fits" in found
    with pytest.raises(PathOutsideRootError, match="more than 255 bytes"):
        final_path("r" * 256 + "/x", "w1", ".fits")


def test_cut_name_keeps_whole_characters():
    assert cut_name("aéb", 2) == "a"
    assert cut_name("aéb", 3) == "aé"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a/..", "s3://b/k", "a\0b", "file:///x"])
def test_paths_that_are_not_below_the_root(path):
    with pytest.raises(PathOutsideRootError):
        check_stored_path(path)


@pytest.mark.parametrize("path", ["a", "a/b.fits", "a/..b/c", "~a/b", "$x", "a/b#1.fits", "a%2Fb", "a:b"])
def test_paths_that_are(path):
    check_stored_path(path)


def test_links_that_lead_out(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "in").mkdir(parents=True)
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "inner").symlink_to(root / "in")
    (root / "in" / "file").symlink_to(outside / "file")
    check_inside(str(root), str(root / "in" / "x"))
    check_inside(str(root), str(root / "inner" / "x"))
    check_inside(str(root), str(root / "in" / "file"))
    check_inside(str(root), str(root / "not" / "yet" / "x"))
    with pytest.raises(PathOutsideRootError, match="leads out"):
        check_inside(str(root), str(root / "link" / "x"))


def test_a_root_that_is_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")
    check_inside(str(tmp_path / "root"), os.path.join(tmp_path, "root", "a", "b"))


def test_folders_that_were_looked_at_hide_no_link_below_them(tmp_path):
    root, outside, plain = tmp_path / "root", tmp_path / "outside", set()
    (root / "a" / "b").mkdir(parents=True)
    (outside / "c").mkdir(parents=True)
    check_inside(str(root), str(root / "a" / "b" / "x"), plain)
    assert plain == {str(root / "a"), str(root / "a" / "b")}
    (root / "a" / "out").symlink_to(outside)
    (root / "a" / "in").symlink_to(root / "a" / "b")
    for _ in range(2):
        with pytest.raises(PathOutsideRootError, match="leads out"):
            check_inside(str(root), str(root / "a" / "out" / "c" / "x"), plain)
        check_inside(str(root), str(root / "a" / "in" / "x"), plain)
    assert plain == {str(root / "a"), str(root / "a" / "b")}
