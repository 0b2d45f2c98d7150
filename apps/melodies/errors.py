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


class TagsInvalid(Invalid):
    """Tags are short words: at most 20 of them, of at most 50 characters each."""

    code = "invalid_tags"
    title = "Invalid tags"


class StatusMove(Conflict):
    """A melody's status cannot move there from where it is."""

    code = "status_move"
    title = "Not a move"


class MelodyArchived(Conflict):
    """This melody is archived: set its status to active before you work on it again."""

    code = "melody_archived"
    title = "Melody archived"


class MelodyInUse(Conflict):
    """Runs of this melody are kept, and they need it: archive it instead, or delete it when its runs have expired."""

    code = "melody_in_use"
    title = "Melody in use"


class SemverInvalid(Invalid):
    """A version is three numbers, MAJOR.MINOR.PATCH, and higher than the one before."""

    code = "invalid_semver"
    title = "Invalid version"


class SummaryInvalid(Invalid):
    """A change summary is text of at most 2,000 characters."""

    code = "invalid_change_summary"


class VersionBehind(Conflict):
    """Another version was published since you read the melody; read it again and decide anew."""

    code = "version_behind"
    status = 412
    title = "Version behind"


class TooManyMelodies(Invalid):
    """That is more melodies than one request changes."""

    code = "too_many_melodies"


class ArchiveInvalid(Invalid):
    """The file is not a ZIP of melodies that can be read."""

    code = "invalid_archive"
    title = "Invalid archive"


class TemplateNotFound(NotFound):
    """There is no such template, or it is not yours to see."""

    code = "template_not_found"


class TemplateNameTaken(Conflict):
    """There is a template of this name in the organization already; choose another."""

    code = "template_name_taken"


class TemplateValuesInvalid(Invalid):
    """The template needs other values than these; `errors` says which are missing or do not fit."""

    code = "invalid_template_values"
    title = "Invalid values"


class CommentNotFound(NotFound):
    """There is no such comment, or it is not yours to see."""

    code = "comment_not_found"


class CommentGone(Conflict):
    """This comment was deleted; only its place in the thread is left."""

    code = "comment_gone"


class StepUnknown(Invalid):
    """The melody has no such step."""

    code = "unknown_step"


class MentionNotFound(NotFound):
    """Nobody has mentioned you there."""

    code = "mention_not_found"


class AgentElsewhere(Invalid):
    """A melody's agent belongs to the same organization."""

    code = "agent_elsewhere"


class N8nRefused(Invalid):
    """The workflow of n8n cannot become a melody; `errors` says which nodes, and why."""

    code = "n8n_refused"
    title = "Workflow refused"
