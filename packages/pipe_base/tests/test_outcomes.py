# SPDX-License-Identifier: BSD-3-Clause
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from pachon.pipe_base import (
    AlgorithmError,
    AnnotatedPartialOutputsError,
    Caveats,
    InvalidQuantumError,
    NoWorkFound,
    RepeatableQuantumError,
    TaskMetadata,
    UnprocessableDataError,
    UpstreamFailureNoWorkFound,
)


class FitError(AlgorithmError):
    @property
    def metadata(self) -> Mapping[str, Any]:
        return {"n": 3}


def test_no_work_is_not_swallowed_by_broad_handlers() -> None:
    for kind in (NoWorkFound, UpstreamFailureNoWorkFound, UnprocessableDataError):
        assert not issubclass(kind, Exception)
        assert issubclass(kind, NoWorkFound)
        assert pickle.loads(pickle.dumps(kind("x"))).args == ("x",)


@pytest.mark.parametrize(
    ("caveats", "code"),
    [
        (Caveats(0), ""),
        (Caveats.ANY_OUTPUTS_MISSING, "+"),
        (Caveats.from_outputs(0, 2) | NoWorkFound.caveats | Caveats.ADJUST_QUANTUM_RAISED, "*AN"),
        (Caveats.from_outputs(1, 2) | AnnotatedPartialOutputsError.caveats, "+P"),
        (Caveats.from_outputs(0, 1) | UnprocessableDataError.caveats, "*DN"),
        (Caveats.from_outputs(0, 1) | UpstreamFailureNoWorkFound.caveats, "*UN"),
        (Caveats.from_outputs(0, 0), ""),
    ],
)
def test_codes(caveats: Caveats, code: str) -> None:
    assert caveats.code() == code


def test_bits_are_those_of_the_format() -> None:
    assert [flag.value for flag in Caveats] == [1, 2, 4, 8, 16, 32, 64]


def test_an_algorithm_error_needs_metadata() -> None:
    with pytest.raises(TypeError) as caught:
        AlgorithmError("x")  # type: ignore[abstract]
    assert str(caught.value) == "AlgorithmError is abstract: define metadata."
    assert FitError("x").metadata == {"n": 3}
    assert issubclass(FitError, RepeatableQuantumError)
    assert str(pickle.loads(pickle.dumps(FitError("x")))) == "x"


def test_annotation_tells_what_failed() -> None:
    class _Output:
        def __init__(self) -> None:
            self.meta: dict[str, Any] = {}

    metadata, output = TaskMetadata(), _Output()
    error = AnnotatedPartialOutputsError.annotate(FitError("no fit"), metadata, [output, None])
    assert isinstance(error, AnnotatedPartialOutputsError)
    assert metadata.to_dict() == {
        "failure": {"message": "no fit", "type": f"{__name__}.FitError", "metadata": {"n": 3}}
    }
    assert output.meta["failure"]["message"] == "no fit"


def test_exit_codes() -> None:
    assert (RepeatableQuantumError.exit_code, InvalidQuantumError.exit_code) == (20, 21)
