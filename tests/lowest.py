"""The lowest versions that pyproject.toml allows, as requirements for pip: ``python tests/lowest.py own|nnunet``.

``own``: libraries with what they need themselves. ``nnunet``: nnU-Net's packages, without: they would bring another
torch, which like Snakemake stays as it is, since its lowest version is gigabytes and knows no newer Python.
"""

import re
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10: pytest brings it
    import tomli as tomllib

KEPT = ("torch", "snakemake")
NNUNET = ("nnunetv2", "dynamic-network-architectures", "batchgeneratorsv2")


def lowest(which: str) -> list[str]:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pairs = [re.fullmatch(r"([\w.-]+)>=([\d.]+)(;.*)?", line.replace("; ", ";")) for line in project["dependencies"]]
    assert all(pairs), "a dependency without a lower bound"
    return [f"{p[1]}=={p[2]}" for p in pairs if p and p[1] not in KEPT and (p[1] in NNUNET) == (which == "nnunet")]


if __name__ == "__main__":
    print("\n".join(lowest(sys.argv[1])))
