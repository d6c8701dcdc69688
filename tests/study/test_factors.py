"""Networks of a study by name and by factor, and trainers of anybody's."""

from pathlib import Path

import pytest
from tiny_study import write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.nnunet.trainer_name import counts_of, without_seed
from nnunet_skipstudy.study.run import open_study
from nnunet_skipstudy.study.settings import checked_study, read_study
from nnunet_skipstudy.study.templates import search_text

DATASET = "datasets: [{id: 7}]\n"


def networks(text: str) -> list[str]:
    return checked_study(DATASET + text, "x", ()).networks


def trainers(path: Path) -> list[str]:
    grid = open_study(path, read_study(path, CONVERTERS)).grid
    return [cell.settings["trainer"] for cell in grid.values() if cell.step == "train"]


def test_each_network_with_skips_is_crossed_with_each_choice_of_them() -> None:
    """One without skips, or whose own suffix says what they do, is there once."""
    text = (
        "architectures: [NoSkip, UNet, AttentionUNet_skips12, UNet_DiceLoss]\nskips: [all, [3, 1]]\n"
        "skip_dropout: [0, 50]\n"
    )
    assert networks(text) == [
        *("NoSkip", "UNet", "UNet_skipDropout50", "UNet_skips13", "UNet_skips13_skipDropout50"),
        "AttentionUNet_skips12",
        *("UNet_DiceLoss", "UNet_skipDropout50_DiceLoss", "UNet_skips13_DiceLoss"),
        "UNet_skips13_skipDropout50_DiceLoss",
    ]


def test_a_study_without_these_factors_has_the_cells_that_it_had(tmp_path: Path) -> None:
    path = write_study(tmp_path)
    before = open_study(path, read_study(path, CONVERTERS)).grid
    path.write_text(f"{path.read_text()}skips: all\nskip_dropout: 0\ntrainers: []\n")
    after = open_study(path, read_study(path, CONVERTERS)).grid
    assert {key: cell.digest for key, cell in before.items()} == {key: cell.digest for key, cell in after.items()}
    assert "normalization" not in before["plan/d501"].settings["plans"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("architectures: [UNet_seed2]", "'UNet_seed2': a study says this under 'seeds'; leave the suffix out"),
        ("architectures: [UNet_noDS]", "a study says this under 'deep_supervision'"),
        ("architectures: [UNet_DA5]", "a study says this under 'augmentation'"),
        ("architectures: [UNet_skips21]", "the suffix '_skips21' is spelled '_skips12'; write it so"),
        ("skips: [[1, 1]]", "the suffix '_skips11' is spelled '_skips1'"),
        ("skips: 012", "skips.0: 10: give all, or a list of levels"),
        ("skips: [[0, 10]]", "skips.0: [0, 10]: give all, or a list of levels"),
        ("skips: [[true]]", "skips.0: [True]: give all, or a list of levels"),
        ("skip_dropout: 100", "skip_dropout.0: 100: input should be less than or equal to 99"),
        ("architectures: NoTopSkip\nskips: [[0]]", "hands on nothing at level 0; leave that out of '_skips'"),
        ("architectures: [UNet, UNet_skips1]\nskips: [all, [1]]", "architectures: 'UNet_skips1' stands twice"),
        ("architectures: []", "there is nothing to train"),
        ("architectures: []\ntrainers: nnUNetTrainer\nplans: {plan_for: heaviest}", "chooses among architectures"),
        ("trainers: [a__b]", "trainers.0: 'a__b': give a class' name"),
        ("trainers: ['../x']", "trainers.0: '../x': give a class' name"),
        ("trainers: [nnUNetTrainer, nnUNetTrainer]", "trainers: 'nnUNetTrainer' stands twice"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(
    tmp_path: Path, text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(write_study(tmp_path, DATASET + text)), "--dry-run"]) == 2
    printed = capsys.readouterr().err
    assert words in printed
    assert printed.count("\n") == 1


def test_augmentations_are_suffixes_of_the_trainers_names(tmp_path: Path) -> None:
    text = f"{DATASET}architectures: [UNet_CELoss]\naugmentation: [nnunet, spatial, DA5, none]\n"
    assert trainers(write_study(tmp_path, text)) == [
        f"nnUNetTrainerUNet_seed1{suffix}_CELoss" for suffix in ("", "_spatialDA", "_DA5", "_noDA")
    ]


def test_others_trainers_are_there_once_or_once_a_seed(tmp_path: Path) -> None:
    text = f'{DATASET}architectures: []\nseeds: [4, 5]\ntrainers: [nnUNetTrainer, "nnUNetTrainerMine_seed<seed>"]\n'
    path = write_study(tmp_path, text)
    assert trainers(path) == ["nnUNetTrainer", "nnUNetTrainerMine_seed4", "nnUNetTrainerMine_seed5"]
    grid = open_study(path, read_study(path, CONVERTERS)).grid
    assert "predict/d007-nnUNetTrainerMine_seed5-fold0" in grid


def test_a_network_of_the_study_is_not_trained_twice_under_its_trainers_name(tmp_path: Path) -> None:
    text = f"{DATASET}architectures: [UNet]\naugmentation: nnunet\ntrainers: [nnUNetTrainerUNet_seed1]\n"
    assert trainers(write_study(tmp_path, text)) == ["nnUNetTrainerUNet_seed1"]


def test_the_numbers_in_anybodys_name() -> None:
    assert without_seed("nnUNetTrainerMine_5epochs_seed12_DA") == ("nnUNetTrainerMine_5epochs_DA", 12)
    assert without_seed("nnUNetTrainer_seeded3") == ("nnUNetTrainer_seeded3", None)
    assert counts_of("nnUNetTrainer_5epochs") == (5, 250)
    assert counts_of("nnUNetTrainerMine_iters_20iters") == (1000, 20)
    assert counts_of("nnUNetTrainerUNet_3epochs_7iters") == (3, 7)


def test_the_search_is_a_study_of_a_hundred_and_twenty_trainings(tmp_path: Path) -> None:
    assert len(trainers(write_study(tmp_path, search_text()))) == 120
    assert main(["init", "--search", "-o", str(tmp_path / "search.yaml")]) == 0
    assert (tmp_path / "search.yaml").read_text(encoding="utf-8") == search_text()
