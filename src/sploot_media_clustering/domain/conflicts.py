"""Who can't be with whom, told by marks and not pair by pair: it grows with items, not with pairs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int8, Int64


@dataclass(frozen=True, slots=True, eq=False)
class Conflicts:
    """Items that can't be of one component.

    Attributes:
        photo: of each item; items of one photo exclude each other, below 0 is of none.
        sides: in each column, items of two sides exclude each other; below 0 takes no side.
    """

    photo: Int64[np.ndarray, " n"]
    sides: Int8[np.ndarray, "n c"]

    def __len__(self) -> int:
        return len(self.photo)

    def taken(self, rows: Int64[np.ndarray, " m"]) -> Conflicts:
        """Those among some items, in the order given."""
        return Conflicts(self.photo[rows], self.sides[rows])

    def parted(self, first: Bool[np.ndarray, " n"], second: Bool[np.ndarray, " n"]) -> Conflicts:
        """And no item of the first group is with one of the second; they share none."""
        side = np.where(first, 0, np.where(second, 1, -1)).astype(np.int8)
        return Conflicts(self.photo, np.column_stack([self.sides, side]))

    def together(self) -> tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"]]:
        """Every two items of one photo, each pair both ways."""
        order = np.argsort(self.photo, kind="stable")
        photo = self.photo[order]
        first, second = [order[:0]], [order[:0]]
        for apart in range(1, len(order)):
            place = np.flatnonzero((photo[apart:] == photo[:-apart]) & (photo[apart:] >= 0))
            if not len(place):
                break
            first += [order[place], order[place + apart]]
            second += [order[place + apart], order[place]]
        return np.concatenate(first), np.concatenate(second)

    def of_components(self, labels: Int64[np.ndarray, " n"], components: int) -> Bool[np.ndarray, "k k"]:
        """Components of which some items exclude each other; a label below 0 is of none."""
        barred = np.zeros((components, components), bool)
        first, second = (labels[part] for part in self.together())
        placed = (first >= 0) & (second >= 0)
        barred[first[placed], second[placed]] = True
        for column in range(self.sides.shape[1]):
            taken, foreign = self.taken_sides(column, labels, components)
            barred |= taken.astype(np.float32) @ foreign.astype(np.float32).T > 0
        return barred

    def exclude(self, item: int, others: Int64[np.ndarray, " m"]) -> bool:
        """Whether an item can't be with all of some others."""
        beside = (self.photo[others] == self.photo[item]) & (self.photo[item] >= 0)
        one, two = self.sides[item], self.sides[others]
        return bool(beside.any() or ((one != two) & (one >= 0) & (two >= 0)).any())

    def taken_sides(
        self, column: int, labels: Int64[np.ndarray, " n"], components: int
    ) -> tuple[Bool[np.ndarray, "k s"], Bool[np.ndarray, "k s"]]:
        """Which sides the items of each component take, and which are thereby barred from it."""
        side = self.sides[:, column]
        counted = (side >= 0) & (labels >= 0)
        taken = np.zeros((components, int(side.max(initial=0)) + 1), bool)
        taken[labels[counted], side[counted]] = True
        return taken, taken.sum(1, keepdims=True) - taken > 0


class Bars:
    """Components that hold something which excludes an item.

    Args:
        conflicts: of the items.
        labels: component of each item, below 0 where it has none.
        components: how many there are.
    """

    def __init__(self, conflicts: Conflicts, labels: Int64[np.ndarray, " n"], components: int) -> None:
        first, second = conflicts.together()
        placed = np.flatnonzero(labels[second] >= 0)
        order = placed[np.argsort(first[placed], kind="stable")]
        self._items, self._at = first[order], labels[second[order]]
        self._sides, self._components = conflicts.sides, components
        self._foreign = [
            conflicts.taken_sides(column, labels, components)[1] for column in range(self._sides.shape[1])
        ]

    def of(self, rows: Int64[np.ndarray, " b"]) -> Bool[np.ndarray, "b k"]:
        """Where some items can't be."""
        barred = np.zeros((len(rows), self._components), bool)
        low, high = (np.searchsorted(self._items, rows, side) for side in ("left", "right"))
        place = np.repeat(np.arange(len(rows)), high - low)
        nth = np.arange(len(place)) - np.searchsorted(place, place)
        barred[place, self._at[low[place] + nth]] = True
        for column, foreign in enumerate(self._foreign):
            side = self._sides[rows, column]
            barred[side >= 0] |= foreign.T[side[side >= 0]]
        return barred


class Parties:
    """Groups of items that grow by merging, none of which may hold two that exclude each other.

    Args:
        conflicts: of the items.
        labels: group of each item, from 0.
        groups: how many there are.
    """

    def __init__(self, conflicts: Conflicts, labels: Int64[np.ndarray, " n"], groups: int) -> None:
        crowded = np.unique(conflicts.together()[0])
        self._photos: defaultdict[int, set[int]] = defaultdict(set)
        for group, photo in zip(labels[crowded].tolist(), conflicts.photo[crowded].tolist(), strict=True):
            self._photos[group].add(photo)
        sides = np.full((groups, conflicts.sides.shape[1]), -1, np.int8)
        np.maximum.at(sides, labels, conflicts.sides)
        self._sides: list[list[int]] = sides.tolist()

    def exclude(self, one: int, other: int) -> bool:
        """Whether two groups can't be one."""
        photos = self._photos.get(one), self._photos.get(other)
        if photos[0] and photos[1] and not photos[0].isdisjoint(photos[1]):
            return True
        sides = zip(self._sides[one], self._sides[other], strict=True)
        return any(a != b and a >= 0 and b >= 0 for a, b in sides)

    def merge(self, kept: int, gone: int) -> None:
        """Two groups become one, which goes by the first number."""
        more, less = self._photos.pop(kept, set()), self._photos.pop(gone, set())
        if len(more) < len(less):
            more, less = less, more
        if more:
            more |= less
            self._photos[kept] = more
        self._sides[kept] = [max(a, b) for a, b in zip(self._sides[kept], self._sides[gone], strict=True)]


class Occupied:
    """Components that fill up, and where each item can't go.

    Args:
        conflicts: of the items.
        labels: component of each item so far, below 0 where it has none.
        components: how many there are.
    """

    def __init__(self, conflicts: Conflicts, labels: Int64[np.ndarray, " n"], components: int) -> None:
        self._labels, self._sides, self._components = labels.copy(), conflicts.sides, components
        self._beside: defaultdict[int, list[int]] = defaultdict(list)
        for one, other in zip(*(part.tolist() for part in conflicts.together()), strict=True):
            self._beside[one].append(other)
        self._taken = [
            conflicts.taken_sides(column, labels, components)[0] for column in range(self._sides.shape[1])
        ]

    def barred(self, item: int) -> Bool[np.ndarray, " k"]:
        """Components that hold something which excludes an item."""
        found = np.zeros(self._components, bool)
        beside = self._labels[self._beside.get(item, [])]
        found[beside[beside >= 0]] = True
        for side, taken in zip(self._sides[item].tolist(), self._taken, strict=True):
            if side >= 0:
                found |= np.delete(taken, side, axis=1).any(1)
        return found

    def placed(self, item: int, label: int) -> None:
        """An item has a component now; a label below 0 is none."""
        self._labels[item] = label
        for side, taken in zip(self._sides[item].tolist(), self._taken, strict=True):
            if side >= 0 and label >= 0:
                taken[label, side] = True


def none(items: int) -> Conflicts:
    """No two of so many items exclude each other."""
    return Conflicts(np.full(items, -1), np.zeros((items, 0), np.int8))
