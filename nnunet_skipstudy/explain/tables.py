"""What was found as rows of tables; what each column is stands in docs/columns.md."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.explain.request import Request
from nnunet_skipstudy.explain.susceptibility import susceptibility
from nnunet_skipstudy.nnunet.calls import Training
from nnunet_skipstudy.nnunet.trainer_name import parse_trainer_name

if TYPE_CHECKING:
    from nnunet_skipstudy.explain.cases import Found

MODEL: tuple[str, ...] = ("dataset", "architecture", "trainer", "plans", "configuration", "fold", "seed")
COLUMNS: tuple[str, ...] = (
    *(*MODEL, "level", "reference_level", "case", "label", "intervention", "part", "depth", "strength"),
    *("dsc", "dsc_level", "dsc_reference", "share"),
)
SUSCEPTIBILITY_COLUMNS: tuple[str, ...] = (
    *(*MODEL, "level", "reference_level", "part", "depth", "n_channels", "n_cases"),
    *("hellinger", "hellinger_chance", "wasserstein"),
)
FIELD_COLUMNS: tuple[str, ...] = (
    *(*MODEL, "level", "reference_level", "n_cases", "effective_voxels", "theoretical_voxels", "field_share"),
)
ATTENTION_COLUMNS: tuple[str, ...] = (
    *(*MODEL, "level", "reference_level", "case", "depth", "mass_in_object", "object_share"),
    *("picture", "slice"),
)
SMALLEST_DROP = 0.05
"""A loss of Dice below this is not shared out: small numbers would be divided by smaller ones."""


def model_of(training: Training) -> dict[str, Any]:
    """The columns :data:`MODEL`."""
    try:
        parsed = parse_trainer_name(training.trainer)
        architecture, seed = parsed.network, parsed.options.seed
    except UserError:
        architecture, seed = training.trainer, None
    values = (training.dataset, architecture, training.trainer, training.plans, training.configuration, training.fold)
    return dict(zip(MODEL, (*values, seed), strict=True))


def score_rows(request: Request, found: Mapping[tuple[str, str], "Found"]) -> Iterator[dict[str, Any]]:
    """The rows of explain.csv."""
    model = model_of(request.training)
    for (level, case), here in found.items():
        plain = here.scores[0][1]
        at_reference = found[request.reference, case].scores[0][1]
        for one, scores in here.scores:
            for label, dsc in scores.items():
                drop = at_reference[label] - plain[label]
                gain = {"patch": dsc - plain[label], "reverse": at_reference[label] - dsc}.get(one.kind)
                yield {
                    **model,
                    **{"level": level, "reference_level": request.reference, "case": case, "label": label},
                    **{"intervention": one.kind, "part": one.part.name, "depth": one.part.level},
                    **{"strength": one.strength, "dsc": dsc, "dsc_level": plain[label]},
                    "dsc_reference": at_reference[label],
                    "share": gain / drop if gain is not None and drop >= SMALLEST_DROP else None,
                }


def susceptibility_rows(request: Request, found: Mapping[tuple[str, str], "Found"]) -> Iterator[dict[str, Any]]:
    """The rows of susceptibility.csv: every stage of the network at every level but the reference."""
    model = model_of(request.training)
    reference = [found[request.reference, case].means for case in request.cases]
    for level in request.levels:
        means = [found[level, case].means for case in request.cases]
        for name in reference[0]:
            part, depth = name.split(" ")
            before, after = (np.array([of_case[name] for of_case in side]) for side in (reference, means))
            yield {
                **model,
                **{"level": level, "reference_level": request.reference, "part": part, "depth": int(depth)},
                **{"n_channels": before.shape[1], "n_cases": len(before)},
                **susceptibility(before, after),
            }


def field_rows(request: Request, fields: Mapping[str, tuple[Mapping[str, Any], int]]) -> Iterator[dict[str, Any]]:
    """The rows of receptive_field.csv; ``fields``: sizes and number of cases by level."""
    model = model_of(request.training)
    for level, (sizes, n_cases) in fields.items():
        yield {**model, "level": level, "reference_level": request.reference, "n_cases": n_cases, **sizes}


def attention_rows(request: Request, looked: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of attention.csv; none of a network without gates."""
    model = model_of(request.training)
    for (level, case), found in looked.items():
        for depth, mass in found["mass"].items():
            place = {"level": level, "reference_level": request.reference, "case": case, "depth": int(depth)}
            shown = {"picture": picture_of(level, case, depth), "slice": found["slice"]}
            yield {**model, **place, "mass_in_object": mass, "object_share": found["object"], **shown}


def picture_of(level: str, case: str, depth: str) -> str:
    """The file of a gate's weights, from the tables' folder."""
    return f"attention/{level}/{case}_skip{depth}.png"
