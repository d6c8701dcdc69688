"""Networks that learnt nothing have nothing to lose, which is no merit."""

import numpy as np
import pandas as pd
import pytest
from made_up_cases import table
from made_up_predictions import DATASET, level_folder, write_cases, write_dataset_json

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.degenerate import SLIGHT, degenerate_trainings, without_degenerate
from nnunet_skipstudy.analysis.pipeline import AnalysisResult, AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.statistics.setting import settings
from nnunet_skipstudy.analysis.statistics.table import make_statistics

GRID = (24, 24)
LEVELS = ("hardest", "harder", "unperturbed")


def rows(reference: np.ndarray, predictions: list[np.ndarray]) -> pd.DataFrame:
    """The table of one training's cases."""
    names = dict.fromkeys(("dataset", "architecture", "network", "plans", "configuration", "trainer", "fold"), "x")
    made = []
    for number, predicted in enumerate(predictions):
        both = int((reference & predicted).sum())
        sizes = int(reference.sum()), int(predicted.sum())
        made.append(
            {
                **names, "seed": 1, "label": "a", "level": "l", "case": str(number), "dsc": 2 * both / sum(sizes),
                "reference_size": sizes[0], "predicted_size": sizes[1], "image_size": reference.size,
                **dict.fromkeys(("hd", "assd", "nsd"), float(number)),
            }
        )  # fmt: skip
    return pd.DataFrame(made)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("guessed", [0.2, 0.5, 0.9])
def test_guessing_is_noticed_however_large_object_and_guess_are(share: float, guessed: float) -> None:
    """A DSC of 0.9 can be chance, of an object that fills 90 % of the image: kappa takes chance off."""
    rng = np.random.default_rng(0)
    reference = np.zeros((100, 100), bool)
    reference[:, : round(100 * share)] = True
    noise = [rng.random((100, 100)) < guessed + 0.05 * rng.random() for _ in range(6)]
    assert "hardly more than by chance" in degenerate_trainings(rows(reference, noise))["reason"].item()
    shifted = [np.roll(reference, number + 1, 0) ^ (rng.random((100, 100)) < 0.02 * number) for number in range(6)]
    assert degenerate_trainings(rows(reference, shifted)).empty


def test_kappa_is_that_of_the_two_by_two_table() -> None:
    """By hand: of 100 pixels 10 are both, 10 and 10 one of the two, 70 neither: (0.8 - 0.68) / (1 - 0.68) = 0.375."""
    reference, predicted = np.zeros(100, bool), np.zeros(100, bool)
    reference[:20], predicted[10:30] = True, True
    assert SLIGHT < 0.375
    table = rows(reference, [predicted])
    assert degenerate_trainings(table).empty
    predicted[:], predicted[16:36] = False, True  # 4, 16, 16, 64: (0.68 - 0.68) / 0.32 = 0
    assert len(degenerate_trainings(rows(reference, [predicted]))) == 1


def study(root, networks: dict[str, dict[str, tuple[int, int]]]) -> tuple[AnalysisResult, str]:
    """Analyze squares that each network moves at each level; with the report's words."""
    cases = {}
    for number in range(6):
        cases[f"c{number}"] = np.zeros(GRID, np.uint8)
        cases[f"c{number}"][2 : 10 + number % 3, 2:10] = 1
    raw = root / "raw" / DATASET
    write_cases(raw / "labelsTs", cases)
    write_dataset_json(raw, {"object": 1})
    for trainer, moves in networks.items():
        for level, move in moves.items():
            moved = {case: np.roll(labels, move, (0, 1)) for case, labels in cases.items()}
            write_cases(level_folder(root / "p", f"nnUNetTrainer{trainer}", level), moved)
    result = analyze(AnalyzeOptions(root / "p", root / "raw", root / "out", progress=False))
    return result, (root / "out" / "report.md").read_text(encoding="utf-8")


