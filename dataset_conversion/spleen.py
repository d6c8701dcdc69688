"""Spleen, CT (Medical Segmentation Decathlon, Task09): 41 labelled volumes.

``skipstudy convert spleen Task09_Spleen -d 505`` or ``python dataset_conversion/spleen.py -i ... -d 505``.
"""

from nnunet_skipstudy.conversion.decathlon import decathlon_converter
from nnunet_skipstudy.conversion.description import Sizes
from nnunet_skipstudy.support.parser import run_script

STUDY = Sizes(train=25, val=5, test=11, unit="groups")
WINDOW = (-160.0, 240.0)
"""HU, the usual abdominal one: 400 wide around 40."""
CONVERTER = decathlon_converter(
    "spleen", 505, "Task09_Spleen", "spleen in CT", label="spleen", modality="CT", study=STUDY, window=WINDOW
)

if __name__ == "__main__":
    run_script(CONVERTER.main)
