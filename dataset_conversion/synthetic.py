"""Synthetic textures: a textured object on a textured background, at proportions alpha of one in the other.

``skipstudy convert synthetic -d 501`` or ``python dataset_conversion/synthetic.py -d 501``.
"""

from nnunet_skipstudy.conversion.synthetic import CONVERTER
from nnunet_skipstudy.support.parser import run_script

if __name__ == "__main__":
    run_script(CONVERTER.main)
