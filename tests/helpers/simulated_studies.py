"""Studies whose truth is known: scores drawn from a model, as the table of cases that measuring makes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.comparisons import comparisons
from nnunet_skipstudy.analysis.statistics.estimates import estimates
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row
from nnunet_skipstudy.analysis.statistics.setting import Setting, settings
from nnunet_skipstudy.registry import METRICS

Floats = npt.NDArray[np.float64]
LEVELS = ("hardest", "unperturbed")


def cases_table(dsc: Floats, codes: Sequence[int] | None = None, levels: Sequence[str] = LEVELS) -> pd.DataFrame:
    """A table of cases from (case, network, seed, level); other metrics are not known."""
    n_cases, n_networks, _, n_levels = dsc.shape
    case, network, seed, level = (axis.ravel() for axis in np.indices(dsc.shape))
    groups = np.arange(n_cases) if codes is None else np.asarray(codes)
    names = np.array([f"N{index}" for index in range(n_networks)], dtype=object)[network]
    table = pd.DataFrame(
        {
            "dataset": "D", "architecture": names, "trainer": names, "network": names, "plans": "p",
            "configuration": "2d", "fold": "0", "seed": seed, "level": np.array(levels, dtype=object)[level],
            "case": np.array([f"c{index}" for index in range(n_cases)], dtype=object)[case],
            "group": np.array([f"g{index}" for index in groups], dtype=object)[case], "label": "a",
            "disparity": np.nan, **dict.fromkeys(METRICS, np.nan), "reference_size": 100, "predicted_size": 100,
            "outcome": "both", "image_size": 4000, "trained_on": "", "training": "",
            "reference_level": "unperturbed" if n_levels > 1 else "", "degenerate": False,
        }
    )  # fmt: skip
    return table.assign(dsc=dsc.ravel())


def setting_of(dsc: Floats, codes: Sequence[int] | None = None) -> Setting:
    """The setting of (case, network, seed, level)."""
    table = cases_table(dsc, codes, LEVELS[: dsc.shape[3]])
    (found,) = settings(table, [NetworkKey(f"N{i}", f"N{i}", "p", "2d") for i in range(dsc.shape[1])])
    return found


def rows_of(dsc: Floats, codes: Sequence[int] | None = None, least: float = 0.0) -> Iterator[Row]:
    """What the analysis says of the DSC in (case, network, seed, level): rows of estimates and of comparisons."""
    data = Resampled(setting_of(dsc, codes))
    for row in (*estimates(data), *comparisons(data, least)):
        if row["metric"] == "dsc":
            yield row


@dataclass(frozen=True)
class Networks:
    """A model of networks that are trained several times: DSC on the logit scale, as sums of what varies.

    ``between_cases``, ``between_trainings``, ``of_both`` (a training's own way with a case) and ``of_both_networks``
    (a network's own way with a case) are standard deviations; ``effects`` of each network at the hardest level.
    """

    n_groups: int
    n_seeds: int
    n_networks: int = 6
    between_cases: float = 0.8
    between_trainings: float = 0.2
    of_networks: float = 0.3
    of_both: float = 0.3
    effects: tuple[float, ...] = ()

    def draw(self, rng: np.random.Generator, n_levels: int = 1) -> Floats:
        """(case, network, seed, level) of one study."""
        g, k, s = self.n_groups, self.n_networks, self.n_seeds
        case = rng.normal(0, self.between_cases, (g, 1, 1, 1))
        own = rng.normal(0, self.of_networks, (g, k, 1, n_levels))
        training = rng.normal(0, self.between_trainings, (1, k, s, n_levels))
        both = rng.normal(0, self.of_both, (g, k, s, n_levels))
        effect = np.zeros((1, k, 1, n_levels))
        effect[0, : len(self.effects), 0, 0] = self.effects
        return 1 / (1 + np.exp(-(1.4 + case + own + training + both + effect)))


def with_failures(kind: str) -> Callable[[np.random.Generator, int], Floats]:
    """Scores of one network at two levels, (case, level), some of them failures: hardest, unperturbed."""
    shape, shares = {
        "none": ((8.0, 2.0), (0.0, 0.0)),
        "3 % zeros": ((8.0, 2.0), (0.03, 0.005)),
        "15 % zeros": ((8.0, 2.0), (0.15, 0.03)),
        "near the ceiling, 1.5 % zeros": ((60.0, 1.5), (0.015, 0.0)),
        "65 % zeros": ((5.0, 2.0), (0.65, 0.3)),
    }[kind]

    def draw(rng: np.random.Generator, n: int) -> Floats:
        latent = (rng.normal(size=(n, 1)) + rng.normal(size=(n, 2))) / np.sqrt(2)
        values = stats.beta.ppf(stats.norm.cdf(latent), *shape)
        return np.where(rng.random((n, 1)) < np.array(shares), 0.0, values)

    return draw


FAILING = ("none", "3 % zeros", "15 % zeros", "near the ceiling, 1.5 % zeros", "65 % zeros")