def test_a_network_with_little_to_lose_is_not_praised_for_losing_little(tmp_path) -> None:
    """A DSC of about 0.4 at every level, beside one that falls from 1 to 0.75: not degenerate, but no merit."""
    weak = dict(zip(LEVELS, ((5, 1), (1, 5), (1, 5)), strict=True))
    strong = dict(zip(LEVELS, ((1, 1), (1, 0), (0, 0)), strict=True))
    _, words = study(tmp_path, {"NoSkip": weak, "UNet": strong})
    assert "No-Skip U-Net had less than half of the best network's mean DSC at unperturbed" in words
    assert "most favourably for No-Skip" not in words


def test_at_a_dsc_of_nothing_nobody_is_highest(tmp_path) -> None:
    """Where all have missed the object at one level, that level has no star; nor has any where all levels are so."""
    far, near = (11, 11), (1, 0)
    moves = {"hardest": far, "harder": near, "unperturbed": (0, 0)}
    result, words = study(tmp_path / "a", {"NoSkip": moves, "UNet": moves | {"harder": (2, 0)}})
    stars = [[cell.best for cell in row[1:]] for row in result.overview[0].rows]
    assert stars == [[False, True, True], [False, False, True]]
    assert "no network that predicts anything useful at hardest" in words
    result, _ = study(tmp_path / "b", {"NoSkip": dict.fromkeys(LEVELS, far), "UNet": dict.fromkeys(LEVELS, (11, 9))})
    assert not any(cell.best for row in result.overview[0].rows for cell in row)


def seeds(degenerate: tuple[int, ...], n: int = 3, cases: tuple[str, ...] = ("c0", "c1")) -> pd.DataFrame:
    parts = [
        table({"VNet": dict.fromkeys(cases, (0.5, 0.6, 0.7))}, seed=seed, degenerate=seed in degenerate)
        for seed in range(n)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("degenerate", "n", "left"),
    [((1,), 3, {0, 2}), ((0, 1), 3, {0, 1, 2}), ((0,), 2, {1}), ((0,), 1, {0}), ((), 2, {0, 1})],
)
def test_a_minority_of_degenerate_trainings_leaves_the_averages(
    degenerate: tuple[int, ...], n: int, left: set[int]
) -> None:
    """A majority stays, and its network can't win; so does a network's only training."""
    assert set(without_degenerate(seeds(degenerate, n))["seed"]) == left


def test_a_degenerate_fold_that_alone_has_its_cases_stays() -> None:
    """Without it the network would be judged by fewer cases than the others."""
    cases = pd.concat([seeds((), 2), seeds((0,), 1, ("c2",)).assign(fold="1")], ignore_index=True)
    assert len(without_degenerate(cases)) == len(cases)


def test_a_network_s_broken_seed_no_longer_makes_its_mean_nor_lets_it_win_by_it() -> None:
    """Found on the published V-Net of GlaS: steady because it never changes, and named best for it."""
    good = table({"UNet": {f"c{i}": (0.6, 0.8, 0.8) for i in range(8)}})
    parts = [
        table({"VNet": {f"c{i}": (value, 0.7, 0.7) for i in range(8)}}, seed=seed, degenerate=seed == 1)
        for seed, value in enumerate((0.4, 1.0, 0.4))
    ]
    cases = pd.concat([good.assign(seed=0), *parts], ignore_index=True)
    counted = without_degenerate(cases, "training")
    found = make_statistics(settings(counted, [NetworkKey(n, n, "p", "2d") for n in ("UNet", "VNet")]))
    rows = found.wins.query("metric == 'dsc' and level == 'hardest' and quantity == 'mean'").set_index("architecture")
    assert rows["value"].to_dict() == {"UNet": pytest.approx(0.6), "VNet": pytest.approx(0.4)}
    assert rows["eligible"].all()
    assert rows["best"].to_dict() == {"UNet": True, "VNet": False}
