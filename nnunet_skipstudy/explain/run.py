"""Explain one trained fold: all cases at all levels, case by case, so that a run that was ended goes on."""

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.explain import ATTENTION, FIELD, SUSCEPTIBILITY, TABLE
from nnunet_skipstudy.explain.attention import attention_on_grid, mass_in, write_picture
from nnunet_skipstudy.explain.cases import Explainer, Found, Truth
from nnunet_skipstudy.explain.request import Request, level_folders, spread
from nnunet_skipstudy.explain.tables import (
    ATTENTION_COLUMNS,
    COLUMNS,
    FIELD_COLUMNS,
    SUSCEPTIBILITY_COLUMNS,
    attention_rows,
    field_rows,
    picture_of,
    score_rows,
    susceptibility_rows,
)
from nnunet_skipstudy.nnunet.calls import Training
from nnunet_skipstudy.nnunet.cases import Case, Description, read_channel, read_description, read_labels
from nnunet_skipstudy.nnunet.prediction import CHECKPOINT, Predictor, find_cases
from nnunet_skipstudy.registry import in_order
from nnunet_skipstudy.support.contents import settings_hash
from nnunet_skipstudy.support.files import read_record, sha256_of_file, write_csv, write_json
from nnunet_skipstudy.support.version import __version__
from nnunet_skipstudy.support.working_folder import only_run

CASES_OF_FIELD = 10
"""So many images, or fewer, a receptive field is averaged over."""
PARTS = ".parts"
"""A file for each case and level that is done, under the hash of all that decides it."""


def explain(
    request: Request, output: Path, *, device: str = "cpu", progress: Callable[[int, int], None] = lambda done, n: None
) -> Path:
    """Write the tables, and of attention gates pictures; cases that are done stay as they are.

    Args:
        request: what.
        output: a folder, of this request alone.
        device: ``cpu``, ``cuda`` or ``mps``.
        progress: told the cases done and their number.

    Raises:
        UserError: the model, images or labels are absent or don't fit each other.
    """
    with only_run(output, "explain", f"explaining {request.training.trainer}"):
        files = {level: _files(request, level) for level in (request.reference, *request.levels)}
        opened = cache(lambda: _opened(request, device))
        model = sha256_of_file(_checkpoint(request.training))
        description = _described(request)
        labels = {"labels": description.labels, "ignore": description.ignore}
        common = {"version": __version__, "model": model, "mirroring": request.mirroring, **labels}
        found: dict[tuple[str, str], Found] = {}
        for level in files:
            for case in request.cases:
                wanted = {**common, **_wanted(request, files, level, case)}
                part = _kept(output, wanted, lambda: _explained(request, opened(), files, level, case).as_json())  # noqa: B023
                found[level, case] = Found.of_json(part)
                progress(len(found), len(files) * len(request.cases))
        fields = {}
        for level in files:
            shown = [files[level][case] for case in spread(request.cases, CASES_OF_FIELD)]
            wanted = {**common, "field": _contents(*shown)}
            fields[level] = _kept(output, wanted, lambda: opened().field(shown)), len(shown)  # noqa: B023
        looked: dict[tuple[str, str], dict[str, Any]] = {}
        for level, of_cases in {**files, **_at_other_levels(request, files)}.items():
            for case, images in of_cases.items():
                seen = _contents(images, [str(_label(request, case))])
                make = partial(_attention, request, opened, images, level, case, output)
                looked[level, case] = _kept(output, {**common, "gates": seen, "level": level, "case": case}, make)
        write_csv(output / ATTENTION, ATTENTION_COLUMNS, attention_rows(request, looked))
        write_csv(output / FIELD, FIELD_COLUMNS, field_rows(request, fields))
        write_csv(output / SUSCEPTIBILITY, SUSCEPTIBILITY_COLUMNS, susceptibility_rows(request, found))
        write_csv(output / TABLE, COLUMNS, score_rows(request, found))
    return output / TABLE


