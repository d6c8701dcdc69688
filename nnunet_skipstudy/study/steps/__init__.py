"""A study's steps, one a file. A further one is a file like these and a row here."""

from nnunet_skipstudy.study.steps import analyze, convert, explain, perturb, plan, predict, shift, train
from nnunet_skipstudy.study.steps.step import Step

_MODULES = (convert, perturb, plan, train, predict, shift, explain, analyze)
STEPS: dict[str, Step] = {module.STEP.name: module.STEP for module in _MODULES}
"""The steps by name, in the order of their dependence."""
