"""A study's steps, one a file. A further one is a file like these and a row here."""

from nnunet_skipstudy.study.steps import analyze, convert, explain, perturb, plan, predict, train
from nnunet_skipstudy.study.steps.step import Step

STEPS: dict[str, Step] = {
    step.name: step
    for step in (convert.STEP, perturb.STEP, plan.STEP, train.STEP, predict.STEP, explain.STEP, analyze.STEP)
}
"""The steps by name, in the order of their dependence."""
