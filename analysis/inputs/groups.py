"""Which cases belong together: slices of one patient tell no more than that patient about others."""

import re
from dataclasses import replace
from pathlib import Path

from nnunet_skipstudy.analysis.inputs.references import Reference
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.tables import read_rows

WITHIN = r"^(.*\d)\D+\d+$"
"""Names such as ``patient001_slice12``: a number within what another number tells apart."""


def grouped(reference: Reference, asked: str) -> Reference:
    """The reference with groups as the user gives them.

    ``asked`` is a table with the columns ``case`` and ``group``, or a regular expression that is searched in each
    case's name: what its first parentheses find, or all that it finds, is the group.

    Raises:
        UserError: a case has no group, or it is neither a table nor a regular expression.
    """
    if asked.lower().endswith(".csv"):
        if not Path(asked).is_file():
            raise UserError(f"{asked}: no such file; give a table or a regular expression with --groups")
        rows = read_rows(Path(asked), ("case", "group"))
        groups = {row["case"]: row["group"] for row in rows}
        twice = next((row["case"] for row in rows if groups[row["case"]] != row["group"]), None)
        if twice is not None:
            raise UserError(f"{asked}: two groups of the case {twice!r}; keep one")
    else:
        groups = {case: _found(asked, case) for case in reference.cases}
    without = [case for case in reference.cases if not groups.get(case)]
    if without:
        raise UserError(
            f"--groups {asked}: gives {without[0]!r} no group ({len(without)} cases of them); every one needs one"
        )
    return replace(reference, groups={case: groups[case] for case in reference.cases})


def _found(pattern: str, case: str) -> str:
    try:
        match = re.search(pattern, case)
    except (re.error, RecursionError, OverflowError) as error:
        raise UserError(f"--groups {pattern!r}: is no regular expression ({error}); mend it, or give a .csv") from error
    if match is None:
        return ""
    return next((part for part in match.groups() if part), "") if match.groups() else match[0]


def suggested(reference: Reference) -> str:
    """A warning where no groups are known and the cases' names tell them; empty where not."""
    if any(reference.groups.get(case) for case in reference.cases):
        return ""
    found = [_found(WITHIN, case) for case in reference.cases]
    names = sorted(set(found))
    if not all(found) or not 1 < len(names) <= len(found) / 2:
        return ""
    return (
        f"{reference.dataset}: {len(found)} cases are counted as independent of each other, but their names look like "
        f"parts of {len(names)} ({names[0]}, {names[1]} …). If cases of one name belong together (slices of one "
        f"patient, crops of one slide), intervals and tests are too sure; repeat with --groups '{WITHIN}'."
    )
