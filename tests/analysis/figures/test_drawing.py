"""Figures are drawn again where their numbers have changed, and only there."""

import json
import shutil
from pathlib import Path

import pytest
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.figures import drawing
from nnunet_skipstudy.analysis.figures.drawing import RECORD

Drawn = list[str]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """The names of the figures that are drawn from now on."""
    names: Drawn = []
    save = drawing.save
    monkeypatch.setattr(drawing, "save", lambda figure, folder, name: names.append(name) or save(figure, folder, name))
    return names


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    predictions, raw = write_study(
        tmp_path, n_patients=6, per_patient=1, architectures=("NoSkip", "UNet"), seeds=(1,), labels=("organ",)
    )
    write_study(
        tmp_path, "Dataset903_Other", n_patients=6, per_patient=1, architectures=("NoSkip", "UNet"), seeds=(1,),
        labels=("organ",), images=False, seed=1,
    )  # fmt: skip
    return ["analyze", str(predictions), "--labels", str(raw), "-o", str(tmp_path / "out")]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_what_has_changed_is_drawn(arguments: list[str], drawn: Drawn, tmp_path: Path) -> None:
    """Nothing at a second run, though its numbers come from the cache; then the one data set that a case left."""
    figures = tmp_path / "out" / "figures"
    assert cli.main(arguments) == 0
    first, pages = contents(figures), (tmp_path / "out" / "report.md").read_bytes()
    assert {f"{name}.svg" for name in drawn} == {name for name in first if name.endswith(".svg")}
    drawn.clear()
    assert cli.main(arguments) == 0
    assert not drawn
    assert contents(figures) == first
    assert (tmp_path / "out" / "report.md").read_bytes() == pages
    for path in (tmp_path / "raw" / "Dataset903_Other").rglob("p05_0*"):
        path.unlink()
    for path in (tmp_path / "predictions" / "Dataset903_Other").rglob("p05_0.png"):
        path.unlink()
    assert cli.main(arguments) == 0
    assert drawn
    assert all("Dataset903_Other" in name for name in drawn)


def test_a_changed_picture_or_one_drawn_by_other_code_is_drawn_again(
    arguments: list[str], drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure that somebody painted over or removed, one whose record is damaged; and all, with other strokes."""
    out = tmp_path / "out"
    assert cli.main(arguments) == 0
    first = contents(out / "figures")
    names = list(drawn)
    drawn.clear()
    (out / "figures" / f"{names[0]}.png").write_bytes(b"painted over")
    (out / "figures" / f"{names[1]}.svg").unlink()
    record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    record[names[2]] = {"numbers": "0"}
    (out / RECORD).write_text(json.dumps(record), encoding="utf-8")
    assert cli.main(arguments) == 0
    assert drawn == names[:3]
    assert contents(out / "figures") == first
    drawn.clear()
    monkeypatch.setattr(drawing, "_code", lambda: b"another version")
    assert cli.main(arguments) == 0
    assert drawn == names


def test_a_study_without_figures_leaves_none(arguments: list[str], drawn: Drawn, tmp_path: Path) -> None:
    """Nor those of an earlier run, which would be of other numbers; the page says so and keeps everything else."""
    out = tmp_path / "out"
    assert cli.main([*arguments, "--no-figures"]) == 0
    assert not drawn
    assert not (out / "figures").exists()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "No figures: left out by --no-figures." in page
    assert cli.main(arguments) == 0
    with_figures = (out / "report.html").read_text(encoding="utf-8")
    assert "No figures" not in with_figures
    assert (out / "figures").is_dir()
    assert cli.main([*arguments, "--no-figures"]) == 0
    assert not (out / "figures").exists()
    assert not (out / RECORD).exists()
    assert (out / "report.html").read_text(encoding="utf-8") == page


def test_a_record_of_another_program_is_no_hindrance(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    for content in ("{}", '{"levels_dsc_Dataset902_MadeUp": 3}', '{"levels_dsc_Dataset902_MadeUp": []}', "no JSON"):
        shutil.rmtree(out, ignore_errors=True)
        (out / RECORD).parent.mkdir(parents=True)
        (out / RECORD).write_text(content, encoding="utf-8")
        assert cli.main(arguments) == 0
        assert (out / "figures" / "levels_dsc_Dataset902_MadeUp.png").is_file()
