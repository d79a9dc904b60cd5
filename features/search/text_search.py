"""Searches the texts of incidents for words that a person types: BM25, prefixes and typos."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import RLock

import numpy as np
import tantivy

from features.domain.report import ResolvedIncident
from features.text.parsing import MAX_ID_LENGTH, sanitise_text

MOST_FOUND = 10_000
"""The most incidents that one search ranks; fewer are faster, in the same order."""

_HEAP_BYTES = 50_000_000
_WORDS, _WHOLE = "folded_words", "folded_whole"
# In characters of up to four bytes each.
_LONGEST_WORD = 64
_SHORTEST_PREFIX, _SHORTEST_MISSPELT = 2, 4
_MOST_WORDS = 20
# A word that hardly any incident has may be misspelt, in the query or in those incidents.
_RARE = 5
# A score of BM25 is at most some tens. The id is what a person means who types one.
_ID_WEIGHT, _ID_PREFIX_WEIGHT = 1_000.0, 100.0
_TITLE_WEIGHT, _PREFIX_WEIGHT, _TYPO_WEIGHT = 2.0, 0.5, 0.01
_QUOTES = str.maketrans("“”„«»", '"""""')
_PART = re.compile(r'"([^"]+)"|([^\s"]+)')
_IDEOGRAPH = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")

