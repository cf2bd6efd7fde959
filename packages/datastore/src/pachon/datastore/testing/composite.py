# SPDX-License-Identifier: BSD-3-Clause
"""A small composite: an object with components, a derived component and a parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pachon.base import NotFoundError
from pachon.datasets import StorageClassDelegate

__all__ = ["COMPOSITE_CLASSES", "DataListDelegate", "Metric", "MetricDelegate", "OldMetric"]


@dataclass
class Metric:
    """A summary and numbers."""

    summary: dict[str, float] | None = None
    data: list[int] | None = None
    note: str | None = None


@dataclass
class OldMetric:
    """What a `Metric` was before it had components."""

    values: list[int] = field(default_factory=list)


def metric_from_old(old: OldMetric) -> Metric:
    """Make a metric of an old one."""
    return Metric(summary={"sum": float(sum(old.values))}, data=list(old.values), note="converted")


class MetricDelegate(StorageClassDelegate):
    """Counts the data, and cuts them by the parameter ``first``."""

    def get_component(self, obj: Any, component: str) -> Any:
        return len(obj.data) if component == "count" else super().get_component(obj, component)

    def assemble(self, components: Mapping[str, Any], pytype: type[Any]) -> Any:
        return pytype(**components)

    def handle_parameters(self, obj: Any, parameters: Mapping[str, Any]) -> Any:
        first = parameters.get("first")
        return obj if first is None else Metric(obj.summary, obj.data[:first], obj.note)

    def select_responsible_component(self, derived: str, available: Iterable[str]) -> str:
        if derived == "count" and "data" in available:
            return "data"
        raise NotFoundError(f"Nothing stored gives {derived!r}.")


class DataListDelegate(StorageClassDelegate):
    """The data alone know how many they are."""

    def get_component(self, obj: Any, component: str) -> Any:
        return len(obj) if component == "count" else super().get_component(obj, component)

    def handle_parameters(self, obj: Any, parameters: Mapping[str, Any]) -> Any:
        first = parameters.get("first")
        return obj if first is None else obj[:first]


COMPOSITE_CLASSES: Mapping[str, Mapping[str, Any]] = {
    "TestDataList": {
        "pytype": "list",
        "delegate": "pachon.datastore.testing.composite.DataListDelegate",
        "parameters": ["first"],
        "derivedComponents": {"count": "int"},
    },
    "TestMetric": {
        "pytype": "pachon.datastore.testing.composite.Metric",
        "components": {"summary": "StructuredDataDict", "data": "TestDataList", "note": "str"},
        "derivedComponents": {"count": "int"},
        "parameters": ["first"],
        "delegate": "pachon.datastore.testing.composite.MetricDelegate",
        "converters": {
            "pachon.datastore.testing.composite.OldMetric": "pachon.datastore.testing.composite.metric_from_old"
        },
    },
    "TestOldMetric": {"pytype": "pachon.datastore.testing.composite.OldMetric"},
}
"""Storage classes of the example, as a configuration defines them. A datastore of files writes them by ``json``."""
