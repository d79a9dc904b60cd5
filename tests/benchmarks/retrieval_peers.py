"""What everyone would try first to find a text: BM25, MiniLM and their rank fusion."""

from collections.abc import Sequence

import bm25s
import numpy as np
from figures import Floats
from sentence_transformers import SentenceTransformer

from features.domain.report import IncidentReport
from features.encoding.encoder import SentenceEncoder, Vectors
from features.encoding.encoder_weights import MINILM, find_weights
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.home import Home
from models.classification.scorers.scorer import Rows

PEERS = ("BM25", "MiniLM", "BM25 + MiniLM, rank fusion")

_FUSION = 60
_TOKENS = 256


class _PeerEncoder(SentenceEncoder):
    """Reads twice as much of a text as ours, as is usual for retrieval."""

    def _loaded(self) -> SentenceTransformer:
        model = super()._loaded()
        model.max_seq_length = _TOKENS
        return model


def retrieval_text(report: IncidentReport) -> str:
    """Return what a peer reads: title and description, not cleaned."""
    return f"{report.title} {report.description}".strip()


def encode_for_retrieval(texts: Sequence[str], home: Home) -> Vectors:
    """Encode as the peer does, or find it in the cache."""
    encoder = _PeerEncoder(f"{_TOKENS}-{MINILM}", find_weights(MINILM))
    encode_ahead(encoder, texts, EncodingCache(home.encodings, encoder), lambda _: None)
    return encoder.encode(texts)


def peer_scores(
    asked: Sequence[str], texts: Sequence[str], asked_vectors: Vectors, vectors: Vectors
) -> dict[str, Floats]:
    """Return each peer's scores, of shape (asked, texts)."""
    return with_fusion(bm25_scores(asked, texts), asked_vectors @ vectors.T)


def bm25_scores(asked: Sequence[str], texts: Sequence[str]) -> Floats:
    """Return the scores of bm25s as it comes, without English stop words."""
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)
    tokens = bm25s.tokenize(asked, stopwords="en", show_progress=False, return_ids=False)
    return np.array(
        [index.get_scores(words) if words else np.zeros(len(texts)) for words in tokens]
    )


def with_fusion(words: Floats, meaning: Floats) -> dict[str, Floats]:
    """Return the peers by name, with their reciprocal rank fusion (Cormack et al. 2009)."""
    fused = 1 / (_FUSION + _ranks(words)) + 1 / (_FUSION + _ranks(meaning))
    return dict(zip(PEERS, (words, meaning, fused), strict=True))


def _ranks(scores: Floats) -> Rows:
    return (-scores).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 1
