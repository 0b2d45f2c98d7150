"""Operations that share one rendering: what may share, and that nothing else is different."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelOptions,
    CreateModel,
    RemoveConstraint,
    RemoveField,
    RemoveIndex,
    RenameField,
    RenameIndex,
    RenameModel,
    RunPython,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.serializer import serializer_factory
from django.db.migrations.state import ProjectState
from django.db.models.signals import class_prepared
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from apps.core.db.operations import GrantTo
from apps.core.db.together import Together, together

Arrange = Callable[[Sequence[Operation]], list[Operation]]


def create(model: str, /, **fields: models.Field[Any, Any]) -> CreateModel:
    return CreateModel(model, [("id", models.BigAutoField(primary_key=True)), *fields.items()])


def refers_to(model: str, **options: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(f"shop.{model}", models.CASCADE, **options)


def index(name: str, field: str = "state") -> models.Index:
    return models.Index(fields=[field], name=name)


def check(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(state="open"), name=name)


START = [
    create("Customer", name=models.TextField()),
    create("Order", customer=refers_to("customer", related_name="orders"), number=models.IntegerField()),
    create("Refund", order=refers_to("order", related_name="refunds")),
    AddIndex("order", index("order_number", "number")),
    AddConstraint("order", models.CheckConstraint(condition=models.Q(number__gte=1), name="order_counted")),
]
SHARED = [
    create("Item", order=refers_to("order", related_name="items"), tags=models.ManyToManyField("shop.customer")),
    AddField("order", "state", models.TextField(default="new"), preserve_default=False),
    AddField("customer", "favourite", refers_to("item", null=True, related_name="admirers")),
    AddField("Order", "gift_of", refers_to("order", null=True, related_name="gifts")),
    AddIndex("order", index("order_state")),
    # To drop it again Django asks for the column of its condition, and of a state that may not have it.
    AddConstraint(
        "order",
        models.UniqueConstraint(fields=["customer"], condition=models.Q(state="open"), name="order_open_once"),
    ),
    AddConstraint("order", check("order_state_known")),
    RemoveIndex("order", "order_number"),
    RemoveConstraint("order", "order_counted"),
]
FARTHER = [create("Country"), AddField("customer", "country", refers_to("country", null=True)), create("Setting")]
ALONE = [
    AddField("item", "price", models.DecimalField(max_digits=9, decimal_places=2, default=0)),
    AddIndex("item", index("item_price", "price")),
]
CHANGES: list[Operation] = [*SHARED, RunSQL("SELECT 1", "SELECT 1"), *ALONE]


def one_by_one(operations: Sequence[Operation]) -> list[Operation]:
    return list(operations)


def flat(operations: Sequence[Operation]) -> list[Operation]:
    return [one for each in operations for one in (each.operations if isinstance(each, Together) else [each])]


def sizes(operations: Sequence[Operation]) -> list[int]:
    return [len(flat([each])) for each in together(operations)]


def migration(steps: Sequence[Operation]) -> Migration:
    class Changes(Migration):
        operations = list(steps)

    return Changes("0001_initial", "shop")


def started(*more: Operation) -> ProjectState:
    """The shop before the changes, rendered."""
    state = migration([*START, *more]).mutate_state(ProjectState())
    assert state.apps.is_installed("shop")
    return state


def rendered_afresh(state: ProjectState) -> ProjectState:
    afresh = state.clone()
    del afresh.__dict__["apps"]
    return afresh


@contextmanager
def rendered_models() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(sender: type[models.Model], **_: Any) -> None:
        if sender._meta.app_label == "shop":
            seen.append(sender.__name__)

    class_prepared.connect(note)
    try:
        yield seen
    finally:
        class_prepared.disconnect(note)


def shape(state: ProjectState) -> dict[str, list[tuple[str, str, str]]]:
    """Each rendered model: its own fields in their order, then those that lead to it, in any."""

    def told(field: Any) -> tuple[str, str, str]:
        return field.name, type(field).__name__, field.related_model._meta.label if field.related_model else ""

    return {
        model._meta.label: [
            *map(told, [*model._meta.local_fields, *model._meta.local_many_to_many]),
            *sorted(told(field) for field in model._meta.get_fields(include_hidden=True) if field.auto_created),
        ]
        for model in state.apps.get_models(include_auto_created=True)
    }


def strangers(state: ProjectState) -> list[str]:
    """Fields that refer to a rendering of a model which is not the one of this state."""
    return [
        f"{model._meta.label}.{field.name}"
        for model in state.apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields(include_hidden=True)
        if field.related_model and field.related_model is not state.apps.get_model(field.related_model._meta.label)
    ]


def test_neighbours_become_one_and_keep_their_order() -> None:
    (one,) = together(SHARED)
    assert isinstance(one, Together)
    assert one.operations == SHARED


def test_who_has_no_neighbour_stays_what_it_was() -> None:
    assert together([SHARED[1]]) == [SHARED[1]]
    assert together([]) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (create("Item"), AddField("item", "state", models.TextField())),
        (create("item"), AddIndex("Item", index("item_state"))),
        (create("Item"), AddConstraint("item", check("item_state"))),
        (AddIndex("order", index("same")), RemoveIndex("order", "same")),
        (RemoveIndex("order", "same"), AddIndex("order", index("same"))),
        (AddConstraint("order", check("same")), RemoveConstraint("order", "same")),
        (RemoveConstraint("order", "same"), AddConstraint("order", check("same"))),
        (AddConstraint("order", check("same")), RemoveIndex("order", "same")),
    ],
)
def test_what_builds_on_the_one_before_waits_for_it(first: Operation, second: Operation) -> None:
    assert together([first, second]) == [first, second]
    between = AddField("customer", "vip", models.BooleanField(default=False))
    assert sizes([first, between, second]) == [2, 1]


@pytest.mark.parametrize(
    "stranger",
    [
        RunSQL("SELECT 1"),
        RunPython(RunPython.noop),
        GrantTo("shop_order"),
        SeparateDatabaseAndState(state_operations=[SHARED[1]]),
        AlterField("customer", "name", models.CharField(max_length=9)),
        RemoveField("customer", "name"),
        RenameField("customer", "name", "called"),
        RenameIndex("order", "order_one", "order_first"),
        RenameModel("customer", "client"),
        AlterModelOptions("order", {"ordering": ["id"]}),
        # A subclass of one that may: it must run outside of a transaction.
        AddIndexConcurrently("customer", index("customer_name", "name")),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_any_other_operation_stays_alone(stranger: Operation) -> None:
    around = [AddField("order", f"field{number}", models.TextField()) for number in range(4)]
    assert sizes([*around[:2], stranger, *around[2:]]) == [2, 1, 2]
    assert together([*around, stranger])[-1] is stranger


@given(st.lists(st.sampled_from([*START, *CHANGES])))
def test_grouping_neither_loses_nor_moves_an_operation(operations: list[Operation]) -> None:
    grouped = together(operations)
    assert flat(grouped) == operations
    assert all(len(each.operations) > 1 for each in grouped if isinstance(each, Together))


def test_the_state_is_what_it_is_one_by_one() -> None:
    assert sizes(CHANGES) == [len(SHARED), 1, len(ALONE)]
    apart = migration(CHANGES).mutate_state(started())
    joined = migration(together(CHANGES)).mutate_state(started())
    assert joined == apart
    assert joined.relations == apart.relations
    assert shape(joined) == shape(apart)
    assert ("admirers", "ManyToOneRel", "shop.Customer") in shape(joined)["shop.Item"]


def test_every_relation_leads_to_the_models_of_the_same_rendering() -> None:
    assert strangers(migration(together(CHANGES)).mutate_state(started())) == []


def test_what_the_rendering_says_is_what_the_state_says() -> None:
    joined = migration(together(CHANGES)).mutate_state(started())
    assert shape(joined) == shape(rendered_afresh(joined))


def test_models_far_away_and_models_of_no_relation_are_of_the_same_rendering() -> None:
    changes = [
        AddField("refund", "replaces", refers_to("refund", null=True)),
        AddField("setting", "value", models.TextField(default="")),
    ]
    joined = migration(together(changes)).mutate_state(started(*FARTHER))
    assert strangers(joined) == []
    assert shape(joined) == shape(rendered_afresh(joined))


def test_the_state_before_keeps_its_models() -> None:
    before = started()
    shown = shape(before)
    migration(together(CHANGES)).mutate_state(before, preserve=True)
    assert shape(before) == shown


def test_models_are_rendered_once() -> None:
    state = started()
    with rendered_models() as rendered:
        migration(together(SHARED)).mutate_state(state, preserve=False)
    assert sorted(rendered) == ["Customer", "Item", "Item_tags", "Order", "Refund"]


def test_what_only_touches_indexes_leaves_distant_models_alone() -> None:
    state = started(*FARTHER)
    indexes = [AddIndex("refund", index(f"refund_{field}", field)) for field in ("id", "order")]
    with rendered_models() as rendered:
        migration(together(indexes)).mutate_state(state, preserve=False)
    assert "Country" not in rendered
    assert rendered.count("Refund") == 1


def test_a_state_that_was_not_rendered_is_not_rendered_for_it() -> None:
    state = migration(START).mutate_state(ProjectState())
    migration(together(SHARED)).mutate_state(state, preserve=False)
    assert "apps" not in state.__dict__
    assert shape(state) == shape(migration(CHANGES[: len(SHARED)]).mutate_state(started()))


def test_it_can_be_written_into_a_migration_and_read_again() -> None:
    (one,) = together(SHARED[1:5])
    text, imports = serializer_factory(one).serialize()
    names: dict[str, Any] = {"migrations": migrations, "models": models}
    exec("\n".join(imports), names)
    again = eval(text, names)
    assert type(again) is Together
    assert again.describe() == one.describe()
    assert [type(each) for each in again.operations] == [type(each) for each in SHARED[1:5]]


def test_it_tells_of_all_it_does_and_touches() -> None:
    (one,) = together(SHARED)
    assert all(each.describe() in one.describe() for each in SHARED)
    fields = Together([SHARED[1], AddField("customer", "vip", models.BooleanField(default=False))])
    assert [fields.references_model(name, "shop") for name in ("Order", "customer", "refund")] == [True, True, False]
    assert [fields.references_field("order", name, "shop") for name in ("state", "number")] == [True, False]


def statements(queries: CaptureQueriesContext) -> list[str]:
    """What changes the database; savepoints and looks into the catalogue are left out."""
    words = ("CREATE", "ALTER", "DROP", "SET CONSTRAINTS", "COMMENT")
    return [query["sql"] for query in queries.captured_queries if query["sql"].startswith(words)]


def run(operations: Sequence[Operation], state: ProjectState, *, back: bool = False) -> list[str]:
    with CaptureQueriesContext(connection) as queries, connection.schema_editor() as editor:
        steps = migration(operations)
        (steps.unapply if back else steps.apply)(state.clone(), editor)
    return statements(queries)


@pytest.mark.django_db
def test_the_database_is_told_the_same_forwards_and_backwards() -> None:
    run(START, ProjectState())
    there, back_again = [
        [run(arrange(CHANGES), started()), run(arrange(CHANGES), started(), back=True)]
        for arrange in (one_by_one, together)
    ]
    assert back_again == there
    assert [len(each) > len(CHANGES) for each in there] == [True, True]


@pytest.mark.django_db
def test_sqlmigrate_says_what_each_statement_is_for() -> None:
    run(START, ProjectState())
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        migration(together(SHARED)).apply(started(), editor, collect_sql=True)
    told: list[str] = editor.collected_sql
    at = told.index("-- Create index order_state on field(s) state of model order")
    assert told[at + 1].startswith('CREATE INDEX "order_state" ON "shop_order"')
    assert [f"-- {each.describe()}" in told for each in SHARED] == [True] * len(SHARED)


def test_what_shares_may_run_in_any_transaction_and_be_undone() -> None:
    """`Together` says so of itself, and therefore of each of its parts."""
    kinds: set[type[Operation]] = {Together, *(type(each) for each in SHARED)}
    assert len(kinds) == 7
    assert {(kind.reversible, kind.reduces_to_sql, kind.atomic, kind.elidable) for kind in kinds} == {
        (True, True, False, False)
    }
