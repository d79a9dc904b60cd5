"""Finds incidents that share rare words with a text: BM25 over two weighted fields, in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import tantivy

from features.search.candidates import UNKNOWN_TIME, Integers

_TITLE_WEIGHT = 2.0
_MOST_TERMS = 32
_HEAP_BYTES = 15_000_000
_TOKENIZER = "terms"


@dataclass(frozen=True, slots=True)
class Terms:
    """The words of an incident's title and of its whole text, as `terms_of` returns them."""

    title: Sequence[str]
    text: Sequence[str]


class LexicalIndex:
    """BM25 (Robertson et al. 1994) with tantivy; each document has a number.

    >>> index = LexicalIndex()
    >>> index.update([(4, None, Terms(["disk"], ["disk", "full"])), (7, 10, Terms([], ["vpn"]))])
    >>> index.search(Terms(["vpn"], ["vpn", "down"]), count=5, before=None).tolist()
    [7]
    """

    def __init__(self) -> None:
        self._schema = _schema()
        self._index = tantivy.Index(self._schema)
        words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer(_TOKENIZER, words)
        self._writer = self._index.writer(heap_size=_HEAP_BYTES, num_threads=1)

    def update(
        self,
        documents: Iterable[tuple[int, int | None, Terms]] = (),
        *,
        removed: Iterable[int] = (),
    ) -> None:
        """Remove documents by number, then add or replace documents.

        A document is a tuple of its number, a time of opening in seconds, and its terms.
        """
        for number in removed:
            self._writer.delete_documents_by_term("number", number)
        for number, opened, terms in documents:
            self._writer.delete_documents_by_term("number", number)
            document = tantivy.Document()
            document.add_integer("number", number)
            document.add_integer("opened", UNKNOWN_TIME if opened is None else opened)
            document.add_text("title", " ".join(terms.title))
            document.add_text("text", " ".join(terms.text))
            self._writer.add_document(document)
        self._writer.commit()
        self._index.reload()

    def search(self, terms: Terms, *, count: int, before: int | None) -> Integers:
        """Return the numbers of the best documents, best first.

        With `before`, only documents of an earlier or unknown time of opening are returned.
        """
        searcher = self._index.searcher()
        query = self._query(searcher, terms)
        if before is not None:
            query = tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, query), (tantivy.Occur.Must, self._opened_before(before))]
            )
        hits = searcher.search(query, limit=count, count=False).hits
        numbers = searcher.fast_field_values("number", [address for _, address in hits])
        return np.array(numbers, dtype=np.int64)

    def _query(self, searcher: tantivy.Searcher, terms: Terms) -> tantivy.Query:
        words = _rarest(searcher, "text", terms.text)
        titles = _rarest(searcher, "title", terms.title)
        parts = [self._term("text", word) for word in words]
        parts += [
            tantivy.Query.boost_query(self._term("title", word), _TITLE_WEIGHT) for word in titles
        ]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts])

    def _term(self, field: str, word: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, word, index_option="freq")

    def _opened_before(self, before: int) -> tantivy.Query:
        # Incidents of unknown time come from an export, so they count as earlier.
        earlier = tantivy.Query.range_query(
            self._schema,
            "opened",
            tantivy.FieldType.Integer,
            UNKNOWN_TIME,
            before,
            include_upper=False,
        )
        return tantivy.Query.const_score_query(earlier, 0.0)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", indexed=True, fast=True)
    builder.add_integer_field("opened", indexed=True, fast=True)
    for field in ("title", "text"):
        builder.add_text_field(field, tokenizer_name=_TOKENIZER, index_option="freq")
    return builder.build()


def _rarest(searcher: tantivy.Searcher, field: str, words: Sequence[str]) -> list[str]:
    """Return at most 32 indexed words, rarest first; all words of a long log would add noise."""
    counts = {word: searcher.doc_freq(field, word) for word in dict.fromkeys(words)}
    indexed_words = [word for word, count in counts.items() if count]
    return sorted(indexed_words, key=counts.__getitem__)[:_MOST_TERMS]
