"""What holds for all tests: a small machine, and no nnU-Net variables of the developer's."""

import os

import pytest
from processes import SMALL_MACHINE

for name in [name for name in os.environ if name.lower().startswith("nnunet_")]:
    del os.environ[name]
os.environ.update({name: value for name, value in SMALL_MACHINE.items() if name.startswith("nnUNet_")})


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Work outside the repository: from its root a child's ``python -c`` would import its folders, not the package."""
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
