"""Which threats to the conclusion the study at hand leaves open: read off what was trained, tested and measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import nan

import pandas as pd

from nnunet_skipstudy.analysis.inputs.level_effects import LevelFacts, level_facts
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.runs import is_elsewhere, mirroring, trained_and_tested
from nnunet_skipstudy.analysis.report.page import Cell, Table
from nnunet_skipstudy.analysis.report.words import count, joined, number
from nnunet_skipstudy.analysis.results import Study
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.analysis.statistics.td_axis import FOLLOWS_SIZE, TD_WORDS, axis_measure, moves_of, size_rows
from nnunet_skipstudy.levels.moves import AS_NAMED
from nnunet_skipstudy.levels.side_effects import LEAKS
from nnunet_skipstudy.nnunet.trainer_name import TrainerOptions, known_trainer
from nnunet_skipstudy.registry import ARCHITECTURES, DISTORTION, EXCESS, TEXTURE, UNPERTURBED, Group, in_order

OPEN, MET, PART = "open", "met", "a factor"
MUCH = 0.25
"""Of what the texture level moves TD by: a distortion that moves it so far is no distortion without texture."""
Finding = tuple[str, str] | None
"""A threat's state and why; None where it can't arise."""


def threat_tables(study: Study) -> Iterator[Table]:
    """For each data set: every threat that can arise there, those that are open first."""
    pairs = [trained_and_tested(comparison.reference.dataset) for comparison in study.comparisons]
    for comparison in study.comparisons:
        dataset = comparison.reference.dataset
        away = [tested for trained, tested in pairs if trained == dataset != tested]
        for setting in () if is_elsewhere(dataset) else study.statistics.overall(dataset)[:1]:
            design = _Design(comparison, study.cases[study.cases["dataset"] == dataset], setting, away)
            found = [(threat, *state) for threat, judge in THREATS.items() if (state := judge(design)) is not None]
            found.sort(key=lambda row: (OPEN, PART, MET).index(row[1]))
            n_open = sum(state == OPEN for _, state, _ in found)
            yield Table(
                f"Threats: {dataset}",
                ["what else may explain it", "in this study", "why"],
                [[Cell(text) for text in row] for row in found],
                n_words=3,
                note=f"{n_open} of {len(found)} are open. Read off the trainings, levels and tables at hand; a threat "
                "that is met may still be there in part. 'skipstudy init --full --protocol controlled' meets most.",
            )


@dataclass(frozen=True)
class _Design:
    """What one data set's study was made of; ``away``: the other data sets that its networks were tested on."""

    comparison: Comparison
    cases: pd.DataFrame
    setting: Setting
    away: list[str]

    @cached_property
    def options(self) -> list[TrainerOptions]:
        """Of our trainers."""
        names = self.cases["trainer"].unique()
        return [parsed.options for name in names if (parsed := known_trainer(name)) is not None]

    @cached_property
    def levels(self) -> list[LevelFacts]:
        names = in_order(self.cases["level"].unique())
        return [fact for fact in level_facts(self.comparison.reference, names) if fact.level != UNPERTURBED]

    def made_by(self, *kinds: str) -> list[str]:
        """The levels whose perturbations begin so."""
        return [fact.level for fact in self.levels if fact.effects and fact.effects.parameters.startswith(kinds)]

    @cached_property
    def kinds(self) -> set[str]:
        """Of the folds that were trained on."""
        folds = self.comparison.reference.folds
        return {folds[fold].kind for fold in self.cases["fold"].unique() if fold in folds}

    @property
    def names(self) -> set[str]:
        """The architectures, without what their suffixes change."""
        return {key.architecture.partition("_")[0] for key in self.setting.networks}


def _seeds(design: _Design) -> Finding:
    known = design.setting.replicates[design.setting.replicates > 0]
    fewest = int(known.min()) if len(known) else 0
    if fewest < 2:
        return OPEN, "some network has one training: another seed may turn the result round"
    return MET, f"at least {count(fewest, 'training')} a network, and their variance is in the intervals"


def _augmentation(design: _Design) -> Finding:
    if not design.options:
        return OPEN, "with which augmentation the networks were trained is not known"
    without = [one for one in design.options if one.spatial_augmentation or one.augmentation == "nnUNetTrainerNoDA"]
    if not without:
        return OPEN, "all trainings saw noise, blur and contrast, kin of the test levels"
    if len(without) < len(design.options):
        return PART, "trainings with and without augmentation of grey values are networks apart"
    return MET, "no training saw an augmentation of grey values"


def _capacity(design: _Design) -> Finding:
    groups = {ARCHITECTURES[name].group for name in design.names if name in ARCHITECTURES}
    matched = any(one.matched for one in design.options)
    if not matched and (Group.NO_SKIP not in groups or len(groups) < 2):
        return None
    if matched:
        return PART, "networks of matched parameters or FLOPs are among those compared"
    return OPEN, "networks with and without skips differ in parameters and FLOPs, too (_matchedParams, _matchedFLOPs)"


