"""Finding melodies by words: in name, description, tags and names of steps, the best first.

What is ranked is bounded: a word that half of 100,000 melodies hold is not worth sorting them for.
"""

from __future__ import annotations

import html
import re
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib.postgres.search import (
    SearchHeadline,
    SearchQuery,
    SearchQueryField,
    SearchRank,
    TrigramWordSimilarity,
)
from django.db import connection
from django.db.models import BooleanField, F, FloatField, Func, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, Left

from apps.melodies.models import Melody

MOST_RANKED: Final = 1_000
LONGEST_SEARCH: Final = 200
_CONFIG: Final = "english"
_ALIKE: Final = 0.35
"""How much of the trigrams of what was typed a name must have: "nigthly" has three of its eight from "nightly"."""
_MOST_ALIKE: Final = 200
_LONGEST_SHOWN: Final = 20_000
_EXCLUDED: Final = re.compile(r"(?:^|\s)-\S*")
# Nobody writes these (they are taken out of what is searched), so they can be told from what was written.
_START, _STOP = "\ue000", "\ue001"


def search(found: QuerySet[Melody], text: str) -> QuerySet[Melody]:
    """Those of `found` that match, with `score`, `name_marked` and `description_marked` (see `marked`).

    `text` is what people type into search engines: words, "phrases in quotes", or, -without. Where nothing matches, names
    that look like it: a slip of the finger, the beginning of a word. Of very many matches the newest 1,000 are ranked, and
    whatever bears exactly this name.
    """
    query = SearchQuery(text, config=_CONFIG, search_type="websearch")
    score: Any = SearchRank(F("search_vector"), _Wanted(query))
    # Asked first: in one question, all melodies there are would be ranked.
    chosen = _matching(found, text, query)
    if not chosen:
        chosen, score = _alike(found, text)
    return found.filter(pk__in=chosen).annotate(
        # A float of 8 bytes: one of 4 is another number when it comes back in a cursor.
        score=Coalesce(Cast(score, FloatField()), 0.0),
        name_marked=_headline("name", query, highlight_all=True),
        description_marked=_headline("description", query, max_words=30, min_words=10, max_fragments=2),
    )


def matches(found: QuerySet[Melody], text: str) -> set[UUID]:
    """Which of `found` a search for `text` gives."""
    query = SearchQuery(text, config=_CONFIG, search_type="websearch")
    return _matching(found, text, query) or _alike(found, text)[0]


def _matching(found: QuerySet[Melody], text: str, query: SearchQuery) -> set[UUID]:
    return {*_newest(found.filter(search_vector=query)), *_newest(found.filter(name=text))}


def _newest(found: QuerySet[Melody]) -> QuerySet[Melody, UUID]:
    return found.prefetch_related(None).order_by("-id").values_list("pk", flat=True)[:MOST_RANKED]


def marked(headline: str) -> str:
    """A headline as safe HTML: what matches stands in `<mark>`."""
    return html.escape(headline).replace(_START, "<mark>").replace(_STOP, "</mark>")


class _Wanted(Func):
    """A query without its -words, which would stand in the way of ranking; NULL of one that has no others."""

    template = "NULLIF(querytree(%(expressions)s), 'T')::tsquery"
    output_field: ClassVar[Any] = SearchQueryField()


class _LooksLike(Func):
    """`name %> text`, which the trigram index knows; how much is enough is a setting."""

    template = "(%(expressions)s)"
    arg_joiner = " %%> "
    output_field: ClassVar[Any] = BooleanField()


def _alike(found: QuerySet[Melody], text: str) -> tuple[set[UUID], Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [str(_ALIKE)])
    wanted = _EXCLUDED.sub(" ", text).strip()
    score = TrigramWordSimilarity(wanted, "name")
    near = found.prefetch_related(None).filter(_LooksLike(F("name"), Value(wanted))).annotate(likeness=score)
    return set(near.order_by("-likeness", "-id").values_list("pk", flat=True)[:_MOST_ALIKE]), score


def _headline(field: str, query: SearchQuery, **options: Any) -> SearchHeadline:
    shown = Func(
        Left(field, _LONGEST_SHOWN), Value(_START + _STOP), Value(""), function="translate", output_field=TextField()
    )
    return SearchHeadline(shown, query, config=_CONFIG, start_sel=_START, stop_sel=_STOP, **options)
