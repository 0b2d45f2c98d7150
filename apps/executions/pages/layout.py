"""Where the boxes of a graph stand and how its lines run. Pure; the same graph always gives the same picture.

Layered from left to right: a box stands right of everything that leads to it (longest path). A line that passes layers
keeps a slot free in each of them, shared by all lines of the same source, so it runs around boxes. The order within a
layer is found by barycenter sweeps, the positions by least squares with a minimum distance (pool adjacent violators).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from apps.executions.pages.grouping import longest_paths

_SWEEPS = 8
_STRAIGHTENINGS = 8
_MOST_SLOTS = 4000
"""Beyond this, long lines run straight: the picture is a thicket anyway."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Sizes in pixels."""

    width: float = 200
    column_gap: float = 52
    row_gap: float = 18
    slot_gap: float = 10
    slot_height: float = 4
    margin: float = 12


@dataclass(frozen=True, slots=True)
class Placed:
    """A box: its top left corner and its size."""

    key: int
    layer: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """A line from the right side of one box to the left side of another, as an SVG path, and a place for its label."""

    source: int
    target: int
    path: str
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The picture; boxes and routes are in the order given."""

    boxes: tuple[Placed, ...]
    routes: tuple[Route, ...]
    width: float
    height: float


Item = tuple[int, int]
"""What stands in a layer: (key, layer). In its own layer it is the box, in later ones a slot for its long lines."""

DEFAULT = Metrics()


def lay_out(heights: Mapping[int, float], edges: Sequence[tuple[int, int]], metrics: Metrics = DEFAULT) -> Layout:
    """Place boxes of these heights, by key; `edges` are (source, target). `ValueError` when they make a cycle."""
    layer_of = _layers(heights, edges)
    paths = _paths(edges, layer_of)
    segments = _segments(paths)
    layers = _initial_layers(heights, layer_of, paths)
    layers = _fewest_crossings(layers, segments)
    centres = _centres(layers, segments, heights, layer_of, metrics)
    boxes = tuple(_placed(key, layer_of[key], centres[key, layer_of[key]], heights[key], metrics) for key in heights)
    routes = tuple(_route(path, centres, metrics) for path in paths)
    width = max((box.x + box.width for box in boxes), default=0.0) + metrics.margin
    # A slot may lie below all boxes.
    height = max((centre + _half(item, heights, layer_of, metrics) for item, centre in centres.items()), default=0.0)
    return Layout(boxes, routes, _round(width), _round(height + metrics.margin))


def _layers(heights: Mapping[int, float], edges: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Longest paths; boxes nothing leads to stand right before what they lead to."""
    after: dict[int, list[int]] = defaultdict(list)
    targets = set()
    for source, target in edges:
        after[source].append(target)
        targets.add(target)
    levels = longest_paths(heights, after)
    for key in heights:
        if key not in targets and after[key]:
            levels[key] = min(levels[target] for target in after[key]) - 1
    return levels


def _paths(edges: Sequence[tuple[int, int]], layer_of: Mapping[int, int]) -> list[list[Item]]:
    """Each line as the items it runs through, in layers from its source to its target."""
    slots = sum(layer_of[target] - layer_of[source] - 1 for source, target in edges)
    paths = []
    for source, target in edges:
        first, last = layer_of[source], layer_of[target]
        between = range(first + 1, last) if slots <= _MOST_SLOTS else range(0)
        paths.append([(source, first), *((source, layer) for layer in between), (target, last)])
    return paths


def _segments(paths: Iterable[Sequence[Item]]) -> list[tuple[Item, Item]]:
    """The steps of all paths from layer to layer, each once."""
    steps = (pair for path in paths for pair in pairwise(path))
    return list(dict.fromkeys(pair for pair in steps if pair[1][1] == pair[0][1] + 1))


