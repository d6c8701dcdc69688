"""A report of a made-up study, opened in Debian's Chromium."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_study import EVIL, write_study

from nnunet_skipstudy.analysis import pipeline
from nnunet_skipstudy.analysis.report.page import Report, render

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a degenerate network, a label and a case named as a script, and pictures.

    No file can be named so, for its slash: the case's stand-in is renamed in the report's data, before the page is
    made.
    """
    root = tmp_path_factory.mktemp("study")
    predictions, raw = write_study(
        root,
        n_patients=8,
        per_patient=1,
        seeds=(1,),
        labels=("organ", EVIL),
        degenerate=("VNet",),
        first_case="evil_case",
    )
    kept: list[Report] = []

    def keep(made: Report) -> str:
        kept.append(_renamed(made))
        return render(kept[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "render", keep)
        options = pipeline.AnalyzeOptions(predictions, raw, root / "out", progress=False)
        result = pipeline.analyze(options)
    assert "evil_case" not in result.report.read_text(encoding="utf-8")
    return result.report


def _renamed(made: Report) -> Report:
    def rename(content: Any) -> Any:
        return json.loads(json.dumps(content).replace('"evil_case"', json.dumps(EVIL)))

    return dataclasses.replace(
        made,
        charts=rename(made.charts),
        sweep=rename(made.sweep),
        title=f"{made.title}, {EVIL}",
        pictures=[
            dataclasses.replace(p, title=p.title.replace("evil_case", EVIL), svg=_without_name(p.svg))
            for p in made.pictures
        ],
    )


def _without_name(svg: Path) -> Path:
    """The figure's file under a name without the stand-in."""
    target = svg.with_name(svg.name.replace("evil_case", "renamed"))
    for ending in (".svg", ".png"):
        svg.with_suffix(ending).replace(target.with_suffix(ending))
    return target


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, args=list(FLAGS), viewport=DESKTOP
        )
        yield context
        context.close()


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    """The report, freshly opened; whatever the console complains of, or asks the network for, fails the test."""
    opened = browser.new_page()
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    opened.on(
        "request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url)
    )
    opened.goto(report.as_uri())
    yield opened
    opened.close()
    assert complaints == []