def _kept(output: Path, wanted: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is made, or was in an earlier run."""
    path = output / PARTS / f"{settings_hash(wanted)}.json"
    if not (part := read_record(path)):
        part = make()
        write_json(path, part)
    return part


def _contents(*files: list[str]) -> list[str]:
    return [sha256_of_file(Path(name)) for names in files for name in names]


def _checkpoint(training: Training) -> Path:
    path = training.fold_folder / CHECKPOINT
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint; train this fold to its end first (-d -c -tr -p -f name it)")
    return path


def _described(request: Request) -> Description:
    """The data set's description. Raises UserError: the model was trained on other labels."""
    description, trained = (read_description(folder) for folder in (request.raw, request.training.model_folder))
    if (description.labels, description.ignore) != (trained.labels, trained.ignore):
        raise UserError(
            f"{description.source}: its labels are not those that the model was trained with ({trained.source}); "
            "mend the one that is wrong"
        )
    return description


def _opened(request: Request, device: str) -> Explainer:
    training = request.training
    predictor = Predictor(training.model_folder, training.fold, device=device, mirroring=request.mirroring)
    return Explainer(predictor, request.kinds, request.strengths, request.seed)


def _files(request: Request, level: str) -> dict[str, list[str]]:
    """The files of each case's image at a level."""
    folder = level_folders(request.raw).get(level)
    if folder is None:
        there = ", ".join(level_folders(request.raw)) or "none"
        raise UserError(f"{request.raw}: has no test images of level {level!r} (there: {there}); choose another")
    description = read_description(request.raw)
    found = find_cases(folder, description.ending, n_channels=description.n_channels)
    if lacking := next((case for case in request.cases if case not in found), None):
        raise UserError(f"{folder}: has no image of the case {lacking!r}; add it, or choose others (--cases)")
    return {case: found[case] for case in request.cases}


def _at_other_levels(request: Request, known: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """The same of levels that nobody asked for, where they have all cases: a gate is looked at through all levels."""
    found = {}
    for level in set(level_folders(request.raw)) - set(known):
        with suppress(UserError):
            found[level] = _files(request, level)
    return {level: found[level] for level in in_order(found)}


def _other(request: Request, case: str) -> str | None:
    """The next case, whose features take the place of this one's."""
    place = request.cases.index(case) + 1
    return request.cases[place % len(request.cases)] if "other" in request.kinds and len(request.cases) > 1 else None


def _wanted(request: Request, files: dict[str, dict[str, list[str]]], level: str, case: str) -> dict[str, Any]:
    """All that decides what is found of a case at a level."""
    used = [files[request.reference][case], files[level][case], [str(_label(request, case))]]
    if other := _other(request, case):
        used.append(files[level][other])
    return {
        **{"seed": request.seed, "case": case},
        "level": level if level != request.reference else "",
        "kinds": sorted(request.kinds),
        "strengths": {kind: list(values) for kind, values in sorted(request.strengths.items())},
        "files": _contents(*used),
    }


def _label(request: Request, case: str) -> Path:
    path = request.raw / "labelsTs" / f"{case}{read_description(request.raw).ending}"
    if not path.is_file():
        raise UserError(f"{path}: no such label map; add it, or leave the case out (--cases)")
    return path


def _explained(
    request: Request, explainer: Explainer, files: dict[str, dict[str, list[str]]], level: str, case: str
) -> Found:
    other = _other(request, case)
    if other:
        _truth(request, other, files[level][other])
    truths = [_truth(request, case, files[which][case]) for which in (level, request.reference)]
    return explainer.explain(
        case,
        files[request.reference][case],
        None if level == request.reference else files[level][case],
        files[level][other] if other else None,
        truths[0],
    )


def _attention(
    request: Request,
    opened: Callable[[], Explainer],
    images: list[str],
    level: str,
    case: str,
    output: Path,
) -> dict[str, Any]:
    """How much of each gate's weight lies in the object, by level; pictures of the slice with most of the object."""
    explainer = opened()
    labels = _truth(request, case, images)
    maps = attention_on_grid(explainer.predictor, explainer.network, images)
    inside = np.isin(labels.labels, [value for values in labels.regions.values() for value in values])
    fullest = int(inside.sum(axis=(1, 2)).argmax())
    for depth, weights in maps.items():
        write_picture(output / picture_of(level, case, str(depth)), weights[fullest])
    masses = {str(depth): mass_in(weights, inside) for depth, weights in maps.items()}
    return {"mass": masses, "object": float(inside.mean()), "slice": fullest}


def _truth(request: Request, name: str, images: list[str]) -> Truth:
    """A case's labels. Raises UserError: they, or the image, can't be read, or don't belong together."""
    description = read_description(request.raw)
    case = Case(name, tuple(map(Path, images)), _label(request, name))
    labels = read_labels(case, description)
    for channel in range(len(images)):
        read_channel(case, channel, labels)
    return Truth(labels if labels.ndim == 3 else labels[None], description.labels, description.ignore)
