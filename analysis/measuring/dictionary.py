"""What each column of each table is, and each ``quantity``: columns.csv, docs/columns.md and the page read this.

As a program it prints the reference page; ``make docs/columns.md`` writes it.
"""

from dataclasses import dataclass

from nnunet_skipstudy.analysis.measuring.data_columns import (
    DATA,
    DATA_TABLES,
    DISPARITY,
    DUPLICATES,
    FOLDS,
    LEFT_OUT,
    LISTED,
    OF_CASES,
    OF_DATA,
    PERTURBATIONS,
    TEXTURES,
)
from nnunet_skipstudy.analysis.measuring.explained_columns import (
    ATTENTION,
    EXPLAIN,
    EXPLAINED,
    FIELD,
    OF_FOLDS,
    SHARES,
    SUSCEPTIBILITY,
    WHY,
)
from nnunet_skipstudy.registry import LEVELS, METRICS

COLUMN, QUANTITY = "column", "quantity"
CASES, ROBUSTNESS, STATISTICS, WINS, TALLIES = "case_metrics", "robustness", "statistics", "wins", "tallies"
REAL_SHIFT = "real_shift"
CASE_AGREEMENT, AGREEMENT, REPRODUCTION, COLUMNS = "case_agreement", "agreement", "reproduction", "columns"
TABLES: dict[str, str] = {
    CASES: "one row per prediction and label",
    ROBUSTNESS: "one row per network, fold, level, label and metric",
    STATISTICS: "one row per statistic: estimates, differences, ranks, with intervals and tests",
    WINS: "one row per network in each contest",
    TALLIES: "contests counted: one row per network, and per group of networks",
    REAL_SHIFT: "of networks tested on other data sets: one row per network, level and quantity, and per correlation",
    CASE_AGREEMENT: "without labels: one row per prediction and label",
    AGREEMENT: "without labels: one row per network, level, label and quantity",
    REPRODUCTION: "of skipstudy reproduce: one row per published mean",
    EXPLAIN: "of skipstudy explain: one row per case, label and intervention",
    SUSCEPTIBILITY: "of skipstudy explain: one row per level and stage of the network",
    FIELD: "of skipstudy explain: one row per level",
    ATTENTION: "of skipstudy explain: one row per case, level and attention gate",
    SHARES: "of skipstudy analyze --explain: one row per network, level, place and way",
    **DATA_TABLES,
    COLUMNS: "this dictionary",
}
"""Every CSV file by name, and what a row of it is."""

_MEASURED = (CASES, CASE_AGREEMENT)
_SUMMED = (ROBUSTNESS, STATISTICS, WINS, TALLIES, AGREEMENT)
_TESTED = (STATISTICS, WINS)
_ESTIMATED = (STATISTICS, SHARES, REAL_SHIFT)


@dataclass(frozen=True)
class Entry:
    """A column, or a value of the column ``quantity``, in ``tables``. ``unit``: of its numbers, or its type."""

    name: str
    kind: str
    tables: tuple[str, ...]
    unit: str
    meaning: str


_Rows = tuple[tuple[str, tuple[str, ...], str, str], ...]


def _of_metrics() -> list[Entry]:
    return [
        Entry(
            row.name,
            COLUMN,
            (CASES, EXPLAIN) if row.name == "dsc" else (CASES,),
            "the image's: mm or pixels" if row.unit else "relative, signed" if row.signed else "share",
            row.definition.replace("{tolerances}", "the report says which"),
        )
        for row in METRICS.values()
    ]


