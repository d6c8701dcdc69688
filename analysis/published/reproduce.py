"""The original study's published scores through our door: its means, its counts, and what is left of them."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from nnunet_skipstudy.analysis.pipeline import Addition, AnalysisResult, AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.report.page import NOTES, Cell, Table
from nnunet_skipstudy.analysis.results import Study
from nnunet_skipstudy.analysis.statistics.pairwise import holm
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.analysis.statistics.verdict import BETTER, EQUIVALENT, SIGNIFICANT, UNDECIDED, WORSE
from nnunet_skipstudy.registry import ARCHITECTURES, METRICS, UNPERTURBED

DIAGONAL = math.sqrt(2) * 256
"""What the study replaced infinite distances by: its images are 256 x 256 pixels."""
ROUNDED = 5e-5
"""How far a mean may lie from one published with four decimals."""
HARDER = ("hardest", "harder")
CLAIMS = {"dsc": 5, "hd": 7}
"""In how many of the 8 harder categories No-Skip was best, as published."""
CLAIM_BY_CV = {"No-Skip": 7, "Enhanced": 6, "Standard": 3}
"""How often a group had the smallest CV, of 16, as published."""


@dataclass(frozen=True)
class Reproduction:
    """``result``: of the analysis. ``means``: published and own, row by row. ``lines``: what was met, in words."""

    result: AnalysisResult
    means: pd.DataFrame
    lines: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether all published means, and both counts of wins, were met."""
        return bool((self.means["difference"].abs() <= ROUNDED).all()) and not any("NOT met" in s for s in self.lines)


def reproduce(output: Path, figures: bool = True) -> Reproduction:
    """Analyse the published scores and compare with what was published of them; ``output`` holds the report.

    Raises:
        UserError: nothing can be written to ``output``.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnunet_skipstudy import reproduce
        >>> reproduce(Path(tempfile.mkdtemp()) / "published", figures=False).met
        True
    """
    found: list[tuple[pd.DataFrame, list[str]]] = []

    def compared(study: Study) -> Addition:
        means = compare_means(study.cases)
        lines = list(_lines(study, means))
        found.append((means, lines))
        return Addition(tuple(lines), (_means_table(means),), {"reproduction.csv": means})

    with resources.as_file(resources.files(__package__) / "case_scores.csv.gz") as scores:
        result = analyze(
            AnalyzeOptions(
                scores,
                None,
                output,
                diagonal=repr(DIAGONAL),
                architecture_names=("NoSkip=NoSkipUNet,UNetPlusPlus=UNet++",),
                tolerance=5,
                notes=(NOTES["published scores"],),
                figures=figures,
            ),
            compared,
        )
    means, lines = found[0]
    return Reproduction(result, means, tuple(lines))


def compare_means(cases: pd.DataFrame) -> pd.DataFrame:
    """Each published mean DSC beside ours, over all cases and seeds, and the difference."""
    with resources.as_file(resources.files(__package__) / "means.csv") as path:
        theirs = pd.read_csv(path).rename(columns={"mean": "published_mean"})
    keys = ["dataset", "architecture", "level"]
    own = cases.groupby(keys, sort=False)["dsc"].mean().rename("mean").reset_index()
    table = theirs.merge(own, on=keys, how="left", validate="one_to_one")
    return table.assign(difference=table["mean"] - table["published_mean"])


def _means_table(means: pd.DataFrame) -> Table:
    rows = [
        [
            *(Cell(dataset), Cell(ARCHITECTURES[architecture].title), Cell(level)),
            *(Cell(f"{theirs:.4f}"), Cell(f"{own:.6f}"), Cell(f"{difference:+.6f}")),
        ]
        for dataset, architecture, level, theirs, own, difference in means.itertuples(index=False, name=None)
    ]
    columns = ["data set", "network", "level", "published mean DSC", "own", "difference"]
    return Table("Against the published means", columns, rows, n_words=3, open=False)


def _lines(study: Study, means: pd.DataFrame) -> Iterator[str]:
    far = float(means["difference"].abs().max())
    n = int((means["difference"].abs() <= ROUNDED).sum())
    yield f"Means: {n} of {len(means)} published mean DSC met to {ROUNDED:g} (largest difference {far:.3g})."
    per_case = _per_case(study.cases)
    for metric, claim in CLAIMS.items():
        best = best_in_most_cases(per_case, metric)
        n = sum(_group(name) == "No-Skip" for name in best)
        told = "met" if n == claim else "NOT met"
        yield (
            f"{METRICS[metric].title}: a No-Skip network is alone the best in most cases in {n} of {len(best)} harder "
            f"categories ({told}: published {claim} of 8), all trainings counted."
        )
        yield _left(study, metric, best)
    yield _by_cv(study.cases, per_case)
    yield from _verdicts(study)


def _group(architecture: str) -> str:
    return ARCHITECTURES[architecture].group.value


def _per_case(cases: pd.DataFrame) -> pd.DataFrame:
    """Every metric of each case, seeds averaged, as the study's own scripts do."""
    keys = ["dataset", "level", "case", "architecture"]
    return cases.groupby(keys, sort=False)[["dsc", "hd", "assd", "nsd"]].mean().reset_index()


