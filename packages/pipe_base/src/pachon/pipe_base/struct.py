# SPDX-License-Identifier: BSD-3-Clause
"""`Struct`: what a task's ``run`` returns."""

from __future__ import annotations

from typing import Any

__all__ = ["Struct"]


class Struct:
    """Named values: ``Struct(image=image, stars=stars).stars``."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def as_dict(self) -> dict[str, Any]:
        """Give the values by name."""
        return dict(self.__dict__)

    def merge(self, other: Struct) -> Struct:
        """Give a struct with the values of both; names must not repeat."""
        both = self.__dict__.keys() & other.__dict__.keys()
        if both:
            raise ValueError(f"Both structs have {', '.join(sorted(both))}.")
        return Struct(**self.__dict__, **other.__dict__)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"The struct has no {name!r}; it has {', '.join(self.__dict__) or 'nothing'}.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Struct) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __len__(self) -> int:
        return len(self.__dict__)

    def __repr__(self) -> str:
        return f"Struct({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"
