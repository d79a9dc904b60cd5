"""Finds how an incident was resolved in its comments, as issue trackers export them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from features.imports.audit_trail import Records
from features.imports.column_mapping import CommentColumns
from features.imports.dates.date_parsing import parse_dates
from features.imports.states.state_words import state_key

# Jira writes a comment as `time;author;text`.
_COMMENT = re.compile(r"(?P<time>[^;\n]{6,40});(?P<author>[^;\n]{0,200});(?P<text>.*)", re.DOTALL)
_FIRST = datetime.min.replace(tzinfo=UTC)


def comment_resolutions(comments: CommentColumns, records: Records) -> Sequence[str]:
    """Return for each incident the text of the resolver's last comment, empty if there is none."""
    columns = [_parsed(records.last[column], column) for column in comments.columns]
    resolvers = [records.last[column] for column in comments.resolvers]
    texts = []
    for row in range(len(records.lines)):
        names = {state_key(column[row]) for column in resolvers} - {""}
        found = [
            (moment, text)
            for moment, author, text in (column[row] for column in columns)
            if state_key(author) in names
        ]
        texts.append(max(enumerate(found), key=_last_key)[1][1] if found else "")
    return texts


def _last_key(numbered: tuple[int, tuple[datetime | None, str]]) -> tuple[datetime, int]:
    number, (moment, _) = numbered
    return moment or _FIRST, number


def _parsed(values: Sequence[str], column: str) -> list[tuple[datetime | None, str, str]]:
    """Return the time, author and text of each comment; the author is empty if it is unknown."""
    matches = [_COMMENT.fullmatch(value.strip()) for value in values]
    times = [match["time"] if match else "" for match in matches]
    moments, _ = parse_dates(times, column=column)
    return [
        (moment, match["author"], match["text"].strip()) if match else (None, "", "")
        for match, moment in zip(matches, moments, strict=True)
    ]