def _size(design: _Design) -> Finding:
    measure = axis_measure(design.cases)
    rows = [row for row in size_rows(design.cases) if row.level == UNPERTURBED]
    if not rows:
        return None
    found = rows[0].excess_with_size if measure == EXCESS else rows[0].value_with_size
    told = f"{TD_WORDS[measure]} has the rank correlation {number(found, sign=True)} with the objects' size"
    return (MET if abs(found) < FOLLOWS_SIZE else OPEN), told


def _outline(design: _Design) -> Finding:
    probed = [fact.effects for fact in design.levels if fact.effects and fact.effects.n_cases]
    leaking = [effect.level for effect in probed if effect.leak - effect.leak_unperturbed > LEAKS]
    blurred = design.made_by("blur_background")
    unknown = [level for level in blurred if level not in {effect.level for effect in probed}]
    if not (leaking or unknown):
        return (MET, "by the leak probe no level shows it") if probed else None
    if hiding := design.made_by("blur_elsewhere"):
        return PART, f"{joined(leaking or unknown)} may show it, {joined(hiding)} hide it"
    return OPEN, f"{joined(leaking or unknown)}: what lies outside the reference is blurred, so its outline shows"


def _noise(design: _Design) -> Finding:
    noisy = design.made_by("speckle")
    if not noisy:
        return None
    if {TEXTURE, DISTORTION} <= {fact.level for fact in design.levels}:
        return _split(design)
    if blended := design.made_by("blend"):
        return PART, f"{joined(blended)} move texture without noise"
    return OPEN, f"{joined(noisy)}: speckle is noise first, and filtering it looks like robustness to texture"


def _split(design: _Design) -> Finding:
    """Whether the 2 x 2 does what it is for: its distortion distorts, and leaves texture alone."""
    effects = next((fact.effects for fact in design.levels if fact.level == DISTORTION), None)
    if effects and effects.n_unchanged > (1 - AS_NAMED) * effects.n_cases:
        return OPEN, f"{DISTORTION} leaves {effects.n_unchanged} of {effects.n_cases} images as they are"
    moved, of_texture = (_moved(design, level) for level in (DISTORTION, TEXTURE))
    if not moved < MUCH * of_texture:
        return OPEN, f"{DISTORTION} moves TD by {number(moved)} in the median, {TEXTURE} by {number(of_texture)}"
    return MET, "the 2 x 2 of texture and distortion splits the loss"


def _moved(design: _Design, level: str) -> float:
    """How far TD lies from that of the unperturbed image, either way; median over cases, NaN where it isn't known."""
    by_case = design.cases.drop_duplicates(["level", "case"]).pivot(index="case", columns="level", values="disparity")
    return float((by_case[level] - by_case[UNPERTURBED]).abs().median()) if UNPERTURBED in by_case else nan


def _ladder(design: _Design) -> Finding:
    moves = [move for move in moves_of(design.cases) if move.as_named is not None]
    if not moves:
        return None
    off = [f"{move.as_named:.0%} at {move.level}" for move in moves if (move.as_named or 0) < AS_NAMED]
    if off:
        return OPEN, f"only so many cases lie where the level's name says: {joined(off)}"
    return MET, f"at every level {AS_NAMED:.0%} of the cases or more lie where its name says"


def _training_size(design: _Design) -> Finding:
    if "narrow" not in design.kinds:
        return None
    if "matched" in design.kinds:
        return MET, "fold 10 has as many cases as the narrow folds, over the whole range of texture disparity"
    return OPEN, "narrow folds have a fifth of the cases; fold 10, their control, was not trained on"


def _range(design: _Design) -> Finding:
    if not design.kinds & {"wide", "narrow"}:
        return None
    if {"wide", "narrow"} <= design.kinds:
        return MET, "folds of the whole and of one fifth of the range of texture disparity"
    return OPEN, f"only {joined(sorted(design.kinds & {'wide', 'narrow'}))} folds were trained on"


def _mirroring(design: _Design) -> Finding:
    known = {mirroring(run) for run in design.comparison.runs}
    if not known:
        return None
    if None in known:
        return OPEN, "whether predictions were mirrored is not recorded beside all of them"
    words = "on" if known == {True} else "off"
    return (MET, f"mirroring is {words} for all") if len(known) == 1 else (OPEN, "on for some and off for others")


def _source(design: _Design) -> Finding:
    if design.away:
        return MET, f"the networks were tested on {joined(design.away)}, too"
    return OPEN, "the test images are of the training images' source: a shift that was made is no other hospital"


THREATS: dict[str, Callable[[_Design], Finding]] = {
    "Another seed": _seeds,
    "Augmentation that trains on the tested shift": _augmentation,
    "Capacity instead of skips": _capacity,
    "Object size instead of texture": _size,
    "The reference's outline, drawn by a level": _outline,
    "Noise instead of texture": _noise,
    "Levels that are not what their names say": _ladder,
    "Few training cases instead of narrow textures": _training_size,
    "The range of textures trained on": _range,
    "Mirroring at prediction": _mirroring,
    "The shift is made, not real": _source,
}
"""Every threat by its name, and what judges it."""
