"""Labels that were renamed: an old label is read as the one that replaced it."""

from collections.abc import Mapping

Renames = Mapping[str, Mapping[str, str]]
"""For each target, the new label by old label."""


def current_label(renamed: Renames, target: str, label: str) -> str:
    """Return the label that replaced a label, or the label itself if it was not renamed.

    A label may have been renamed several times. Raises `ValueError` if the renames of the target
    lead back to a label that was renamed before.

    >>> current_label({"category": {"Net": "Network", "Network": "Netzwerk"}}, "category", "Net")
    'Netzwerk'
    """
    names = renamed.get(target, {})
    seen = {label}
    while label in names:
        label = names[label]
        if label in seen:
            raise ValueError(f"the renames of {target} lead from {label!r} back to {label!r}")
        seen.add(label)
    return label


def rename_labels(renamed: Renames, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels by target with each renamed label replaced."""
    return {target: current_label(renamed, target, label) for target, label in labels.items()}


def merge_renames(earlier: Renames, later: Renames) -> dict[str, dict[str, str]]:
    """Return all renames; a later one overrides earlier ones that contradict it.

    A label that others are renamed to is in use again, so an earlier rename of it is dropped.

    >>> merge_renames({"category": {"Net": "Network"}}, {"category": {"Network": "Net"}})
    {'category': {'Network': 'Net'}}
    """
    merged = {target: dict(names) for target, names in earlier.items()}
    for target, names in later.items():
        in_use = set(names.values()) - names.keys()
        kept = {old: new for old, new in merged.get(target, {}).items() if old not in in_use}
        merged[target] = kept | dict(names)
    return merged
