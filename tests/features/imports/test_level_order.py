"""The order of severity levels is stated, or inferred where it is clear."""

import pytest

from features.imports.level_order import order_levels


@pytest.mark.parametrize(
    "levels",
    [
        ["P5", "P4", "P3", "P1"],
        ["3", "2", "1"],
        ["5 - Planning", "4 - Low", "3 - Moderate", "2 - High", "1 - Critical"],
        ["5 Very Low", "4 Low", "3 Medium", "2 High", "1 Very High"],
        ["1 - Low", "2 - Medium", "3 - High"],
        ["info", "warning", "critical", "page"],
        ["Trivial", "Minor", "Major", "Blocker"],
        ["Lowest", "Low", "Medium", "High", "Highest"],
        ["low", "medium", "high", "critical"],
        ["SEV3", "SEV2", "SEV1"],
        ["P3 - minor", "P2 - annoying", "P1 - all stop"],
        ["Niedrig", "Mittel", "Hoch"],
        ["Niedrigste", "Niedrig", "Mittel", "Hoch", "Höchste"],
        ["1 sehr niedrig", "2 niedrig", "3 normal", "4 hoch", "5 sehr hoch"],
        ["1 very low", "2 low", "3 normal", "4 high", "5 very high"],
        ["1 très bas", "2 bas", "3 normal", "4 haut", "5 très haut"],
        ["5 - Planung", "4 - Niedrig", "3 - Mittel", "2 - Hoch", "1 - Kritisch"],
        ["4 - Faible", "3 - Modérée", "2 - Élevée", "1 - Critique"],
        ["Basse", "Moyenne", "Haute", "Très haute"],
        ["Baja", "Media", "Alta", "Crítica"],
        ["Baja", "Normal", "Alta", "Urgente", "Inmediata"],
        ["Baixa", "Média", "Alta", "Muito alta"],
        ["Bassa", "Media", "Alta", "Urgente"],
        ["Laag", "Normaal", "Hoog", "Kritiek"],
        ["Mineur", "Majeur", "Critique", "Bloquant"],
        ["Affects User", "Affects Group", "Affects Department", "Affects Business"],
    ],
)
def test_a_clear_order_is_inferred(levels: list[str]) -> None:
    assert order_levels([None, *reversed(levels)], stated=()) == tuple(levels)


@pytest.mark.parametrize(
    "levels", [["red", "blue"], ["high"], [], ["warn", "warning"], ["low", "red", "blue"]]
)
def test_an_unclear_order_is_empty(levels: list[str]) -> None:
    assert order_levels(levels, stated=()) == ()


def test_a_rare_stranger_does_not_hide_the_order() -> None:
    assert order_levels(["low", "high"] * 20 + ["tbd"], stated=()) == ("low", "high")


def test_a_stated_order_is_spelled_as_in_the_history_and_keeps_absent_levels() -> None:
    assert order_levels(["High", "Low"], stated=["low", "HIGH", "critical"]) == (
        "Low",
        "High",
        "critical",
    )
