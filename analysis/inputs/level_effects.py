"""What the data set's tables know of its test levels: how they were made, and what they do beside moving texture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from statistics import median
from typing import Any

from nnunet_skipstudy.analysis.inputs.references import Reference
from nnunet_skipstudy.levels.side_effects import SideEffects, side_effects
from nnunet_skipstudy.registry import UNPERTURBED
from nnunet_skipstudy.support.tables import read_rows

NUMBERS = ("psnr_db", "leak", "leak_unperturbed")


@dataclass(frozen=True)
class LevelFacts:
    """One test level: ``disparity`` is the median over cases; ``effects`` None where perturbations.csv has none."""

    level: str
    disparity: float
    effects: SideEffects | None


def level_facts(reference: Reference, levels: Sequence[str]) -> list[LevelFacts]:
    """The facts of each level, in the order given. Raises UserError: perturbations.csv can't be read."""
    effects = {effect.level: effect for effect in side_effects(_rows(reference))}
    found = []
    for level in levels:
        known = [
            value for (case, at), value in reference.disparities.items() if at == level and case in reference.cases
        ]
        found.append(LevelFacts(level, median(known) if known else nan, effects.get(level)))
    return found


def leak_words(reference: Reference, levels: Sequence[str]) -> str:
    """The leak probe of the levels that have one, in a sentence; empty where none has."""
    known = [fact.effects for fact in level_facts(reference, levels) if fact.effects and fact.effects.n_cases]
    if not known:
        return ""
    values = [(UNPERTURBED, known[0].leak_unperturbed), *((effect.level, effect.leak) for effect in known)]
    shown = ", ".join(f"{level} {value:.2f}" for level, value in values)
    return f"Leak probe (Dice coefficient that sharpness alone has with the object): {shown}."


def effect_warnings(reference: Reference, levels: Sequence[str]) -> list[str]:
    """A sentence for each level that shows where the object is, or leaves images as they are."""
    effects = (fact.effects for fact in level_facts(reference, levels) if fact.effects)
    return [f"{reference.dataset}: {warning}." for effect in effects for warning in effect.warnings]


def _rows(reference: Reference) -> list[dict[str, Any]]:
    table = reference.beside("perturbations.csv")
    rows = read_rows(table, ("case", "level"), NUMBERS) if table else []
    return [
        {
            "level": row["level"],
            "parameters": row.get("parameters", ""),
            **{name: float(row[name]) if row.get(name) else None for name in NUMBERS},
        }
        for row in rows
        if row["case"] in reference.cases
    ]
