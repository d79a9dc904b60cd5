"""The label that an outcome holds for a target."""

from features.domain.report import Outcome

FIELD_PREFIX = "fields."


def label_of(outcome: Outcome, target: str) -> str | None:
    """Return the outcome's label for a target such as `category` or `fields.subcategory`.

    >>> label_of(Outcome(fields={"subcategory": "VPN"}), "fields.subcategory")
    'VPN'
    """
    if target.startswith(FIELD_PREFIX):
        return outcome.fields.get(target.removeprefix(FIELD_PREFIX))
    label = getattr(outcome, target)
    return None if label is None else str(label)
