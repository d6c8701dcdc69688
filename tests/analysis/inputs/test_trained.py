"""What a trainer's name tells of a run."""

import pytest

from nnunet_skipstudy.analysis.inputs.runs import trained


@pytest.mark.parametrize(
    ("trainer", "architecture", "network"),
    [
        ("nnUNetTrainerUNet_5epochs_seed3", "UNet", "nnUNetTrainerUNet_5epochs"),
        ("nnUNetTrainerUNet_5epochs_seed3_skips12", "UNet_skips12", "nnUNetTrainerUNet_skips12_5epochs"),
        ("nnUNetTrainerNoSkip_matchedParams", "NoSkip_matchedParams", "nnUNetTrainerNoSkip_matchedParams"),
        ("nnUNetTrainerMine_skips12", "nnUNetTrainerMine_skips12", "nnUNetTrainerMine_skips12"),
    ],
)
def test_a_control_is_a_network_of_its_own(trainer: str, architecture: str, network: str) -> None:
    """Neither named nor grouped as the study's network that it differs from."""
    facts = trained(trainer)
    assert (facts["architecture"], facts["network"]) == (architecture, network)
