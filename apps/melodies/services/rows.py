"""What an editor does with the rows of a melody's graph."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.melodies import graphs
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.rows import Graph
from apps.melodies.definition.rows_text import as_yaml
from apps.melodies.errors import GraphBehind
from apps.melodies.graphs import MelodyRows
from apps.melodies.models import Melody, MelodyVersion
from apps.melodies.permissions import require_for
from apps.melodies.queries import version_of
from apps.melodies.services.documents import publish_version


def import_document(*, actor: User, melody: Melody, version: MelodyVersion | None = None) -> MelodyRows:
    """Make the rows of a melody's graph say what its latest version (or the one given) says. Changes that were not
    published are lost; steps whose names stay keep their ids and places."""
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    return graphs.import_version(actor=actor, version=version or version_of(melody))


def save_graph(*, actor: User, melody: Melody, graph: Graph, revision: int | None = None) -> MelodyRows:
    """Store the rows an editor has sent. They need not make a valid melody yet, but they must hang together. With
    `revision`, only if the graph is still the one the editor had read."""
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    return graphs.replace_rows(actor=actor, melody=melody, graph=graph, revision=revision)


def publish_graph(*, actor: User, melody: Melody, force: bool = False) -> MelodyVersion:
    """The next version from a melody's rows; equal to the latest, it is that one."""
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    with transaction.atomic():
        Melody.objects.select_for_update().get(pk=melody.pk)
        rows = graphs.rows_of(melody)
        if rows.behind and not force:
            raise GraphBehind
        source = as_yaml(graphs.document_of(rows), known_kinds())
        version = publish_version(actor=actor, melody=melody, source=source, media="yaml")
        graphs.settle(actor=actor, melody=melody, version=version)
        return version
