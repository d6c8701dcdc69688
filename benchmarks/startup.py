"""How long ``skipstudy --help`` takes as a whole process (bar: 0.5 s), against bare Python and nnU-Net's own."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

REPEATS = 5


def seconds(*command: str) -> float:
    """The median over repeated runs, after one that warms the disk's cache up."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    """Measure and print."""
    scripts = Path(sys.executable).parent
    bare = seconds(sys.executable, "-c", "pass")
    print(f"bare Python            {bare:6.3f} s")
    for arguments in (["--help"], ["--version"], ["analyze", "--help"], ["convert", "synthetic", "--help"]):
        ours = seconds(str(scripts / "skipstudy"), *arguments)
        print(f"skipstudy {' '.join(arguments):<26}{ours:6.3f} s  {ours / bare:5.1f} times bare Python")
    theirs = seconds(str(scripts / "nnUNetv2_train"), "--help")
    print(f"nnUNetv2_train --help  {theirs:6.3f} s")


if __name__ == "__main__":
    main()