def _initial_layers(
    heights: Mapping[int, float], layer_of: Mapping[int, int], paths: Iterable[Sequence[Item]]
) -> list[list[Item]]:
    layers: list[list[Item]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for key in heights:
        layers[layer_of[key]].append((key, layer_of[key]))
    for item in dict.fromkeys(item for path in paths for item in path[1:-1]):
        layers[item[1]].append(item)
    return layers


def _fewest_crossings(layers: list[list[Item]], segments: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    before: dict[Item, list[Item]] = defaultdict(list)
    after: dict[Item, list[Item]] = defaultdict(list)
    for source, target in segments:
        after[source].append(target)
        before[target].append(source)
    best, fewest = layers, _crossings(layers, after)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        layers = _swept(layers, before) if sweep % 2 == 0 else _swept(layers[::-1], after)[::-1]
        crossings = _crossings(layers, after)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _swept(layers: Sequence[list[Item]], neighbours: Mapping[Item, Sequence[Item]]) -> list[list[Item]]:
    """Order each layer by the mean place of its neighbours in the layer before; who has none keeps its place."""
    result: list[list[Item]] = []
    place: dict[Item, float] = {}
    for layer in layers:
        weights = {}
        for index, item in enumerate(layer):
            known = [place[other] for other in neighbours.get(item, ()) if other in place]
            weights[item] = sum(known) / len(known) if known else float(index)
        ordered = sorted(layer, key=weights.__getitem__)
        place = {item: float(index) for index, item in enumerate(ordered)}
        result.append(ordered)
    return result


def _crossings(layers: Sequence[Sequence[Item]], after: Mapping[Item, Sequence[Item]]) -> int:
    total = 0
    for left, right in pairwise(layers):
        place = {item: index for index, item in enumerate(right)}
        ends = [end for item in left for end in sorted(place[target] for target in after.get(item, ()))]
        total += _inversions(ends, len(right))
    return total


def _inversions(numbers: Sequence[int], limit: int) -> int:
    """Pairs in the wrong order, by a Fenwick tree over 0 .. limit - 1."""
    tree = [0] * (limit + 1)
    inversions = 0
    for count, number in enumerate(numbers):
        index, smaller_or_equal = number + 1, 0
        while index:
            smaller_or_equal += tree[index]
            index &= index - 1
        inversions += count - smaller_or_equal
        index = number + 1
        while index <= limit:
            tree[index] += 1
            index += index & -index
    return inversions


def _half(item: Item, heights: Mapping[int, float], layer_of: Mapping[int, int], metrics: Metrics) -> float:
    key, layer = item
    return (heights[key] if layer_of[key] == layer else metrics.slot_height) / 2


def _centres(
    layers: Sequence[Sequence[Item]],
    segments: Sequence[tuple[Item, Item]],
    heights: Mapping[int, float],
    layer_of: Mapping[int, int],
    metrics: Metrics,
) -> dict[Item, float]:
    """The vertical centre of each item: near its neighbours, in order, and never too near to the next one."""
    before: dict[Item, list[Item]] = defaultdict(list)
    after: dict[Item, list[Item]] = defaultdict(list)
    for source, target in segments:
        after[source].append(target)
        before[target].append(source)
    offsets = [_offsets(layer, heights, layer_of, metrics) for layer in layers]
    centres = {
        item: offset - column[-1] / 2
        for layer, column in zip(layers, offsets, strict=True)
        for item, offset in zip(layer, column, strict=True)
    }
    for turn in range(_STRAIGHTENINGS):
        forward = turn % 2 == 0
        indices = range(len(layers)) if forward else range(len(layers) - 1, -1, -1)
        for index in indices:
            near, far = (before, after) if forward else (after, before)
            wanted = [_wish(item, near, far, centres) for item in layers[index]]
            spread = _apart(wanted, offsets[index])
            centres.update(zip(layers[index], spread, strict=True))
    top = min((centre - _half(item, heights, layer_of, metrics) for item, centre in centres.items()), default=0.0)
    return {item: centre - top + metrics.margin for item, centre in centres.items()}


def _offsets(
    layer: Sequence[Item], heights: Mapping[int, float], layer_of: Mapping[int, int], metrics: Metrics
) -> list[float]:
    """The smallest distance of each item's centre from the first one's."""
    offsets = [0.0]
    for above, below in pairwise(layer):
        boxes = layer_of[above[0]] == above[1] and layer_of[below[0]] == below[1]
        gap = metrics.row_gap if boxes else metrics.slot_gap
        halves = _half(above, heights, layer_of, metrics) + _half(below, heights, layer_of, metrics)
        offsets.append(offsets[-1] + halves + gap)
    return offsets


def _wish(
    item: Item,
    near: Mapping[Item, Sequence[Item]],
    far: Mapping[Item, Sequence[Item]],
    centres: Mapping[Item, float],
) -> float:
    """The mean of the neighbours on one side; of those on the other where there are none."""
    others = near.get(item) or far.get(item)
    return sum(centres[other] for other in others) / len(others) if others else centres[item]


def _apart(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The positions nearest to those wanted (least squares) that keep the order and the distances of `offsets`."""
    blocks: list[tuple[float, int]] = []
    for wish, offset in zip(wanted, offsets, strict=True):
        total, count = wish - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            more, others = blocks.pop()
            total, count = total + more, count + others
        blocks.append((total, count))
    bases = [total / count for total, count in blocks for _ in range(count)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]


def _placed(key: int, layer: int, centre: float, height: float, metrics: Metrics) -> Placed:
    return Placed(key, layer, _column(layer, metrics), _round(centre - height / 2), metrics.width, height)


def _column(layer: int, metrics: Metrics) -> float:
    return metrics.margin + layer * (metrics.width + metrics.column_gap)


def _route(path: Sequence[Item], centres: Mapping[Item, float], metrics: Metrics) -> Route:
    x, y = _column(path[0][1], metrics) + metrics.width, _round(centres[path[0]])
    parts = [f"M{_text(x)} {_text(y)}"]
    for item in path[1:]:
        next_x, next_y = _column(item[1], metrics), _round(centres[item])
        bend = _text(x + (next_x - x) / 2)
        parts.append(f"C{bend} {_text(y)} {bend} {_text(next_y)} {_text(next_x)} {_text(next_y)}")
        x, y = next_x, next_y
        if item is not path[-1]:
            x = next_x + metrics.width
            parts.append(f"H{_text(x)}")
    last_x, last_y, before_y = x, y, _round(centres[path[-2]])
    return Route(path[0][0], path[-1][0], " ".join(parts), last_x - metrics.column_gap / 2, (last_y + before_y) / 2)


def _round(number: float) -> float:
    return round(number, 1)


def _text(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


__all__ = ["Layout", "Metrics", "Placed", "Route", "lay_out"]
