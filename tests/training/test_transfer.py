"""An encoder of one variant as the beginning of another's training."""

import contextlib
import io
from pathlib import Path

import pytest
import torch
from nnunetv2.run.load_pretrained_weights import load_pretrained_weights
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from small_plans import arch_kwargs
from tiny_training import DATASET_JSON, plans, trainer, write_preprocessed

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.training.on_demand import trainer_class
from nnunet_skipstudy.training.trainer import SkipStudyTrainer
from nnunet_skipstudy.training.transfer import initial_weights, read_weights, transferred, words_of, write_weights

pytestmark = pytest.mark.filterwarnings("ignore")  # nnU-Net's own
SEEDED = "nnUNetTrainerNoSkip_seed5"


@pytest.fixture(autouse=True)
def nnunet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_preprocessed(tmp_path / "preprocessed")
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path / "preprocessed"))
    monkeypatch.setenv("nnUNet_results", str(tmp_path / "results"))
    monkeypatch.setenv("nnUNet_n_proc_DA", "0")
    monkeypatch.setattr(SkipStudyTrainer, "plot_network_architecture", lambda self: None)


def begun(name: str, content: dict | None = None) -> dict[str, torch.Tensor]:
    cls = nnUNetTrainer if name == "nnUNetTrainer" else trainer_class(name)
    return initial_weights(cls, PlansManager(content or plans()), "2d", DATASET_JSON)


def quiet(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


def test_a_training_begins_with_their_encoder_and_its_own_decoder(tmp_path: Path) -> None:
    """With nnU-Net's own loader; the seed of the name gives the decoder that the training has without a transfer."""
    source = begun("nnUNetTrainerUNet_seed1")
    write_weights(tmp_path / "w.pth", transferred(source, begun(SEEDED), "w"), trainer_name=SEEDED)
    plain, loaded = trainer(SEEDED), trainer(SEEDED)
    quiet(plain.initialize)
    quiet(loaded.initialize)
    quiet(load_pretrained_weights, loaded.network, str(tmp_path / "w.pth"))
    own = plain.network.state_dict()
    for key, weight in loaded.network.state_dict().items():
        encoder = ".encoder." in f".{key}"
        assert torch.equal(weight, source[key] if encoder else own[key]), key
        assert not encoder or "conv.weight" not in key or not torch.equal(weight, own[key])


@pytest.mark.parametrize(
    ("source", "target"),
    [("nnUNetTrainer", "nnUNetTrainerAttentionUNet_noDS"), ("nnUNetTrainerUNetPlusPlus_skips1", "nnUNetTrainer")],
)
def test_to_and_from_nnunets_own_network(source: str, target: str) -> None:
    """Its decoder holds the encoder under a second name, which follows."""
    theirs, initial = begun(source), begun(target)
    made = transferred(theirs, initial, "w")
    assert list(made) == list(initial)
    for key, weight in made.items():
        encoder = key.removeprefix("decoder.") if key.startswith("decoder.encoder.") else key
        assert torch.equal(weight, theirs[encoder] if encoder.startswith("encoder.") else initial[key]), key


def test_what_is_counted_is_counted_once() -> None:
    weights = begun("nnUNetTrainer")
    parameters = {id(w): w for w in trainer_parameters()}
    both = [words_of(weights, encoder=encoder) for encoder in (True, False)]
    numbers = [int(words.split(", ")[1].split()[0].replace(",", "")) for words in both]
    assert sum(numbers) == sum(weight.numel() for weight in parameters.values())


def trainer_parameters() -> list[torch.nn.Parameter]:
    manager = PlansManager(plans())
    return list(
        nnUNetTrainer.build_network_architecture(manager, manager.get_configuration("2d"), 1, 2, True).parameters()
    )


@pytest.mark.parametrize("other", ["nnUNetTrainerVNet", "nnUNetTrainerNoSkip_matchedParams"])
def test_encoders_that_differ_are_refused(other: str) -> None:
    with pytest.raises(UserError, match=r"^w: encoder\.\S+ (has the shape|is in one of the two).*; transfer between"):
        transferred(begun("nnUNetTrainerUNet"), begun(other), "w")


def test_another_depth_is_refused() -> None:
    content = plans()
    content["configurations"]["2d"]["architecture"]["arch_kwargs"] = arch_kwargs(
        2, [2, 4], [[1, 1], [2, 2]], [[3, 3]] * 2
    )
    for one, other in ((content, plans()), (plans(), content)):
        with pytest.raises(UserError, match="is in one of the two encoders only"):
            transferred(begun("nnUNetTrainerUNet", one), begun("nnUNetTrainerNoSkip", other), "w")


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("x")
    torch.save({"state_dict": {}}, tmp_path / "other.pth")
    for path in (tmp_path / "text.pth", tmp_path / "other.pth", tmp_path / "none.pth"):
        with pytest.raises(UserError, match=rf"{path.name}: can't be read as a checkpoint of nnU-Net's"):
            read_weights(path)
