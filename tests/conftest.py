"""What holds for all tests: a small machine, and no nnU-Net variables of the developer's."""

import os

from processes import SMALL_MACHINE

for name in [name for name in os.environ if name.lower().startswith("nnunet_")]:
    del os.environ[name]
os.environ.update({name: value for name, value in SMALL_MACHINE.items() if name.startswith("nnUNet_")})
