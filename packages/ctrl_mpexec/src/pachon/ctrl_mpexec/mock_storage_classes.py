# SPDX-License-Identifier: BSD-3-Clause
"""Storage classes for a pipeline that is going to be mocked: any name is one, and everything can be read as anything."""

from __future__ import annotations

from typing import Any

from pachon.datasets import StorageClass, StorageClasses

__all__ = ["AnyStorageClasses"]


class _AnyStorageClass(StorageClass):
    """One that has all components, and that all others can be read as."""

    def component(self, name: str) -> str:
        return self.name

    def can_convert(self, other: StorageClass) -> bool:
        return True


class AnyStorageClasses(StorageClasses):
    """What a mock writes is data about itself, so that the real types need not be installed, nor be known at all."""

    def __init__(self) -> None:
        super().__init__({})

    def get(self, name: str, default: Any = None) -> StorageClass:
        return _AnyStorageClass(name)

    def __contains__(self, name: object) -> bool:
        return True
