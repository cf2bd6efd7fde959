# SPDX-License-Identifier: BSD-3-Clause
import pickle
from uuid import UUID

import pytest

from pachon.base import FormatError, InvalidInputError, NotFoundError, PachonError, StorageError
from pachon.datastore import errors

ID = UUID(int=1)

EXAMPLES = [
    errors.DatastoreConfigError("x"),
    errors.TemplateError("x"),
    errors.DataIdNotExpandedError("x"),
    errors.PathOutsideRootError("x"),
    errors.DatasetTypeNotSupportedError("raw", "main"),
    errors.NoFormatterError("raw", ("'raw'", "'CCDData'")),
    errors.UnknownParameterError("CCDData", {"b", "a"}, ()),
    errors.DatasetWriteError(ID, "raw", "json", "no"),
    errors.DatasetFileNotFoundError(ID, "raw", "s3://b/k", "main"),
    errors.DatasetFileNotFoundError(ID, "raw", None, "main"),
    errors.SourceFileNotFoundError("s3://b/k"),
    errors.FileIntegrityError(ID, "raw", "a/b", quantity="size", recorded=1, found=2),
    errors.DatasetReadError(ID, "raw", "a/b", "no"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_survive_pickle(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__
    assert isinstance(error, PachonError)
    assert "\n" not in str(error)


def test_every_error_has_an_example():
    assert {type(error).__name__ for error in EXAMPLES} == set(errors.__all__)


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        (errors.DataIdNotExpandedError, (InvalidInputError, RuntimeError)),
        (errors.UnknownParameterError, (InvalidInputError, KeyError)),
        (errors.DatasetFileNotFoundError, (NotFoundError, FileNotFoundError)),
        (errors.SourceFileNotFoundError, (NotFoundError, FileNotFoundError)),
        (errors.FileIntegrityError, (StorageError, OSError)),
        (errors.DatasetReadError, (FormatError, ValueError)),
        (errors.DatasetWriteError, (InvalidInputError, ValueError)),
    ],
)
def test_tree(error, parents):
    assert all(issubclass(error, parent) for parent in parents)


def test_kinds_differ():
    kinds = [getattr(errors, name).kind for name in errors.__all__]
    assert len(set(kinds)) == len(kinds)