def best_in_most_cases(per_case: pd.DataFrame, metric: str) -> pd.Series:
    """The network that alone is best in the most cases, by data set and harder level; a tie counts for nobody."""
    rows = per_case[per_case["level"].isin(HARDER)]
    table = rows.pivot(index=["dataset", "level", "case"], columns="architecture", values=metric).round(12)
    best = table.eq(table.min(axis=1) if METRICS[metric].lower_is_better else table.max(axis=1), axis=0)
    alone = best[best.sum(axis=1) == 1]
    return alone.groupby(level=["dataset", "level"], sort=False).sum().idxmax(axis=1)


def _left(study: Study, metric: str, best: pd.Series) -> str:
    """In how many of No-Skip's wins its network is better than every network of another group, seeds counted."""
    rows = study.statistics.table
    rows = rows[(rows["metric"] == metric) & (rows["quantity"] == "difference")]
    held: list[str] = []
    opposed = 0
    won = best[[_group(name) == "No-Skip" for name in best]]
    for place, name in zip(won.index.to_list(), won, strict=True):
        own = rows[[row == place for row in zip(rows["dataset"], rows["level"], strict=True)]]
        first = own[(own["architecture"] == name) & own["other_architecture"].map(_others)]
        other = own[(own["other_architecture"] == name) & own["architecture"].map(_others)]
        verdicts = [*first["verdict"], *other["verdict"].replace({BETTER: WORSE, WORSE: BETTER})]
        held += [" ".join(place)] if verdicts and set(verdicts) == {BETTER} else []
        opposed += WORSE in verdicts
    listed = f" ({', '.join(held)})" if held else ""
    return (
        f"{METRICS[metric].title}: with the variance between seeds counted, {len(held)} of these {len(won)} hold "
        f"against every network of another group{listed}; in {opposed} one of them is better."
    )


def _others(architecture: str) -> bool:
    return _group(architecture) != "No-Skip"


def _by_cv(cases: pd.DataFrame, per_case: pd.DataFrame) -> str:
    counts = {words: Counter(map(_group, winners)) for words, winners in _steadiest(cases, per_case)}
    off = {words: sum(abs(found[name] - n) for name, n in CLAIM_BY_CV.items()) for words, found in counts.items()}
    nearest = min(off, key=lambda words: off[words])

    def told(found: Counter[str] | dict[str, int]) -> str:
        return ", ".join(f"{name} {found[name]}" for name in CLAIM_BY_CV)

    start = f"Smallest CV, published {told(CLAIM_BY_CV)} of 16: "
    if not off[nearest]:
        return f"{start}met by {nearest}."
    return f"{start}met by none of {len(off)} definitions tried; nearest: {nearest} ({told(counts[nearest])})."


def _steadiest(cases: pd.DataFrame, per_case: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """The network with the smallest CV in each of 16 contests, by definitions of the CV and of the contests."""
    network, metrics = ["dataset", "architecture"], ["dsc", "hd", "assd", "nsd"]
    shifted = [table[table["level"] != UNPERTURBED] for table in (per_case, cases)]
    seeds = shifted[1].groupby([*network, "level", "seed"])["dsc"].mean().reset_index()
    spreads = (("over cases", shifted[0]), ("over cases and seeds", shifted[1]), ("of the seeds' means", seeds))
    for words, rows in spreads:
        found = _cv(rows, [*network, "level"], ["dsc"])["dsc"].unstack("architecture")
        yield f"CV of the DSC {words} at the 4 perturbed levels of 4 data sets", _smallest(found)
    level_means = per_case.groupby([*network, "level"])[metrics].mean().reset_index()
    of_means = _cv(level_means, network, metrics)
    of_cases = _cv(per_case, [*network, "case"], metrics)
    averaged = of_cases.groupby(network).mean()
    for words, table in (("of level means", of_means), ("over levels per case, averaged,", averaged)):
        winners = [name for metric in metrics for name in _smallest(table[metric].unstack("architecture"))]
        yield f"CV {words} of 4 metrics on 4 data sets", winners
    most = []
    for metric in metrics:
        by_case = of_cases[metric].unstack("architecture").dropna(how="all").idxmin(axis=1)
        most += list(by_case.groupby(level="dataset").agg(lambda names: names.value_counts().index[0]))
    yield "CV over levels per case, smallest in most cases, of 4 metrics on 4 data sets", most


def _smallest(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table.idxmin(axis=1)]


def _cv(rows: pd.DataFrame, keys: list[str], metrics: list[str]) -> pd.DataFrame:
    grouped = rows.groupby(keys)[metrics]
    found: pd.DataFrame = grouped.std(ddof=0) / grouped.mean()
    return found


def _verdicts(study: Study) -> Iterator[str]:
    """The pairs of networks that differ in DSC, before seeds were counted and after."""
    rows = study.statistics.table
    rows = rows[(rows["metric"] == "dsc") & (rows["quantity"] == "difference") & (rows["level"] != ALL_LEVELS)]
    told = Counter(rows["verdict"])
    t = (rows["estimate"] / rows["se_cases"]).abs()
    p = pd.Series(2 * stats.t.sf(t, rows["n_groups"].astype(float) - 1), index=rows.index)
    before = sum(
        int((np.asarray(holm(p[part.index].tolist())) < SIGNIFICANT).sum())
        for _, part in rows.groupby(["dataset", "label", "level"])
    )
    yield (
        f"Of {len(rows)} pairs of networks at a level, {before} differ in mean DSC if these trainings were all there "
        f"is (cases alone); with the variance between seeds counted {told[BETTER] + told[WORSE]} do, "
        f"{told[EQUIVALENT]} are equivalent and {told[UNDECIDED]} undecided."
    )
