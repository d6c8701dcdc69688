"""The page's tables of what test levels are, and of what texture and distortion each cost."""

from collections.abc import Iterator, Sequence

from nnunet_skipstudy.analysis.figures.looks import Looks
from nnunet_skipstudy.analysis.inputs.level_effects import LevelFacts, level_facts
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.report.page import Cell, Table
from nnunet_skipstudy.analysis.report.words import interval, number
from nnunet_skipstudy.analysis.statistics.factorial import EFFECTS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.registry import UNPERTURBED, in_order


def level_tables(comparisons: Sequence[Comparison]) -> Iterator[Table]:
    """For each data set with a perturbations.csv: its levels, how they were made, and their side effects."""
    for comparison in comparisons:
        facts = level_facts(comparison.reference, in_order(run.level for run in comparison.runs))
        unperturbed = next(
            (fact.effects.leak_unperturbed for fact in facts if fact.effects and fact.effects.n_cases), None
        )
        if unperturbed is None:
            continue
        yield Table(
            f"Test levels: {comparison.reference.dataset}",
            ["level", "perturbation", "cases", "median TD", "PSNR, dB", "leak probe"],
            [_level_row(fact, unperturbed) for fact in facts],
            n_words=2,
            note="TD: texture disparity, larger where object and surroundings differ more. PSNR: median; the lower, "
            "the more distorted. Leak probe: Dice coefficient with the reference of the best threshold on an image's "
            "sharpness, mean over cases: where it lies above that of the unperturbed images, the level itself shows "
            "the object's outline. A dash: made by an earlier version.",
        )


def _level_row(fact: LevelFacts, unperturbed: float) -> list[Cell]:
    effects = fact.effects
    psnr = f"{effects.psnr_db:.1f}" if effects and effects.n_cases else "–"
    leak = unperturbed if fact.level == UNPERTURBED else effects.leak if effects else None
    words = [fact.level, effects.parameters if effects else "–", str(effects.n_cases) if effects else "–"]
    return [Cell(text) for text in (*words, number(fact.disparity), psnr, number(leak))]


def factorial_tables(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Table]:
    """For each data set tested at the 2 x 2: what each network loses, and of it to texture, distortion and both."""
    for dataset in datasets:
        for setting in statistics.overall(dataset)[:1]:
            found = {quantity: statistics.by_network(setting, quantity) for quantity in EFFECTS}
            rows = [
                [
                    Cell(look.title),
                    *(
                        Cell(interval(row["estimate"], row["low"], row["high"], sign=True))
                        for row in (found[quantity][key] for quantity in EFFECTS)
                    ),
                    *(Cell(str(found["joint_effect"][key][name])) for name in ("n_cases", "n_groups", "n_trainings")),
                ]
                for key, look in looks.items()
                if key in found["joint_effect"]
            ]
            if rows:
                yield Table(
                    f"Texture or distortion: {dataset}",
                    ["network", "both [95 %]", "texture", "distortion", "interaction", "cases", "groups", "trainings"],
                    rows,
                    note="Change of the DSC from the unperturbed images. Texture: the object's texture mixed with its "
                    "background's, without noise. Distortion: a change of grey values with the PSNR of speckle, which "
                    "leaves texture disparity alone. Both: one after the other; its change is the sum of the three "
                    "that follow. Interaction below 0: together they cost more than one by one.",
                )
