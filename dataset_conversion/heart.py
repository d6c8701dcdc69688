"""Heart, MRI (Medical Segmentation Decathlon, Task02): 20 labelled volumes, left atrium.

``skipstudy convert heart Task02_Heart -d 506`` or ``python dataset_conversion/heart.py -i ... -d 506``.
"""

from nnunet_skipstudy.conversion.decathlon import decathlon_converter
from nnunet_skipstudy.conversion.description import Sizes
from nnunet_skipstudy.support.parser import run_script

STUDY = Sizes(train=13, val=4, test=3, unit="groups")
CONVERTER = decathlon_converter(
    "heart", 506, "Task02_Heart", "left atrium in MRI", prefix="la", label="left_atrium", modality="MRI", study=STUDY
)

if __name__ == "__main__":
    run_script(CONVERTER.main)
