"""The cases that have been read, and which of them become training pool and test set."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nnunet_skipstudy.conversion.description import Division
from nnunet_skipstudy.conversion.duplicates import Looks
from nnunet_skipstudy.conversion.splits import SplitCase, hold_out
from nnunet_skipstudy.texture.disparity import Disparity

TEST_PART = 0.2
"""Of all cases (or groups), where neither the publisher nor the study says which are the test set."""


@dataclass(frozen=True, kw_only=True)
class Converted(SplitCase):
    """A case that has been written, and what is known of it: what splits need, where it comes from, its looks.

    ``disparity`` is the measure that cases are sorted by, ``texture`` the study's.
    """

    official: str
    source: str
    sha256: str
    texture: Disparity
    looks: Looks | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Parts:
    """Training pool, fold 0's validation cases (empty: no matter which), test set, and those in none."""

    pool: tuple[Converted, ...]
    validation: frozenset[str]
    test: tuple[Converted, ...]
    left_out: tuple[Converted, ...]

    def sets(self, division: Division) -> dict[str, str]:
        """Each case's part by its name, in the publisher's words where the test set is the publisher's."""
        if any(case.official in division.test_sets for case in self.test):
            return {case.case: case.official for case in (*self.pool, *self.test, *self.left_out)}
        return {case.case: "train" for case in self.pool} | {case.case: "test" for case in self.test}


def divide(cases: Sequence[Converted], division: Division, seed: int) -> Parts:
    """Choose the test set, and leave its groups out of the training pool. Raises UserError: too few cases."""
    test = frozenset(case.case for case in cases if case.official in division.test_sets)
    if test:
        tested = {case.group for case in cases if case.case in test}
        left_out = {case.case for case in cases if case.group in tested} - test
        chosen = (case for case in cases if case.official in division.validation_sets)
        validation = frozenset(case.case for case in chosen) - left_out
    else:
        left_out = set()
        test, validation = _drawn(cases, division, seed)
    return Parts(
        pool=tuple(case for case in cases if case.case not in test | left_out),
        validation=validation,
        test=tuple(case for case in cases if case.case in test),
        left_out=tuple(case for case in cases if case.case in left_out),
    )


def _drawn(cases: Sequence[Converted], division: Division, seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Test and validation cases in the study's proportions, or a part of the groups and no matter which."""
    if division.sizes is None:
        n_groups = len({case.group for case in cases})
        return hold_out(cases, max(1, round(TEST_PART * n_groups)), seed=seed, unit="groups"), frozenset()
    unit = division.sizes.unit
    sizes = division.sizes.scaled(len({case.group if unit == "groups" else case.case for case in cases}))
    test = hold_out(cases, sizes.test, seed=seed, unit=unit)
    rest = [case for case in cases if case.case not in test]
    return test, hold_out(rest, sizes.val, seed=seed, unit=unit, purpose="validation")