_PLACES: _Rows = (
    (
        "dataset",
        (*_MEASURED, *_SUMMED, REPRODUCTION, *EXPLAINED, REAL_SHIFT),
        "text",
        "The data set; '(all data sets)' in tallies joins them. 'A on B': networks trained on A, tested on B's images.",
    ),
    ("tested_on", (REAL_SHIFT,), "text", "The data set whose images the networks of the other one were tested on."),
    (
        *("architecture", (*_MEASURED, *_SUMMED, REPRODUCTION, *EXPLAINED, REAL_SHIFT), "text"),
        "The network by the registry's name, or another's own; empty where a row is of a group of networks or of all.",
    ),
    (
        *("trainer", (*_MEASURED, *_SUMMED, *EXPLAINED, REAL_SHIFT), "text"),
        "nnU-Net's trainer; where rows join seeds, its name without the seed.",
    ),
    ("plans", (*_MEASURED, *_SUMMED, *EXPLAINED, REAL_SHIFT), "text", "nnU-Net's plans."),
    ("configuration", (*_MEASURED, *_SUMMED, *EXPLAINED, REAL_SHIFT), "text", "nnU-Net's configuration, such as 2d."),
    ("fold", (*_MEASURED, ROBUSTNESS, *OF_FOLDS, FOLDS), "text", "nnU-Net's fold of the training."),
    (
        *("seed", (*_MEASURED, *OF_FOLDS, DATA, PERTURBATIONS), "number"),
        "The training's seed; empty where none is named. Of an image that was made or perturbed: what it was drawn by.",
    ),
    (
        *(
            "level",
            (*_MEASURED, ROBUSTNESS, STATISTICS, WINS, AGREEMENT, REPRODUCTION, *EXPLAINED, *TEXTURES, REAL_SHIFT),
            "text",
        ),
        f"The test level, such as {', '.join(LEVELS)} or alpha0.10; '(mean of levels)' joins all of them, of changes "
        "all but the level that they are counted from.",
    ),
    ("levels", (TALLIES,), "text", "harder: than the reference level; perturbed: all but it; or all."),
    ("case", (*_MEASURED, EXPLAIN, ATTENTION, *OF_CASES), "text", "The case's identifier."),
    (
        *("group", (CASES, STATISTICS, WINS, TALLIES, *LISTED), "text"),
        "Of a case: what belongs together (a patient), empty where each stands alone. Of a network: the study's group, "
        "No-Skip, Standard or Enhanced; in statistics.csv only where groups of networks are compared.",
    ),
    (
        *("label", (*_MEASURED, ROBUSTNESS, STATISTICS, WINS, AGREEMENT, EXPLAIN, DISPARITY, REAL_SHIFT), "text"),
        "The label or region; '(mean of labels)' joins them, case by case; in disparity.csv union is all of them.",
    ),
    ("metric", (ROBUSTNESS, STATISTICS, WINS, TALLIES), "text", f"What is measured: {', '.join(METRICS)}."),
    (
        *("quantity", (STATISTICS, WINS, TALLIES, AGREEMENT, REAL_SHIFT), "text"),
        "What a row tells of the metric; its values are entries of their own.",
    ),
    (
        *("trained_on", (CASES, ROBUSTNESS, STATISTICS, WINS, SHARES, REAL_SHIFT), "text"),
        "The fold's training set by folds.csv, such as alpha0.10 or narrow_hardest; empty where folds were trained "
        "alike and are joined; '(mean of trainings)' joins alphas.",
    ),
    (
        *("training", (CASES,), "text"),
        "What sets the fold's training data apart; results are joined over folds in which it is the same.",
    ),
)
_CASE_FACTS: _Rows = (
    ("disparity", (CASES, *TEXTURES), "TD", "Texture disparity of the case's image at the level; larger is easier."),
    (
        *("disparity_excess", (CASES, *TEXTURES), "TD"),
        "The TD minus the mean that the object's shape scores in its own background: TD without the size in it; empty "
        "where the tables say none.",
    ),
    (
        *("disparity_percentile", (CASES, *TEXTURES), "percent"),
        "Where among these scores the TD lies: above 95, the object's texture is told from its surroundings.",
    ),
    ("reference_size", (CASES,), "voxels", "The reference's size, without voxels that are ignored."),
    ("predicted_size", _MEASURED, "voxels", "The prediction's size; empty where there is no prediction."),
    ("image_size", (CASES,), "voxels", "The image's size, without voxels that are ignored."),
    (
        *("outcome", (CASES,), "text"),
        "both, both_empty (a correct empty prediction), missed (only the prediction is empty), spurious (only the "
        "reference is) or absent (no prediction).",
    ),
    (
        *("volume_change", (CASES, ROBUSTNESS, CASE_AGREEMENT), "relative, signed"),
        "The predicted size against that of the same training's prediction of the case at the reference level, minus "
        "1: below 0 less is predicted; empty where that is 0. In robustness.csv the mean over cases, on every row.",
    ),
    (
        *("reference_level", (ROBUSTNESS, CASE_AGREEMENT, AGREEMENT, *EXPLAINED), "text"),
        "The level that changes are counted from: unperturbed, the alpha trained on, or the one asked for; empty for "
        "none.",
    ),
    (
        *("agreement", (CASE_AGREEMENT, DUPLICATES), "share"),
        "DSC with the same training's prediction of the case at the reference level; in duplicates.csv the correlation "
        "of two images' fine structure where they overlap.",
    ),
    (
        *("seed_agreement", (CASE_AGREEMENT,), "share"),
        "Mean DSC with the predictions of the network's other seeds of the case at the level.",
    ),
)
_SUMMARIES: _Rows = (
    ("n", (ROBUSTNESS,), "count", "Cases that have a value, replicates averaged."),
    ("n_seeds", (ROBUSTNESS,), "count", "Trainings (seeds) that took part."),
    (
        *("mean", (ROBUSTNESS, AGREEMENT, REPRODUCTION), "the metric's"),
        "The mean over cases, replicates averaged first; in reproduction.csv our mean DSC over all cases and seeds.",
    ),
    ("sd", (ROBUSTNESS, AGREEMENT), "the metric's", "The population standard deviation over cases."),
    ("cv", (ROBUSTNESS,), "ratio", "sd / mean within the level; empty where the mean is 0 or every prediction failed."),
    (
        *("change", (ROBUSTNESS,), "the metric's"),
        "Mean over cases of the value minus the same case's and training's at the reference level.",
    ),
    ("relative_change", (ROBUSTNESS,), "ratio", "change / mean at the reference level, of the same cases."),
    ("n_both", (ROBUSTNESS,), "count", "Predictions where both masks hold the label."),
    ("n_both_empty", (ROBUSTNESS,), "count", "Correct empty predictions."),
    ("n_missed", (ROBUSTNESS,), "count", "Predictions that are empty although the reference is not."),
    ("n_spurious", (ROBUSTNESS,), "count", "Predictions of a label that the case doesn't hold."),
    ("n_absent", (ROBUSTNESS,), "count", "Cases without a prediction."),
    ("degenerate", (ROBUSTNESS,), "true or false", "Whether every training of the network ignores its input."),
    (
        *("sd_replicates", (ROBUSTNESS,), "the metric's"),
        "Standard deviation (n - 1) of the mean over the seeds; empty for one.",
    ),
    ("failure_rate", (ROBUSTNESS,), "share", "Missed, spurious and absent predictions of all."),
    ("missed_rate", (ROBUSTNESS,), "share", "Missed predictions of all."),
    ("spurious_rate", (ROBUSTNESS,), "share", "Spurious predictions of all."),
    ("absent_rate", (ROBUSTNESS,), "share", "Absent predictions of all."),
    (
        "n_levels",
        (ROBUSTNESS,),
        "count",
        "Levels that have a mean; this column and the next ones repeat on each level.",
    ),
    (
        *("cv_across_levels", (ROBUSTNESS,), "ratio"),
        "Each case's sd over the levels by its mean over them, averaged over cases.",
    ),
    ("cv_of_level_means", (ROBUSTNESS,), "ratio", "The level means' sd by their mean, as in the original study."),
    (
        "worst_level",
        (ROBUSTNESS,),
        "text",
        "The level with the worst mean; of a signed metric the one farthest from 0.",
    ),
    ("worst_mean", (ROBUSTNESS,), "the metric's", "The mean at the worst level."),
    (
        *("disparity_area", (ROBUSTNESS,), "the metric's"),
        "Area under the means over the levels' mean TD, by the range of TD: a mean height.",
    ),
    ("disparity_slope", (ROBUSTNESS,), "the metric's per TD", "Theil and Sen's slope over all cases and levels."),
    ("n_disparity", (ROBUSTNESS,), "count", "Images that the slope was taken over."),
    ("td_measure", (ROBUSTNESS,), "text", "The TD of area and slope: its excess, or the value of kamath2025."),
    ("n_cv_across_levels", (ROBUSTNESS,), "count", "Cases that have a CV across levels."),
)
_TESTS: _Rows = (
    ("other_architecture", (STATISTICS,), "text", "The other network of a difference: first minus other."),
    ("other_trainer", (STATISTICS,), "text", "The other network's trainer, without its seed."),
    ("other_plans", (STATISTICS,), "text", "The other network's plans."),
    ("other_configuration", (STATISTICS,), "text", "The other network's configuration."),
    ("other_group", (STATISTICS,), "text", "The other group of networks of a difference."),
    ("estimate", _ESTIMATED, "the quantity's", "The value of the quantity; in shares.csv of the share."),
    ("low", _ESTIMATED, "the quantity's", "Lower end of the 95 % interval; empty where there is none."),
    ("high", _ESTIMATED, "the quantity's", "Upper end of the 95 % interval; empty where there is none."),
    ("n_cases", (*_TESTED, AGREEMENT, SUSCEPTIBILITY, FIELD, SHARES), "count", "Cases that have a value."),
    ("n_groups", (*_TESTED, SHARES), "count", "Independent groups of cases among them: the n of intervals and tests."),
    (
        *("n_replicates", (STATISTICS,), "count"),
        "The fewest trainings (seeds, like folds) that any case's value is the mean of.",
    ),
    ("n_networks", (STATISTICS, REAL_SHIFT), "count", "Networks that were ranked."),
    ("test", (STATISTICS,), "text", "How interval and p-value were made, or why there is none."),
    ("statistic", (STATISTICS,), "number", "The test's statistic: t of a difference, chi-squared of Friedman's test."),
    ("p_value", (STATISTICS, REAL_SHIFT), "probability", "Two-sided, of the test named, before any correction."),
    ("p_holm", (STATISTICS,), "probability", "After Holm's correction over all pairs of the level and metric."),
    ("n_tests", (STATISTICS,), "count", "Tests that the correction counts."),
    ("effect", (STATISTICS,), "-1…1", "Rank-biserial correlation over groups of cases: above 0 the first is larger."),
    (
        *("scope", (STATISTICS, SHARES), "text"),
        "Whom a row speaks of: networks (the variance between trainings is counted) or trainings (these weights only).",
    ),
    (
        *("n_trainings", (STATISTICS, AGREEMENT, SHARES), "count"),
        "Trainings of each network that the variance between trainings is taken from; in agreement.csv those compared.",
    ),
    ("se_cases", (STATISTICS,), "the quantity's", "Standard error that comes from the groups of cases."),
    ("se_trainings", (STATISTICS,), "the quantity's", "Standard error that comes from the trainings; empty for one."),
    ("df", (STATISTICS,), "number", "Degrees of freedom of t, after Satterthwaite where trainings count."),
    ("smallest_difference", (STATISTICS,), "the metric's", "The smallest difference that matters, for the verdict."),
    (
        *("verdict", (STATISTICS,), "text"),
        "The first network against the other: better, worse, equivalent or undecided; empty without an interval and "
        "for signed metrics.",
    ),
    ("p_false", (STATISTICS,), "probability", "The probability that the difference has the other sign."),
    ("rank_test", (STATISTICS,), "text", "How the ranks of groups of cases were tested, or why not."),
    ("p_ranks", (STATISTICS,), "probability", "Of Wilcoxon's signed-rank test, before any correction."),
    ("p_ranks_holm", (STATISTICS,), "probability", "The same after Holm's correction."),
    ("eligible", (WINS,), "true or false", "Whether the network takes part in the contest."),
    ("value", (WINS,), "the quantity's", "The network's value in the contest."),
    (
        *("best", (WINS,), "true or false"),
        "Whether it is the best of those that take part; values within 5e-5 of the best share the place.",
    ),
    (
        "share_of_cases_best",
        (WINS,),
        "share",
        "Cases in which it is best, ties shared; empty where cases don't compete.",
    ),
    ("share_of_resamples_best", (WINS,), "share", "Resamples of the groups of cases in which it is best, ties shared."),
    (
        *("reason", (WINS, LEFT_OUT, DISPARITY), "text"),
        "Why a network takes no part, a case is left out, or has no TD; empty where it does, or has.",
    ),
    ("won", (TALLIES,), "count", "Contests in which it alone is best."),
    ("shared", (TALLIES,), "count", "Contests in which it is best together with others."),
    ("n_contests", (TALLIES,), "count", "Contests that somebody won."),
    ("lowest", (AGREEMENT,), "the quantity's", "The smallest value of a case."),
    ("highest", (AGREEMENT,), "the quantity's", "The largest value of a case."),
    ("published_mean", (REPRODUCTION,), "share", "The mean DSC as the authors published it, to four decimals."),
    ("difference", (REPRODUCTION,), "share", "Our mean minus theirs; rounding alone makes up to 5e-5."),
    (
        *("name", (COLUMNS, FOLDS), "text"),
        "The name of a column, or a value of the column quantity; of a fold its own.",
    ),
    ("kind", (COLUMNS, FOLDS), "text", "column, or quantity; of a fold wide, narrow, matched or alpha."),
    ("tables", (COLUMNS,), "text", "The files that have it, by spaces."),
    ("unit", (COLUMNS,), "text", "The unit of its numbers, or its type."),
    ("meaning", (COLUMNS,), "text", "What it is."),
)
_CONTESTED = (STATISTICS, WINS, TALLIES)
_QUANTITIES: _Rows = (
    ("mean", (*_CONTESTED, REAL_SHIFT), "the metric's", "The mean over cases; in contests the best mean wins."),
    ("mean_elsewhere", (REAL_SHIFT,), "share", "Mean DSC on the other data set's unperturbed test images."),
    (
        *("change", (STATISTICS, REAL_SHIFT), "the metric's"),
        "Mean change from the reference level; in real_shift.csv change of the mean DSC from unperturbed.",
    ),
    ("change_elsewhere", (REAL_SHIFT,), "share", "mean_elsewhere minus the mean DSC in domain."),
    (
        *("rank_correlation", (REAL_SHIFT,), "Spearman's rho"),
        "Over networks, of the change at the level with change_elsewhere; p exact up to 8 networks. Positive already "
        "since both are counted from one mean.",
    ),
    (
        *("partial_rank_correlation", (REAL_SHIFT,), "Spearman's rho"),
        "Likewise of the mean at the level with mean_elsewhere, the mean in domain held constant: what a claim rests "
        "on; from 6 networks.",
    ),
    ("relative_change", (STATISTICS,), "ratio", "Mean change by the mean that it is counted from."),
    ("cv", _CONTESTED, "ratio", "Coefficient of variation over cases at a level; in contests the smallest wins."),
    ("cv_across_levels", _CONTESTED, "ratio", "Each case's CV over the levels, averaged over cases."),
    ("cv_of_level_means", _CONTESTED, "ratio", "The CV of the level means, as in the original study."),
    (
        *("most_cases", (WINS, TALLIES), "share"),
        "The share of cases in which the network alone is best; the largest wins: the original study's form.",
    ),
    (
        "slope_on_disparity",
        (STATISTICS,),
        "DSC per TD",
        "Theil and Sen's slope of the DSC over TD, all cases and levels.",
    ),
    ("difference", (STATISTICS,), "the metric's", "Mean of the first network minus that of the other, case by case."),
    (
        *("difference_of_change", (STATISTICS,), "the metric's"),
        "Change of the first network minus that of the other: whether skips help when texture shifts.",
    ),
    ("joint_effect", (STATISTICS,), "the metric's", "Change from unperturbed to texture and distortion, both changed."),
    ("texture_effect", (STATISTICS,), "the metric's", "Of the joint effect what the changed texture alone makes."),
    ("distortion_effect", (STATISTICS,), "the metric's", "Of the joint effect what distortion without texture makes."),
    (
        *("interaction", (STATISTICS,), "the metric's"),
        "What is left of the joint effect: below 0 (of the DSC), the two together hurt more than their sum.",
    ),
    ("group_difference", (STATISTICS,), "the metric's", "As difference, of the means of two groups of networks."),
    (
        "group_difference_of_change",
        (STATISTICS,),
        "the metric's",
        "As difference_of_change, of two groups of networks.",
    ),
    ("friedman", (STATISTICS,), "", "Friedman's test that all networks rank alike within groups of cases."),
    ("mean_rank", (STATISTICS,), "rank", "The network's rank within each group of cases, averaged; 1 is best."),
    ("rank_of_mean", (STATISTICS,), "rank", "The rank of the network's mean, with its range under resampling."),
    ("share_first", (STATISTICS,), "share", "Resamples of the groups of cases in which the network comes first."),
    ("share_first_by_chance", (STATISTICS,), "share", "The same of the first of equal networks on these cases."),
    ("rank_agreement", (STATISTICS,), "Kendall's tau", "Mean agreement of resamples' rankings with the data's."),
    ("rank_agreement_by_chance", (STATISTICS,), "Kendall's tau", "The same of equal networks on these cases."),
    ("agreement", (AGREEMENT,), "share", "DSC with the same training's prediction at the reference level."),
    ("seed_agreement", (AGREEMENT,), "share", "DSC between the seeds of a network."),
    (
        "volume_change",
        (AGREEMENT,),
        "relative, signed",
        "Predicted volume against that at the reference level, minus 1.",
    ),
)