_Query = tantivy.Query


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a query: the words of a phrase in quotes, or of what stands between spaces."""

    text: str
    words: tuple[str, ...]
    is_quoted: bool


class TextSearch:
    """Finds incidents that have every part of a query, best first; safe in several threads.

    A part is a phrase in quotes, whose words must follow each other, or a word. A word also matches
    words that begin with it, and an incident's id that begins with it. A word of at least four
    letters that fewer than five incidents have also matches words that differ from it by one typo.
    Case and accents do not matter. Exact words count most, and words of the title more than others
    (BM25, Robertson et al. 1994, by tantivy).

    >>> from features.domain.report import IncidentReport, Outcome
    >>> search = TextSearch()
    >>> report = IncidentReport("INC1", title="Überlast am Drucker")
    >>> search.update([ResolvedIncident(report, Outcome())])
    >>> search.find("uberlst"), search.find('"am drucker"'), search.find("inc"), search.find("vpn")
    (('INC1',), ('INC1',), ('INC1',), ())
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._schema = _schema()
        self._index = tantivy.Index(self._schema)
        self._analyzer = _analyzer(tantivy.Tokenizer.simple())
        self._index.register_tokenizer(_WORDS, self._analyzer)
        self._whole_analyzer = _analyzer(tantivy.Tokenizer.raw(), longest=MAX_ID_LENGTH)
        self._index.register_tokenizer(_WHOLE, self._whole_analyzer)
        self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)

    def update(
        self, incidents: Iterable[ResolvedIncident] = (), *, removed: Iterable[str] = ()
    ) -> None:
        """Remove incidents by id, then add or replace incidents."""
        with self._lock:
            for id_ in removed:
                number = self._numbers.pop(id_, None)
                if number is not None:
                    self._writer.delete_documents_by_term("number", number)
            for incident in incidents:
                self._add(incident)
            self._writer.commit()
            self._index.reload()

    def find(self, text: str, most: int = MOST_FOUND) -> tuple[str, ...]:
        """Return the ids of the incidents that match a query, best first, at most `most`."""
        searcher = self._index.searcher()
        query = self._query(searcher, sanitise_text(text))
        if query is None:
            return ()
        hits = searcher.search(query, limit=most, count=False).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        return tuple(self._ids[number] for number in np.array(numbers, dtype=np.int64))

    def _add(self, incident: ResolvedIncident) -> None:
        report, outcome = incident.report, incident.outcome
        number = self._numbers.get(report.id)
        if number is None:
            number = self._numbers[report.id] = len(self._ids)
            self._ids.append(report.id)
        else:
            self._writer.delete_documents_by_term("number", number)
        texts = (report.id, report.description, outcome.resolution, report.service)
        document = tantivy.Document()
        document.add_integer("number", number)
        document.add_text("id", report.id)
        document.add_text("title", _spaced(report.title))
        document.add_text("text", _spaced("\n".join(text for text in texts if text)))
        self._writer.add_document(document)

    def _query(self, searcher: tantivy.Searcher, text: str) -> tantivy.Query | None:
        parts = self._read(text)
        whole = self._id_query(" ".join(text.split()))
        if not any(part.words for part in parts):
            return whole
        wanted = [self._part_query(searcher, part) for part in parts if part.words]
        every = _Query.boolean_query([(tantivy.Occur.Must, query) for query in wanted])
        return every if whole is None else _any([every, whole])

    def _read(self, text: str) -> list[_Part]:
        found = _PART.finditer(text.translate(_QUOTES))
        parts = [(match[1] or match[2], match[1] is not None) for match in found][:_MOST_WORDS]
        return [
            _Part(part, tuple(self._analyzer.analyze(_spaced(part))), is_quoted)
            for part, is_quoted in parts
        ]

    def _part_query(self, searcher: tantivy.Searcher, part: _Part) -> tantivy.Query:
        queries = [
            _boosted(query, weight)
            for field, weight in (("title", _TITLE_WEIGHT), ("text", 1.0))
            for query in self._field_queries(searcher, field, part)
        ]
        by_id = None if part.is_quoted else self._id_query(part.text)
        return _any(queries if by_id is None else [*queries, by_id])

    def _field_queries(
        self, searcher: tantivy.Searcher, field: str, part: _Part
    ) -> list[tantivy.Query]:
        *_, last = part.words
        if len(part.words) > 1:
            return self._phrases(field, part)
        queries = [_Query.term_query(self._schema, field, last)]
        if part.is_quoted:
            return queries
        if len(last) >= _SHORTEST_PREFIX:
            prefix = self._fuzzy(field, last, distance=0, prefix=True)
            queries.append(_boosted(prefix, _PREFIX_WEIGHT))
        is_rare = searcher.doc_freq("title", last) + searcher.doc_freq("text", last) < _RARE
        # Another digit is another thing, not a typo.
        is_name = any(character.isdigit() for character in last)
        if is_rare and len(last) >= _SHORTEST_MISSPELT and not is_name:
            typo = self._fuzzy(field, last, distance=1, prefix=False)
            queries.append(_boosted(typo, _TYPO_WEIGHT))
        return queries

    def _phrases(self, field: str, part: _Part) -> list[tantivy.Query]:
        words: list[str | tuple[int, str]] = [*part.words]
        phrase = _Query.phrase_query(self._schema, field, words)
        if part.is_quoted or len(part.words[-1]) < _SHORTEST_PREFIX:
            return [phrase]
        prefix = _Query.phrase_prefix_query(self._schema, field, words)
        return [phrase, _boosted(_Query.const_score_query(prefix, 1.0), _PREFIX_WEIGHT)]

    def _fuzzy(self, field: str, word: str, *, distance: int, prefix: bool) -> tantivy.Query:
        return _Query.fuzzy_term_query(
            self._schema, field, word, distance, transposition_cost_one=True, prefix=prefix
        )

    def _id_query(self, text: str) -> tantivy.Query | None:
        words: Sequence[str] = self._whole_analyzer.analyze(text)
        if not words or not words[0]:
            return None
        exact = _Query.term_query(self._schema, "id", words[0])
        queries = [_boosted(_Query.const_score_query(exact, 1.0), _ID_WEIGHT)]
        if len(words[0]) >= _SHORTEST_PREFIX:
            prefix = self._fuzzy("id", words[0], distance=0, prefix=True)
            queries.append(_boosted(prefix, _ID_PREFIX_WEIGHT))
        return _any(queries)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", indexed=True, fast=True)
    builder.add_text_field("id", tokenizer_name=_WHOLE, index_option="basic")
    for field in ("title", "text"):
        builder.add_text_field(field, tokenizer_name=_WORDS, index_option="position")
    return builder.build()


def _analyzer(
    tokenizer: tantivy.Tokenizer, *, longest: int = _LONGEST_WORD
) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tokenizer)
    for step in (
        tantivy.Filter.remove_long(4 * longest),
        tantivy.Filter.lowercase(),
        tantivy.Filter.ascii_fold(),
    ):
        builder = builder.filter(step)
    return builder.build()


def _spaced(text: str) -> str:
    """Return the text with spaces around ideographs, which are written without any."""
    return text if text.isascii() else _IDEOGRAPH.sub(r" \1 ", text)


def _boosted(query: tantivy.Query, weight: float) -> tantivy.Query:
    return query if weight == 1.0 else _Query.boost_query(query, weight)


def _any(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    return _Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])
