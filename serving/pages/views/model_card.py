"""The page of one version's card."""

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
    """A card as its page shows it; `versions` is None if the registry cannot be read."""

    target: str
    version: ModelVersion
    card: Card
    versions: Sequence[ModelVersion] | None
    is_champion: bool

    @property
    def role(self) -> str:
        """What this version does now, as a term of `wording`."""
        if self.is_champion:
            return CHAMPION
        return CHALLENGER if CHALLENGER in self.version.aliases else "unused"

    @property
    def verdict(self) -> str:
        """Whether the gate promoted the version, as a term of `wording`."""
        is_promoted = self.card.verdict is not None and self.card.verdict.promoted
        return "promoted" if is_promoted else "not promoted"

    @property
    def purpose(self) -> Purpose:
        """The intended use and the misuse of the model."""
        return purpose_of(self.card.kind)

    @property
    def reliability(self) -> CardChart | None:
        """The chart of accuracy by confidence."""
        return draw_reliability(self.card.reliability)

    @property
    def learning(self) -> CardChart | None:
        """The chart of accuracy by number of labels."""
        return draw_learning_curve(self.card.learning_curve)

    @property
    def sections(self) -> Iterator[tuple[str, str]]:
        """The sections that this card has, each with its anchor and name."""
        card = self.card
        yield from (("use", "Use"), ("data", "Data"), ("quality", "Quality"))
        if card.verdict:
            yield "verdict", "Promotion"
        if card.reliability or card.class_reliability:
            yield "reliability", "Reliability"
        if card.slices:
            yield "slices", "Groups"
        if self.learning or card.labels_until_auto:
            yield "learning", "More labels"
        yield "certificates", "Proven labels"
        if card.label_noise or card.drift:
            yield "trust", "History"
        yield from (("limits", "Limits"), ("made", "Training"), ("versions", "Versions"))


def open_card(services: Container, target: str, number: str) -> CardPage:
    """Return the card of a version, the champion's from memory and any other from its file.

    Raises `UnknownVersion`, `RegistryUnavailable`, and `ArtifactRejected` if files were altered.
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
