from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from apps.melodies.definition import load
from apps.melodies.definition.kinds import known_kinds
from benchmarks import figures, shapes
from benchmarks.figures import Figure, Goal
from benchmarks.schedule import first_come_schedule, layer_schedule, list_schedule, ranks
from benchmarks.shapes import Dag
from benchmarks.spans import Span, hop_ms, makespan, mean_hop_ms, throughput

dags = st.builds(
    lambda size, width, seed: shapes.layered(size, width=width, seed=seed),
    st.integers(1, 120),
    st.integers(1, 12),
    st.integers(0, 10_000),
)


class TestLayered:
    @given(dags)
    def test_every_node_follows_one_to_three_of_the_two_layers_before(self, dag: Dag) -> None:
        for node, before in enumerate(dag.predecessors):
            if dag.layer[node] == 0:
                assert before == ()
            else:
                assert 1 <= len(set(before)) == len(before) <= 3
                assert all(1 <= dag.layer[node] - dag.layer[number] <= 2 for number in before)

    @given(dags)
    def test_durations_are_in_range_and_layers_are_whole(self, dag: Dag) -> None:
        assert all(0.010 <= seconds <= 0.200 for seconds in dag.seconds)
        assert [node for layer in dag.layers() for node in layer] == list(range(len(dag)))

    def test_the_benchmark_s_own_graph_is_always_the_same(self) -> None:
        assert shapes.layered(500) == shapes.layered(500)
        assert shapes.layered(500) != shapes.layered(500, seed=1)
        assert {len(layer) for layer in shapes.layered(500).layers()[:-1]} <= set(range(20, 31))


class TestDocuments:
    @pytest.mark.parametrize(
        ("document", "steps"),
        [
            (shapes.chain_document(5), 5),
            (shapes.fan_document(7, "test_echo"), 9),
            (shapes.dag_document(shapes.layered(60)), 60),
        ],
    )
    def test_symphony_takes_them(self, document: dict[str, Any], steps: int) -> None:
        assert len(list(load(json.dumps(document), known_kinds(), media="yaml").walk())) == steps

    def test_yaml_and_json_say_the_same(self) -> None:
        dag = shapes.layered(60)
        assert yaml.safe_load(shapes.yaml_text(dag)) == shapes.dag_document(dag)


class TestSchedule:
    def test_a_free_slot_takes_the_longest_path(self) -> None:
        # 0 and 1 are short, 2 leads to 3: on two slots 2 must begin at once.
        dag = Dag((1.0, 1.0, 1.0, 2.0), ((), (), (), (2,)), (0, 0, 0, 1))
        assert ranks(dag) == [1.0, 1.0, 3.0, 2.0]
        assert list_schedule(dag, 2) == 3.0
        assert list_schedule(dag, 1) == 5.0

    def test_first_come_first_served_takes_what_was_ready_first(self) -> None:
        dag = Dag((1.0, 1.0, 1.0, 2.0), ((), (), (), (2,)), (0, 0, 0, 1))
        assert first_come_schedule(dag, 2) == 4.0
        assert first_come_schedule(dag, 1) == list_schedule(dag, 1)

    @given(st.integers(0, 1000))
    def test_one_long_path_is_a_graph_of_its_size(self, seed: int) -> None:
        dag = shapes.one_long_path(60, seed=seed)
        assert 60 <= len(dag) < 80
        assert all(before < node for node, all_before in enumerate(dag.predecessors) for before in all_before)
        assert first_come_schedule(dag, 10_000) == pytest.approx(max(ranks(dag)))

    def test_a_barrier_waits_for_the_slowest_of_its_layer(self) -> None:
        dag = Dag((3.0, 1.0, 1.0, 3.0), ((), (), (0,), (1,)), (0, 0, 1, 1))
        assert list_schedule(dag, 2) == 4.0
        assert layer_schedule(dag, 2) == 6.0

    @given(dags, st.integers(1, 20))
    def test_no_better_than_its_bounds_and_no_worse_than_their_sum(self, dag: Dag, slots: int) -> None:
        work, path = sum(dag.seconds) / slots, max(ranks(dag))
        assert max(work, path) - 1e-9 <= list_schedule(dag, slots) <= work + path + 1e-9


class TestSpans:
    spans = (Span(10.0, 10.1), Span(10.2, 10.3), Span(10.3, 10.5), Span(11.0, 11.5))

    def test_hops_are_from_start_to_start(self) -> None:
        assert hop_ms(self.spans) == pytest.approx(200)
        assert mean_hop_ms(self.spans) == pytest.approx(1000 / 3)

    def test_throughput_is_of_first_start_to_last_end(self) -> None:
        assert makespan(self.spans) == pytest.approx(1.5)
        assert throughput(self.spans) == pytest.approx(4 / 1.5)


class TestFigures:
    good = Figure("W1", "hop / Celery", 1.8, "ms", 1.6, Goal("at most", 1.2))
    poor = Figure("W2", "tasks per second / Celery", 500.0, "tasks/s", 1000.0, Goal("at least", 0.65))
    alone = Figure("W5", "peak memory", 1.25, "GB", goal=Goal("at most", 1.5, "value"))

    def test_ratio_is_value_by_baseline(self) -> None:
        assert self.good.as_dict() == {
            "workload": "W1",
            "figure": "hop / Celery",
            "value": 1.8,
            "unit": "ms",
            "baseline": 1.6,
            "ratio": 1.125,
        }
        assert self.alone.as_dict()["ratio"] is None

    def test_goals_are_judged_by_ratio_or_value(self) -> None:
        assert [figure.cells()[-1] for figure in (self.good, self.poor, self.alone)] == [
            "≤ 1.2 × ✓",
            "≥ 0.65 × ✗",
            "≤ 1.5 GB ✓",
        ]

    @pytest.mark.parametrize(
        ("number", "text"), [(0.0, "0"), (0.00123, "0.00123"), (1.234, "1.23"), (99.96, "100"), (1234.5, "1,234")]
    )
    def test_numbers_have_three_digits_that_count(self, number: float, text: str) -> None:
        assert figures.shown(number) == text

    def test_the_table_shows_every_figure(self) -> None:
        console = Console(width=120, record=True, file=io.StringIO())
        console.print(figures.table([self.good, self.poor, self.alone], "here"))
        text = console.export_text()
        for cell in [*self.good.cells(), *self.poor.cells(), *self.alone.cells()]:
            assert cell in text

    def test_results_are_a_list_of_objects(self, tmp_path: Path) -> None:
        figures.write_json(tmp_path / "results.json", [self.good, self.poor])
        written = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
        assert [sorted(item) for item in written] == [
            ["baseline", "figure", "ratio", "unit", "value", "workload"],
        ] * 2

    def test_the_readme_changes_between_the_marks_only(self) -> None:
        readme = f"# Title\n{figures.START}\nold\n{figures.END}\nrest\n"
        changed = figures.rewrite(readme, figures.markdown([self.good], "here"))
        assert changed.startswith(f"# Title\n{figures.START}\nhere\n")
        assert changed.endswith(f"|\n{figures.END}\nrest\n")
        assert "old" not in changed
        assert "| W1 | hop / Celery | 1.8 | ms | 1.6 | 1.12 | ≤ 1.2 × ✓ |" in changed
        assert figures.rewrite(changed, figures.markdown([self.good], "here")) == changed

    def test_a_readme_without_marks_stays_as_it_is(self) -> None:
        assert figures.rewrite("# Title\n", "new") == "# Title\n"
