"""A data set that nnU-Net has planned and preprocessed."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PreparedStudy:
    """A planned data set, and the environment in which nnU-Net finds it."""

    root: Path
    dataset: str
    environment: dict[str, str]

    @property
    def raw(self) -> Path:
        return self.root / "nnUNet_raw" / self.dataset

    def model(self, trainer: str, configuration: str = "2d", plans: str = "nnUNetPlans") -> Path:
        return self.root / "nnUNet_results" / self.dataset / f"{trainer}__{plans}__{configuration}"
