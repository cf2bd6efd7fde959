# SPDX-License-Identifier: BSD-3-Clause
"""Convex polygons on the sky as arrays, of which many pairs are compared at once.

Two convex polygons in one hemisphere have no point in common if and only if the great circle of an edge of one of them has the other one on
its far side. A pair for which that is a matter of rounding is left to who can decide it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["Polygons"]

_DOUBT = 2e-7
"""Distance from a great circle, in radians, within which it is not clear on which side a vertex is: lsst-sphgeom takes positions within
5e-8 of each other for one."""
_SHORTEST = 1e-5
"""Radians; a polygon with a shorter edge is left to lsst-sphgeom."""
_MOST_VERTICES = 8
_LARGEST = 0.35
"""Radians; two near polygons of this radius lie in one hemisphere."""
_PAIRS = 8_000
"""Pairs that are compared at a time, so that they stay in the cache of the processor."""
_VERTEX = 24
"""Bytes of a vertex: three doubles."""


class Polygons:
    """The convex polygons among some stored regions; `known` says which these are.

    Parameters
    ----------
    data
        Stored regions; what is null, of another kind, large, or has many vertices is no polygon here.
    """

    def __init__(self, data: Sequence[bytes | None]) -> None:
        self.known = np.zeros(len(data), dtype=bool)
        self.centres = np.zeros((len(data), 3))
        """Unit vectors."""
        self.radii = np.zeros(len(data))
        """Of a circle round the centre which holds the polygon, in radians."""
        self._rows = np.full(len(data), -1, dtype=np.int64)
        vertices: list[np.ndarray] = []
        rows: list[np.ndarray] = []
        lengths = np.array([len(item) if item is not None and item[:1] == b"p" else 0 for item in data])
        for count in range(3, _MOST_VERTICES + 1):
            same = np.flatnonzero(lengths == 1 + count * _VERTEX)
            if not len(same):
                continue
            joined = b"".join(item[1:] for row in same.tolist() if (item := data[row]) is not None)
            points = np.frombuffer(joined, dtype="<f8").reshape(-1, count, 3)
            # A vertex that is repeated changes nothing.
            vertices.append(points[:, np.minimum(np.arange(_MOST_VERTICES), count - 1)])
            rows.append(same)
        if not rows:
            self._vertices = self._edges = np.empty((0, 3, 0))
            return
        self._describe(np.concatenate(rows), np.concatenate(vertices))

    def _describe(self, rows: np.ndarray, vertices: np.ndarray) -> None:
        # As few columns as the polygons that there are need.
        width = int((np.abs(np.diff(vertices, axis=1)).sum(axis=2) > 0).sum(axis=1).max()) + 1
        vertices = vertices[:, :width]
        following = np.concatenate([vertices[:, 1:], vertices[:, :1]], axis=1)
        edges = np.cross(vertices, following)
        lengths = np.linalg.norm(edges, axis=2)
        # A repeated vertex has no edge; that of the first one stands for it.
        none = lengths == 0
        edges = np.where(none[:, :, None], edges[:, :1], edges)
        lengths = np.where(none, lengths[:, :1], lengths)
        centres = vertices.mean(axis=1)
        centres /= np.linalg.norm(centres, axis=1)[:, None]
        chords = np.linalg.norm(vertices - centres[:, None], axis=2).max(axis=1)
        radii = 2 * np.arcsin(np.minimum(chords / 2, 1.0))
        fine = (lengths > _SHORTEST).all(axis=1) & (radii < _LARGEST)
        self.known[rows[fine]] = True
        self.centres[rows] = centres
        self.radii[rows] = radii
        self._rows[rows] = np.arange(len(rows))
        # By vertex and coordinate.
        self._vertices = np.ascontiguousarray(vertices.transpose(1, 2, 0))
        self._edges = np.ascontiguousarray((edges / np.maximum(lengths, _SHORTEST)[:, :, None]).transpose(1, 2, 0))

    def overlaps(self, other: Polygons, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Say which pairs of polygons have a point in common.

        Parameters
        ----------
        other
            The other polygons.
        first, second
            Number of a known polygon here and there, for each pair; their circles overlap.

        Returns
        -------
        overlap, sure : numpy.ndarray
            Two bools a pair; what is not sure must be decided otherwise.
        """
        depth = np.zeros(len(first))
        rows, others = self._rows[first], other._rows[second]
        for start in range(0, len(first), _PAIRS):
            part = slice(start, start + _PAIRS)
            one, two = rows[part], others[part]
            depth[part] = np.minimum(
                _depth(_taken(self._edges, one), _taken(other._vertices, two)),
                _depth(_taken(other._edges, two), _taken(self._vertices, one)),
            )
        return depth > 0, np.abs(depth) > _DOUBT


def _taken(vectors: np.ndarray, rows: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """Give the coordinates of each vertex, or edge, of some polygons, an array each: numpy is slow along short axes."""
    return [tuple(coordinate[rows] for coordinate in vector) for vector in vectors]


def _depth(edges: list[tuple[np.ndarray, ...]], vertices: list[tuple[np.ndarray, ...]]) -> np.ndarray:
    """Give how far the vertices of one polygon reach beyond the edge of the other that they reach least; negative if not at all."""
    least: np.ndarray | None = None
    for x, y, z in edges:
        reach: np.ndarray | None = None
        for a, b, c in vertices:
            height = x * a
            height += y * b
            height += z * c
            reach = height if reach is None else np.maximum(reach, height, out=reach)
        assert reach is not None
        least = reach if least is None else np.minimum(least, reach, out=least)
    assert least is not None
    return least
