"""The page of predictions without a reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup

from nnunet_skipstudy.analysis.figures.looks import looks
from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, network_keys
from nnunet_skipstudy.analysis.report.page import TEMPLATES, Cell, Table, template
from nnunet_skipstudy.analysis.report.words import number
from nnunet_skipstudy.registry import in_order
from nnunet_skipstudy.support.version import __version__

NO_REFERENCE = (
    "There is no reference here: no labels were given or found, so nothing says how right a prediction is. A network "
    "that is wrong in the same way everywhere agrees perfectly with itself. Give the labels with --labels, where there "
    "are any."
)
TITLES = {
    "agreement": "Agreement (DSC) with the prediction at {level}",
    "seed_agreement": "Agreement (DSC) between seeds",
    "volume_change": "Change of the predicted volume against {level}",
}
NOTES = {
    "agreement": "Mean over cases of the DSC with the same training's prediction of the case; 1: nothing changed.",
    "seed_agreement": "Mean over cases of the DSC between the seeds of a network; 1: all predict the same.",
    "volume_change": "Mean over cases, relative and signed: below 0 less is predicted than there, above 0 more. Cases "
    "without a volume there have none.",
}


@dataclass(frozen=True)
class AgreementReport:
    """What the page says, in its order."""

    title: str
    warnings: list[str]
    tables: list[Table]
    version: str = field(default=__version__)


def agreement_report(table: pd.DataFrame, warnings: Sequence[str]) -> AgreementReport:
    """The page of :func:`~nnunet_skipstudy.analysis.unlabelled.measuring.agreement_table`."""
    titles = {key: look.title for key, look in looks(network_keys(table, PUBLISHED)).items()}
    tables = []
    for (dataset, label, quantity), rows in table.groupby(["dataset", "label", "quantity"], sort=False):
        levels = in_order(rows["level"])
        cells = {
            (key, row["level"]): Cell(number(row["mean"], quantity == "volume_change"), note=f"sd {number(row['sd'])}")
            for key, row in zip(network_keys(rows, PUBLISHED), rows.to_dict("records"), strict=True)
        }
        present = set(network_keys(rows, PUBLISHED))
        body = [
            [Cell(title), *(cells.get((key, level), Cell("–")) for level in levels)]
            for key, title in titles.items()
            if key in present
        ]
        words = TITLES[str(quantity)].format(level=rows["reference_level"].max())
        several = table.loc[table["dataset"] == dataset, "label"].nunique() > 1
        name = f"{dataset}, {label}" if several else str(dataset)
        tables.append(Table(f"{words}: {name}", ["network", *levels], body, note=NOTES[str(quantity)]))
    datasets = ", ".join(table["dataset"].unique())
    return AgreementReport(f"Predictions without a reference: {datasets}", [NO_REFERENCE, *warnings], tables)


def render_agreement(report: AgreementReport) -> str:
    """The page: one self-contained file without a script."""
    style = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))
    return template("agreement.html").render(report=report, style=style)
