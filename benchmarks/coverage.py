"""What intervals and verdicts promise, against simulated studies whose truth is known; all through the package's code.

Prints the coverage of 95 % intervals of means and changes on scores with failures, the coverage of differences between
networks that were trained several times, and how often six equal networks are said to differ (family-wise).
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests" / "helpers"))

from simulated_studies import FAILING, Networks, rows_of, with_failures


def of_failures(n_studies: int) -> None:
    """Means and changes of one network."""
    print("coverage of means and changes, one training (width: mean of the intervals'), wanted at least 93 %")
    for kind in FAILING:
        draw = with_failures(kind)
        everything = draw(np.random.default_rng(0), 1_000_000)
        truth = {"mean": everything[:, 0].mean(), "change": (everything[:, 0] - everything[:, 1]).mean()}
        truth["relative_change"] = truth["change"] / everything[:, 1].mean()
        for n in (10, 20, 40, 100):
            rng = np.random.default_rng(n)
            hits, widths = defaultdict(list), defaultdict(list)
            for _ in range(n_studies):
                for row in rows_of(draw(rng, n)[:, None, None, :]):
                    if row["level"] == "hardest" and row["quantity"] in truth:
                        hits[row["quantity"]].append(row["low"] <= truth[row["quantity"]] <= row["high"])
                        widths[row["quantity"]].append(row["high"] - row["low"])
            words = ", ".join(f"{name} {np.mean(hits[name]):.1%} ({np.mean(widths[name]):.3f})" for name in truth)
            print(f"  {kind}, n = {n}: {words}", flush=True)


def of_differences(n_studies: int) -> None:
    """Two networks, equal on average."""
    print("coverage of differences of two networks, wanted 93 to 98 %")
    for spread in (0.0, 0.2, 0.5):
        for n_seeds in (3, 5):
            for n_groups in (20, 100):
                model = Networks(n_groups, n_seeds, n_networks=2, between_trainings=spread)
                rng = np.random.default_rng(n_groups + n_seeds)
                hits = defaultdict(list)
                for _ in range(n_studies):
                    for row in rows_of(model.draw(rng, n_levels=2)):
                        if row["quantity"].startswith("difference") and row["level"] == "hardest":
                            hits[row["quantity"]].append(row["low"] <= 0 <= row["high"])
                words = ", ".join(f"{name} {np.mean(found):.1%}" for name, found in hits.items())
                print(f"  sd of trainings {spread}, {n_seeds} seeds, {n_groups} groups: {words}", flush=True)


def of_equal_networks(n_studies: int) -> None:
    """False verdicts of a family."""
    print("six equal networks, seeds' sd 0.2 (logit): studies in which any two are said to differ, wanted at most 7 %")
    for n_seeds in (1, 2, 3, 5):
        for n_groups in (10, 20, 50):
            model, rng = Networks(n_groups, n_seeds), np.random.default_rng(n_groups)
            wrong = [
                any(row["verdict"] in ("better", "worse") for row in rows_of(model.draw(rng)) if row.get("verdict"))
                for _ in range(n_studies)
            ]
            print(f"  {n_seeds} seeds, {n_groups} groups: {np.mean(wrong):.1%}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies of each kind (default: 1000)")
    n = parser.parse_args().studies
    of_failures(n)
    of_differences(n)
    of_equal_networks(n)
