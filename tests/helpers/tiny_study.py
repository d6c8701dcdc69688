"""A study that two cores finish in seconds."""

import re
from pathlib import Path

TEXT = """\
datasets:
  - id: 501
    converter: synthetic
    source: ["procedural:0.6", "procedural:0"]
    options:
      alphas: [0.1]
      test-alphas: [0.1, 0.9]
      size: 32
      train: 6
      val: 2
      test: 3
      seed: 1
    levels: [alpha0.10, alpha0.90]
architectures: [UNet, NoSkip]
plans:
  name: tinyPlans
  base_features: 8
  max_features: 16
  batch_size: 2
seeds: [1]
schedule:
  epochs: 4
  iterations: 3
tta: false
device: cpu
small_data: true
checkpoints:
  epochs: 1
resources:
  default: {cpus: 1, memory_gb: 1}
"""


def write_study(folder: Path, text: str = TEXT, **changes: str) -> Path:
    """Write the study into a folder of its own, some keys' values changed: ``epochs="5"``."""
    for key, value in changes.items():
        text, count = re.subn(rf"^(\s*){key}: .*$", rf"\g<1>{key}: {value}", text, flags=re.MULTILINE)
        assert count, key
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path