def entries() -> tuple[Entry, ...]:
    """Every column and quantity, the metrics' from the registry's rows."""
    before, after = _entries(COLUMN, (*_PLACES, *_CASE_FACTS)), _entries(COLUMN, (*_SUMMARIES, *_TESTS, *WHY, *OF_DATA))
    return (*before, *_of_metrics(), *after, *_entries(QUANTITY, _QUANTITIES))


def _entries(kind: str, rows: _Rows) -> list[Entry]:
    return [Entry(name, kind, tables, unit, text) for name, tables, unit, text in rows]


def meaning(column: str) -> str:
    """What a column is, in one sentence or two; for the value of ``quantity`` that no column is called, its own.

    Raises:
        KeyError: there is no such column or quantity.
    """
    return {entry.name: entry.meaning for entry in reversed(entries())}[column]


def rows() -> list[dict[str, str]]:
    """The rows of columns.csv."""
    return [
        {"name": e.name, "kind": e.kind, "tables": " ".join(e.tables), "unit": e.unit, "meaning": e.meaning}
        for e in entries()
    ]


def reference_page() -> str:
    """docs/columns.md."""
    lines = [
        "# Columns",
        "",
        "What each column of each table is, and each value of the column `quantity`; `columns.csv` beside the tables "
        "holds the same. Made by `make docs/columns.md`.",
        "",
        *(f"- `{name}.csv`: {what}." for name, what in TABLES.items()),
    ]
    for kind, title in ((COLUMN, "Columns"), (QUANTITY, "Quantities")):
        lines += ["", f"## {title}", "", "| name | in | unit or type | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{e.name}` | {', '.join(e.tables)} | {e.unit} | {e.meaning.replace('|', chr(92) + '|')} |"
            for e in entries()
            if e.kind == kind
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(reference_page(), end="")
