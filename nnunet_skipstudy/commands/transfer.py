"""``skipstudy transfer``: the encoder of one variant as the beginning of another's training."""

from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.calls import trainer_class
from nnunet_skipstudy.nnunet.datasets import find_dataset
from nnunet_skipstudy.support.parser import Parser


def parser() -> Parser:
    """The command's arguments; those that nnUNetv2_train has too have its names."""
    made = Parser(
        prog="skipstudy transfer",
        description="nnUNetv2_train's -pretrained_weights takes only a network that is the same but for its last "
        "layers. This writes weights that it takes for another variant: the encoder of CHECKPOINT, and everything "
        "else as the training of -tr would begin (with the seed of its name). Nothing of the encoder is left out: if "
        "the two differ anywhere, nothing is written. Opening a checkpoint runs the code in it, as with nnU-Net's own "
        "commands.",
    )
    made.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="of nnU-Net's, of any trainer (.pth)")
    made.add_argument("-d", type=int, required=True, metavar="ID", help="the data set that will be trained on")
    made.add_argument("-c", default="2d", metavar="CONFIGURATION", help="2d (default), 3d_fullres ...")
    made.add_argument("-p", default="nnUNetPlans", metavar="PLANS", help="the plans' identifier (nnUNetPlans)")
    made.add_argument("-tr", required=True, metavar="TRAINER", help="the trainer that will train")
    made.add_argument("-o", type=Path, required=True, metavar="FILE", help="where to write the weights (.pth)")
    return made


def main(argv: list[str]) -> int:
    """Write the weights; say what was taken, what begins anew, what was left, and the command that comes next.

    Raises:
        UserError: an argument is at fault, or the encoders differ.
    """
    arguments = parser().parse_args(argv)
    if arguments.o.exists():
        raise UserError(f"{arguments.o}: is there already; remove it, or give another -o")
    dataset = find_dataset(arguments.d, "nnUNet_preprocessed").name
    trainer = trainer_class(arguments.tr)

    from nnunet_skipstudy.planning.costs import planned
    from nnunet_skipstudy.training.transfer import initial_weights, read_weights, transferred, words_of, write_weights

    manager, description = planned(dataset, arguments.p, arguments.c)
    source, name = read_weights(arguments.checkpoint)
    initial = initial_weights(trainer, manager, arguments.c, description)
    weights = transferred(source, initial, f"{arguments.checkpoint} ({name or 'no trainer named'})")
    write_weights(arguments.o, weights, encoder_of=name, trainer_name=arguments.tr)

    whose = name or arguments.checkpoint
    print(f"taken: the encoder, {words_of(weights, encoder=True)}, of {whose}")
    print(f"new: everything else, {words_of(weights, encoder=False)}, as {arguments.tr} begins")
    print(f"left: everything else of {whose}, {words_of(source, encoder=False)}")
    print(
        f"next: nnUNetv2_train {arguments.d} {arguments.c} FOLD -tr {arguments.tr} -p {arguments.p} "
        f"-pretrained_weights {arguments.o}"
    )
    return 0
