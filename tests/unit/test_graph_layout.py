"""The graph of a run as a picture: what becomes a box, where it stands, and how lines run."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.executions.pages.grouping import (
    MOST_BOXES,
    MOST_SIBLINGS,
    Arrow,
    Box,
    Link,
    Step,
    group_steps,
    longest_paths,
    pattern,
)
from apps.executions.pages.layout import Layout, Metrics, lay_out

Edges = list[tuple[int, int]]
METRICS = Metrics()


def steps(count: int, kind: str = "simulate") -> list[Step]:
    return [Step(node, f"step_{node}", kind) for node in range(count)]


def fan(width: int) -> tuple[list[Step], list[Link]]:
    """One step, `width` after it, one after all of them."""
    links = [Link(0, node) for node in range(1, width + 1)] + [Link(node, width + 1) for node in range(1, width + 1)]
    return steps(width + 2), links


def layered(count: int, layers: int, seed: int = 7) -> tuple[list[Step], list[Link]]:
    """Each step on one to three of the layer before: nothing in it can be folded without a loss."""
    chance = random.Random(seed)
    per_layer = count // layers
    links = [
        Link(source, node)
        for node in range(per_layer, count)
        for source in chance.sample(range((node // per_layer - 1) * per_layer, node // per_layer * per_layer), 2)
    ]
    return steps(count), links


@st.composite
def dags(draw: st.DrawFn, most: int = 40) -> tuple[int, Edges]:
    count = draw(st.integers(1, most))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1])
    found = draw(st.lists(pairs, max_size=3 * count, unique_by=lambda pair: (min(pair), max(pair))))
    return count, [(min(pair), max(pair)) for pair in found]


def picture(count: int, edges: Edges, height: float = 60.0) -> Layout:
    return lay_out(dict.fromkeys(range(count), height), edges)


def overlaps(layout: Layout) -> list[tuple[int, int]]:
    boxes = layout.boxes
    return [
        (a.key, b.key)
        for index, a in enumerate(boxes)
        for b in boxes[index + 1 :]
        if a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
    ]


def acyclic(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> bool:
    after: dict[int, list[int]] = {box.key: [] for box in boxes}
    for arrow in arrows:
        after[arrow.source].append(arrow.target)
    return len(longest_paths(after, after)) == len(boxes)


class TestLayout:
    @settings(max_examples=150, deadline=None)
    @given(dags())
    def test_boxes_never_overlap_and_lines_go_forward(self, dag: tuple[int, Edges]) -> None:
        count, edges = dag
        layout = picture(count, edges)
        place = {box.key: box for box in layout.boxes}
        assert overlaps(layout) == []
        for source, target in edges:
            assert place[source].x + place[source].width < place[target].x
        for box in layout.boxes:
            assert box.x >= METRICS.margin
            assert box.y >= METRICS.margin
            assert box.x + box.width <= layout.width
            assert box.y + box.height <= layout.height

    @settings(max_examples=60, deadline=None)
    @given(dags())
    def test_lines_join_the_sides_of_their_boxes_and_do_not_touch_others(self, dag: tuple[int, Edges]) -> None:
        count, edges = dag
        layout = picture(count, edges)
        place = {box.key: box for box in layout.boxes}
        for route in layout.routes:
            numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", route.path)]
            source, target = place[route.source], place[route.target]
            assert numbers[0] == pytest.approx(source.x + source.width)
            assert numbers[1] == pytest.approx(source.y + source.height / 2, abs=0.11)
            assert numbers[-2] == pytest.approx(target.x)
            assert numbers[-1] == pytest.approx(target.y + target.height / 2, abs=0.11)
            # The straight stretches are where a line passes a layer of boxes.
            for before, x in re.findall(r"([\d.]+) H([\d.]+)", route.path):
                passed = [box for box in layout.boxes if box.x + box.width == pytest.approx(float(x))]
                assert passed
                assert not any(box.y < float(before) < box.y + box.height for box in passed)

    @settings(max_examples=30, deadline=None)
    @given(dags())
    def test_is_deterministic(self, dag: tuple[int, Edges]) -> None:
        assert picture(*dag) == picture(*dag)

    def test_boxes_of_different_heights_keep_their_distance(self) -> None:
        layout = lay_out({0: 40.0, 1: 120.0, 2: 60.0, 3: 40.0}, [(0, 1), (0, 2), (0, 3)])
        column = sorted((box for box in layout.boxes if box.key), key=lambda box: box.y)
        for above, below in pairwise(column):
            assert below.y - (above.y + above.height) >= METRICS.row_gap - 0.2

    def test_a_chain_is_one_straight_line(self) -> None:
        layout = picture(6, [(node, node + 1) for node in range(5)])
        assert len({box.y for box in layout.boxes}) == 1
        assert [box.layer for box in layout.boxes] == list(range(6))

    def test_crossings_that_need_not_be_are_undone(self) -> None:
        """Three pairs, written so that every line crosses every other at first."""
        place = {box.key: box.y for box in picture(6, [(0, 5), (1, 4), (2, 3)]).boxes}
        lefts = sorted(range(3), key=place.__getitem__)
        rights = sorted(range(3, 6), key=place.__getitem__)
        assert [5 - key for key in lefts] == rights

    def test_what_nothing_leads_to_stands_next_to_what_it_leads_to(self) -> None:
        layers = {box.key: box.layer for box in picture(5, [(0, 1), (1, 2), (2, 3), (4, 3)]).boxes}
        assert layers[4] == 2

    def test_nothing_to_draw_is_a_small_empty_picture(self) -> None:
        layout = lay_out({}, [])
        assert layout.boxes == ()
        assert 0 < layout.width < 50

    def test_a_cycle_is_refused(self) -> None:
        with pytest.raises(ValueError, match="cycle"):
            picture(2, [(0, 1), (1, 0)])

    def test_a_thicket_is_still_drawn_soon(self) -> None:
        edges = [(a, b) for a in range(150) for b in range(a + 1, 150)]
        begun = time.process_time()
        layout = picture(150, edges)
        assert overlaps(layout) == []
        assert time.process_time() - begun < 20


class TestGrouping:
    def test_few_steps_stay_what_they_are(self) -> None:
        boxes, arrows = group_steps(*fan(MOST_SIBLINGS))
        assert [box.members for box in boxes] == [(node,) for node in range(MOST_SIBLINGS + 2)]
        assert len(arrows) == 2 * MOST_SIBLINGS

    def test_a_wide_fan_becomes_one_box(self) -> None:
        boxes, arrows = group_steps(*fan(998))
        assert [(box.shape, len(box.members)) for box in boxes] == [("step", 1), ("siblings", 998), ("step", 1)]
        assert [(arrow.source, arrow.target) for arrow in arrows] == [(0, 1), (1, 999)]
        assert boxes[1].name == "step_…"
        assert boxes[1].kind == "simulate"

    def test_siblings_of_other_kinds_or_conditions_stay_apart(self) -> None:
        found, links = fan(60)
        found = [Step(step.node, step.name, "wait" if step.node % 2 else "simulate") for step in found]
        boxes, _ = group_steps(found, links)
        assert sorted(len(box.members) for box in boxes) == [1, 1, 30, 30]
        links = [Link(a.source, a.target, "failure" if a.target % 2 and a.source == 0 else "success") for a in links]
        boxes, arrows = group_steps(steps(62), links)
        assert sorted(len(box.members) for box in boxes) == [1, 1, 30, 30]
        assert {arrow.on for arrow in arrows if not arrow.plain} == {("failure",)}

    def test_many_short_chains_fold_into_one_box(self) -> None:
        """1 → 300 chains of three → 1."""
        links = [Link(0, 1 + 3 * chain) for chain in range(300)]
        links += [Link(1 + 3 * chain + link, 2 + 3 * chain + link) for chain in range(300) for link in range(2)]
        links += [Link(3 + 3 * chain, 901) for chain in range(300)]
        boxes, arrows = group_steps(steps(902), links)
        assert [len(box.members) for box in boxes] == [1, 900, 1]
        assert len(arrows) == 2

    def test_a_long_chain_is_cut_so_that_progress_shows(self) -> None:
        boxes, arrows = group_steps(steps(1000), [Link(node, node + 1) for node in range(999)])
        assert 20 < len(boxes) <= MOST_BOXES
        assert len(arrows) == len(boxes) - 1
        assert {box.shape for box in boxes} == {"chain"}
        assert boxes[0].name == f"step_0 … step_{boxes[0].members[-1]}"

    def test_what_cannot_be_folded_is_drawn_by_layers(self) -> None:
        boxes, arrows = group_steps(*layered(500, 25))
        assert len(boxes) == 25
        assert {box.shape for box in boxes} == {"layer"}
        assert acyclic(boxes, arrows)

    def test_too_many_layers_become_bands(self) -> None:
        boxes, arrows = group_steps(*layered(4000, 400))
        assert len(boxes) == 40
        assert acyclic(boxes, arrows)

    @settings(max_examples=150, deadline=None)
    @given(dags(60), st.integers(1, 30))
    def test_every_step_is_in_one_box_and_no_line_is_lost(self, dag: tuple[int, Edges], most: int) -> None:
        count, edges = dag
        boxes, arrows = group_steps(steps(count), [Link(a, b) for a, b in edges], most=most)
        assert sorted(node for box in boxes for node in box.members) == list(range(count))
        assert len(boxes) <= max(most, 1)
        assert acyclic(boxes, arrows)
        home = {node: box.key for box in boxes for node in box.members}
        drawn = {(arrow.source, arrow.target) for arrow in arrows}
        assert drawn == {(home[a], home[b]) for a, b in edges if home[a] != home[b]}

    def test_a_line_that_stands_for_several_conditions_names_them(self) -> None:
        _, arrows = group_steps(steps(2), [Link(0, 1, "failure"), Link(0, 1, "skipped")])
        assert [arrow.on for arrow in arrows] == [("failure", "skipped")]
        assert not arrows[0].plain

    def test_edges_to_what_is_not_drawn_are_left_out(self) -> None:
        boxes, arrows = group_steps(steps(2), [Link(0, 1), Link(1, 99, "done")])
        assert len(boxes) == 2
        assert len(arrows) == 1

    def test_a_hundred_thousand_steps_take_seconds(self) -> None:
        begun = time.process_time()
        boxes, _ = group_steps(*fan(100_000))
        assert len(boxes) == 3
        assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["part_001", "part_002"], "part_…"),
        (["load_a_csv", "load_b_csv"], "load_…_csv"),
        (["one", "one"], "one"),
        (["alpha", "beta"], ""),
        (["tile_10", "tile_19"], "tile_…"),
        (["a1x", "a2x"], "a…x"),
    ],
)
def test_pattern(names: list[str], expected: str) -> None:
    assert pattern(names) == expected
