"""A sentence encoder whose network is a stub that records the texts it encodes."""

import pytest
from fakes import StubNetwork, stub_export

from features.encoding.encoder import SentenceEncoder

REFERENCE = "0123456789abcdef" * 4


def stubbed_encoder(reference: str = REFERENCE) -> tuple[SentenceEncoder, StubNetwork]:
    encoder, network = SentenceEncoder(stub_export(reference)), StubNetwork()
    encoder._network = network
    return encoder, network


@pytest.fixture
def make_encoder():
    """Return a new encoder with its network, as a new process would have."""
    return stubbed_encoder
