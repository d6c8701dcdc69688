"""Trainer names and their suffixes."""

import itertools

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import TrainerOptions, format_trainer_name, parse_trainer_name
from nnunet_skipstudy.registry import ARCHITECTURES

OPTIONS = TrainerOptions(epochs=50, iterations=3, seed=0, spatial_augmentation=True, deep_supervision=False)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_bare_name_asks_for_nnunets_defaults(architecture: str) -> None:
    parsed = parse_trainer_name(f"nnUNetTrainer{architecture}")
    assert (parsed.architecture, parsed.options) == (architecture, TrainerOptions())


def test_suffixes_come_in_any_order() -> None:
    words = ["_50epochs", "_3iters", "_seed0", "_spatialDA", "_noDS"]
    for order in itertools.permutations(words):
        parsed = parse_trainer_name("nnUNetTrainerVNet" + "".join(order))
        assert parsed.options == OPTIONS
        assert parsed.without_seed == "nnUNetTrainerVNet_50epochs_3iters_spatialDA_noDS"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_formatting_and_parsing_are_inverse(architecture: str) -> None:
    name = format_trainer_name(architecture, OPTIONS)
    assert parse_trainer_name(name).options == OPTIONS
    assert "__" not in name  # nnU-Net splits the results folder there


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nnUNetTrainerNoSkip_10epoch", "unknown suffix '_10epoch'; known are _<n>epochs, _<n>iters, _seed<n>"),
        ("nnUNetTrainerNoSkip_0epochs", "unknown suffix '_0epochs'"),
        ("nnUNetTrainerNoSkip_-1epochs", "unknown suffix '_-1epochs'"),
        ("nnUNetTrainerNoSkip_seed01", "the suffix '_seed01' is spelled '_seed1'; write it so"),
        ("nnUNetTrainerNoSkip_seed\u0661", "the suffix '_seed\u0661' is spelled '_seed1'; write it so"),
        ("nnUNetTrainerNoSkip_1\u0661epochs", "is spelled '_11epochs'; write it so"),
        ("nnUNetTrainerNoSkip_seed00x", "unknown suffix '_seed00x'"),
        ("nnUNetTrainerNoSkip_seed4294967296", "the number of '_seed4294967296' is too large; give at most 4294967295"),
        ("nnUNetTrainerNoSkip_999999999999999999999epochs", "is too large; give at most 1000000000"),
        ("nnUNetTrainerNoSkip_1000000001iters", "is too large; give at most 1000000000"),
        ("nnUNetTrainerNoSkip__5epochs", "unknown suffix '_'"),
        ("nnUNetTrainerNoSkip_5epochs_6epochs", "sets epochs twice"),
        ("nnUNetTrainerNoSkip_fullresDS", "'_fullresDS' is for nnUNetTrainerUNetPlusPlus only"),
        ("nnUNetTrainerUNetPlusPlus_noDS_fullresDS", "'_fullresDS' and '_noDS' contradict"),
        ("nnUNetTrainerUNet_skips21", "the suffix '_skips21' is spelled '_skips12'; write it so"),
        ("nnUNetTrainerUNet_skips1123", "is spelled '_skips123'; write it so"),
        ("nnUNetTrainerUNet_skips", "unknown suffix '_skips'"),
        ("nnUNetTrainerUNet_skips1_skips2", "sets skips twice"),
        ("nnUNetTrainerNoSkip_skips1", "the No-Skip U-Net hands on nothing at level 1; leave that out"),
        ("nnUNetTrainerNoTopSkip_skips012", "the U-Net without top skip hands on nothing at level 0"),
        ("nnUNetTrainerUNetPlusPlus_fullresDS_skips12", "'_fullresDS' needs the skips of all levels"),
        ("nnUNetTrainerUNet_skipDropout0", "unknown suffix '_skipDropout0'"),
        ("nnUNetTrainerUNet_skipDropout100", "the number of '_skipDropout100' is too large; give at most 99"),
        ("nnUNetTrainerNoSkipVNet_skipDropout50", "the No-Skip V-Net has no skips to drop"),
        ("nnUNetTrainerVNet_DA5_spatialDA", "'_spatialDA' and another augmentation contradict"),
        ("nnUNetTrainerVNet_noDA_DA5", "sets augmentation twice"),
        ("nnUNetTrainerVNet_matchedParams_matchedFLOPs", "sets matched twice"),
        ("nnUNetTrainerSomething_5epochs", "'nnUNetTrainerSomething' is none of ours; did you mean"),
    ],
)
def test_a_wrong_name_is_refused_with_the_remedy(name: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_trainer_name(name)
    assert words in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("word", [f"{'9' * 5000}epochs", f"seed{'9' * 5000}", f"seed0{'9' * 5000}", "x" * 10**6])
def test_a_name_of_any_length_is_refused_in_a_short_line(word: str) -> None:
    """Python turns no text of more than 4300 digits into a number."""
    with pytest.raises(UserError, match="nnUNetTrainerUNet_") as caught:
        parse_trainer_name(f"nnUNetTrainerUNet_{word}")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("nnUNetTrainerUNet_3epochs_seed1_spatialDA", "UNet"),
        ("nnUNetTrainerUNet_matchedFLOPs_seed1_skips023", "UNet_skips023_matchedFLOPs"),
        ("nnUNetTrainerVNet_skipDropout5_matchedParams_noDS", "VNet_skipDropout5_matchedParams"),
    ],
)
def test_another_network_is_compared_under_another_name(name: str, network: str) -> None:
    """Suffixes of training alone don't change it; those of the network are in one order."""
    parsed = parse_trainer_name(name)
    assert parsed.network == network
    assert parse_trainer_name(parsed.without_seed).network == network
    assert parsed.without_seed.startswith(f"nnUNetTrainer{network}")
