"""What can go wrong with melodies."""

from __future__ import annotations

from apps.core.errors import Conflict, Invalid, NotFound


class MelodyNotFound(NotFound):
    """There is no such melody, or it is not yours to see."""

    code = "melody_not_found"


class MelodyInvalid(Invalid):
    """The document is not a valid melody; `errors` lists every problem with its place."""

    code = "invalid_melody"
    title = "Invalid melody"


class PathInvalid(Invalid):
    """A melody's path is relative, its parts are divided by slashes, and it ends in the name of a file."""

    code = "invalid_path"
    title = "Invalid path"


class PathTaken(Conflict):
    """Another melody of this organization has this path already."""

    code = "path_taken"
    title = "Path taken"


class ProjectElsewhere(Invalid):
    """A melody's project belongs to the same organization."""

    code = "project_elsewhere"


class GraphInvalid(Invalid):
    """The rows of a graph do not hang together; `errors` says where."""

    code = "invalid_graph"
    title = "Invalid graph"


class GraphChanged(Conflict):
    """Somebody has changed the graph since you read it; read it again and decide anew."""

    code = "graph_changed"
    status = 412
    title = "Graph changed"


class GraphBehind(Conflict):
    """Another version was published since the graph was made; import that, or publish with `force=true`."""

    code = "graph_behind"
    title = "Graph behind"
