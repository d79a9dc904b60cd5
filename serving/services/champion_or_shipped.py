"""Chooses the model that searches the store: the champion, or the one shipped with the program."""

from collections.abc import Callable
from typing import Generic, TypeVar

from models.runbooks.runbook_model import RunbookModel
from models.similarity.similar_model import SimilarModel
from serving.background.champions import Champions

_M = TypeVar("_M", SimilarModel, RunbookModel)


class ChampionOrShipped(Generic[_M]):
    """The champion of a target or, while there is none, the model that the program ships."""

    def __init__(self, target: str, shipped: _M, champions: Callable[[], Champions]) -> None:
        self.target = target
        self._shipped: _M = shipped
        self._champions = champions

    def model(self) -> _M:
        """Return the model that searches now."""
        champion = self._champions().serving.get(self.target)
        model = None if champion is None else champion.model
        return model if isinstance(model, type(self._shipped)) else self._shipped

    def encoder(self) -> str:
        """Return the reference of the encoder that this model uses."""
        return self.model().encoder

    def next_encoder(self) -> str | None:
        """Return the encoder of the champion that waits until its index is whole, or None."""
        coming = self._champions().coming.get(self.target)
        model = None if coming is None else coming.model
        return model.encoder if isinstance(model, type(self._shipped)) else None

    def refusal(self) -> str | None:
        """Return why no version answers although a champion is registered, otherwise None."""
        return self._champions().refusal(self.target)
