"""What everyone would try first, in its usual configuration: the peers to be compared with."""

from collections.abc import Callable, Mapping, Sequence

from sklearn.base import BaseEstimator
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from features.domain.report import IncidentReport
from features.encoding.encoder import Vectors
from features.encoding.encoder_weights import MINILM, open_encoder
from features.encoding.vector_cache import EncodingCache, encode_ahead
from features.home import Home

Peers = Mapping[str, Callable[[], Pipeline]]


def peer_text(report: IncidentReport) -> str:
    """Return what a peer reads: the service's name, title and description, not cleaned.

    >>> peer_text(IncidentReport(id="1", title="VPN down", service="vpn"))
    'vpn VPN down'
    """
    return " ".join(part for part in (report.service, report.title, report.description) if part)


def encode_for_peers(reports: Sequence[IncidentReport], home: Home) -> None:
    """Encode what the peers will read, or find it in the cache."""
    encoder = open_encoder(MINILM)
    texts = [text for text in _texts(reports) if text]
    encode_ahead(encoder, texts, EncodingCache(home.encodings, encoder), lambda _: None)


def _texts(reports: Sequence[IncidentReport]) -> list[str]:
    return [peer_text(report) for report in reports]


def _encode(reports: Sequence[IncidentReport]) -> Vectors:
    return open_encoder(MINILM).encode(_texts(reports))


def _list_facts(reports: Sequence[IncidentReport]) -> list[dict[str, str]]:
    known = [{"service": r.service, "source": r.source, **r.attributes} for r in reports]
    return [{name: value for name, value in facts.items() if value} for facts in known]


def _words() -> Pipeline:
    weights = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    return make_pipeline(FunctionTransformer(_texts), weights)


def _vectors() -> BaseEstimator:
    return FunctionTransformer(_encode)


def _both() -> FeatureUnion:
    return FeatureUnion([("words", _words()), ("vectors", _vectors())])


def _facts() -> Pipeline:
    return make_pipeline(FunctionTransformer(_list_facts), DictVectorizer())


def _machine() -> LinearSVC:
    return LinearSVC(C=0.5, random_state=0)


def _regression() -> LogisticRegression:
    return LogisticRegression(C=10, max_iter=1000)


TEXT_PEERS: Peers = {
    "TF-IDF + LinearSVC": lambda: make_pipeline(_words(), _machine()),
    "TF-IDF + LR": lambda: make_pipeline(_words(), _regression()),
    "MiniLM + LR": lambda: make_pipeline(_vectors(), _regression()),
    "TF-IDF + MiniLM + LinearSVC": lambda: make_pipeline(_both(), _machine()),
}
FACT_PEERS: Peers = {"one-hot + LR": lambda: make_pipeline(_facts(), _regression())}


def choose_peers(reports: Sequence[IncidentReport]) -> Peers:
    """Return the peers that can read these reports: those for text, else those for facts."""
    has_text = any(report.title or report.description for report in reports)
    return TEXT_PEERS if has_text else FACT_PEERS
