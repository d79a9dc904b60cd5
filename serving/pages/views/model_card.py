"""The page of one version's card, champion or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.errors import RegistryUnavailable, UnknownVersion
from models.artifacts.read_card import read_card
from models.artifacts.registry import CHALLENGER, CHAMPION, ModelVersion
from models.base.model_card import Card
from serving.container import Container
from serving.pages.render.card_charts import CardChart, draw_learning_curve, draw_reliability
from serving.pages.render.intended_use import Purpose, purpose_of


@dataclass(frozen=True, slots=True)
class CardPage:
    """A card as it is shown; `versions` is None where the registry cannot be read."""

    target: str
    version: ModelVersion
    card: Card
    versions: Sequence[ModelVersion] | None
    is_champion: bool

    @property
    def status(self) -> str:
        """What this version is now."""
        if self.is_champion:
            return "champion"
        return CHALLENGER if CHALLENGER in self.version.aliases else "not in use"

    @property
    def purpose(self) -> Purpose:
        """What it may be used for."""
        return purpose_of(self.card.kind)

    @property
    def reliability(self) -> CardChart | None:
        """Confidence against accuracy."""
        return draw_reliability(self.card.reliability)

    @property
    def learning(self) -> CardChart | None:
        """Accuracy against labels."""
        return draw_learning_curve(self.card.learning_curve)

    @property
    def sections(self) -> Iterator[tuple[str, str]]:
        """The sections that this card fills, by anchor and name."""
        card = self.card
        yield from (("use", "Use"), ("data", "Data"), ("quality", "Quality"))
        if card.verdict:
            yield "verdict", "Verdict"
        if card.reliability or card.class_reliability:
            yield "reliability", "Reliability"
        if card.slices:
            yield "slices", "Slices"
        if self.learning or card.labels_until_auto:
            yield "learning", "Learning"
        yield "certificates", "Certificates"
        if card.label_noise or card.drift:
            yield "trust", "History"
        yield from (("limits", "Limits"), ("made", "Making"), ("versions", "Versions"))


def open_card(services: Container, target: str, number: str) -> CardPage:
    """Return the card of a version: of the one that answers from memory, of others from its files.

    Raises `UnknownVersion`, `RegistryUnavailable`, and `ArtifactRejected` for altered files.
    """
    champion = services.champions.current().serving.get(target)
    if champion is not None and champion.version.version == number:
        return CardPage(
            target, champion.version, champion.card, _versions(services, target), is_champion=True
        )
    versions = services.registry.versions(target)
    for version in versions:
        if version.version == number:
            is_champion = CHAMPION in version.aliases
            return CardPage(target, version, read_card(version), versions, is_champion)
    raise UnknownVersion(f"{target!r} has no version {number!r}")


def _versions(services: Container, target: str) -> Sequence[ModelVersion] | None:
    try:
        return services.registry.versions(target)
    except RegistryUnavailable:
        return None
