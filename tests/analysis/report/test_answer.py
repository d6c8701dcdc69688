"""The first screen's words: an answer to the study's question for whatever was tested, and what is folded away."""

import shutil
from pathlib import Path

import pytest
from made_up_study import write_study

from nnunet_skipstudy.analysis import pipeline
from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.report.content import _warnings
from nnunet_skipstudy.analysis.report.page import Report, Warnings, render, tip


def made(
    root: Path, *architectures: str, seeds: tuple[int, ...] = (1,), n_patients: int = 12, **more: tuple[str, ...]
) -> tuple[Path, Path]:
    return write_study(
        root, n_patients=n_patients, per_patient=1, architectures=architectures, seeds=seeds, labels=("organ",),
        images=False, **more,
    )  # fmt: skip


def report(root: Path, predictions: Path, raw: Path) -> Report:
    kept: list[Report] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "render", lambda found: kept.append(found) or render(found))
        analyze(AnalyzeOptions(predictions, raw, root / "out", progress=False, figures=False))
    return kept[0]


def test_skips_are_said_to_hurt_with_the_interval_and_its_scope(tmp_path: Path) -> None:
    """U-Net loses more than No-Skip; V-Net's pair follows in the same sentence; the picture holds the same numbers."""
    found = report(tmp_path, *made(tmp_path, "NoSkip", "NoSkipVNet", "UNet", "VNet"))
    (answer,) = found.answers
    start = "In these two trainings, skips hurt U-Net when texture shifts: from unperturbed to hardest, its mean DSC "
    assert answer.text.startswith(start)
    assert " against No-Skip U-Net's; V-Net against No-Skip V-Net: −0." in answer.text
    assert answer.text.count("[") == 2
    assert answer.scope.startswith("This speaks of these two trainings: another seed may differ. Probability that the ")
    forest = found.charts["settings"][0]["forest"]
    row = next(row for row in forest["changes"] if row["level"] == forest["hardest"])
    assert f"{row['estimate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]".replace("-", "−") in answer.text
    assert row["zone"] == 0.01
    assert len(forest["changes"]) == 8
    assert len(forest["differences"]) == 10


def test_of_several_trainings_the_answer_is_on_the_networks(tmp_path: Path) -> None:
    found = report(tmp_path, *made(tmp_path, "NoSkip", "UNet", seeds=(1, 2, 3)))
    assert found.answers[0].scope.startswith("This holds for the networks: the variance between trainings is counted.")


def test_without_a_pair_the_best_network_is_set_against_the_others(tmp_path: Path) -> None:
    found = report(tmp_path, *made(tmp_path, "UNet", "AttentionUNet", "UNetPlusPlus"))
    text = found.answers[0].text
    assert "has the highest mean DSC of these trainings at hardest; the next, " in text
    assert "No two networks here differ in their skips alone." in found.answers[0].scope
    forest = found.charts["settings"][0]["forest"]
    assert not forest["skips"]
    assert len({row["first"] for row in forest["changes"]}) == 2
    assert all(row["estimate"] <= 0 for row in forest["differences"] if row["level"] == forest["hardest"])


def test_of_one_network_the_change_is_told(tmp_path: Path) -> None:
    found = report(tmp_path, *made(tmp_path, "UNet"))
    assert found.answers[0].text.startswith("U-Net's mean DSC changes by −0.")
    assert "the only network here, so" in found.answers[0].text
    assert [row["other"] for row in found.charts["settings"][0]["forest"]["changes"]] == [None] * 4


def test_the_only_network_that_learnt_something_is_not_said_to_be_alone(tmp_path: Path) -> None:
    found = report(tmp_path, *made(tmp_path, "NoSkip", "UNet", degenerate=("UNet",)))
    assert found.answers[0].text.startswith("No-Skip U-Net's mean DSC changes by −0.")
    assert "the only network here that can be ranked, so nothing is compared" in found.answers[0].text


def test_too_few_cases_answer_without_an_interval(tmp_path: Path) -> None:
    """Nor do notes speak of intervals that are not there."""
    found = report(tmp_path, *made(tmp_path, "NoSkip", "UNet", n_patients=3))
    assert found.answers[0].text.startswith("Too few cases to say whether skips help or hurt U-Net when texture shifts")
    assert "[" not in found.answers[0].text
    assert found.answers[0].scope == ""
    assert "No intervals: too few cases." in found.forest_note
    assert not found.intervals
    assert not found.honesty
    assert not any("In brackets" in table.note for table in found.overview)


def test_of_one_level_nothing_shifts(tmp_path: Path) -> None:
    predictions, raw = made(tmp_path, "NoSkip", "UNet")
    for folder in predictions.glob("*/*/*/*"):
        if folder.name != "harder":
            shutil.rmtree(folder)
    (answer,) = report(tmp_path, predictions, raw).answers
    assert "when texture shifts" not in answer.text
    assert "U-Net at harder: its mean DSC lies " in answer.text


def test_findings_are_few_and_hold_their_numbers_behind(tmp_path: Path) -> None:
    """The change to the hardest level first; no line of five has an interval, each network's is behind it."""
    found = report(tmp_path, *made(tmp_path, "NoSkip", "UNet", "VNet"))
    assert found.findings[0].text.startswith("From unperturbed to hardest, mean DSC changes most favourably for ")
    assert len(found.findings) <= 5
    assert not any("[" in finding.text or "p =" in finding.text for finding in found.findings)
    assert len(found.findings[0].behind) == 3
    assert all("change of mean DSC at hardest: −0." in line for line in found.findings[0].behind)
    assert any("recall" in finding.text for finding in found.findings)


def test_warnings_that_differ_in_their_place_become_one() -> None:
    sentences = [*(f"seed {i}: is empty. It is never named best." for i in range(24)), "D: alone.", "No place"]
    assert _warnings(sentences) == [
        Warnings("Is empty. It is never named best.", tuple(f"seed {i}" for i in range(24))),
        Warnings("D: alone."),
        Warnings("No place"),
    ]


def test_columns_have_their_meaning_from_the_dictionary() -> None:
    assert tip("p (Holm)")
    assert tip("level")
    assert tip("no such column") == ""
