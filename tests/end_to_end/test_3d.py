"""nnU-Net's own commands on a trainer of the study, in anisotropic 3D with two labels."""

import csv
from pathlib import Path

import pytest
from prepared import PreparedStudy
from processes import run

pytestmark = pytest.mark.nnunet

TRAINER = "nnUNetTrainerAttentionUNet_2epochs_3iters_seed0_spatialDA"


def test_train_predict_analyze(volumes: PreparedStudy, tmp_path: Path) -> None:
    run(
        ["nnUNetv2_train", "510", "3d_fullres", "0", "-tr", TRAINER, "-device", "cpu"], volumes.environment, timeout=500
    )
    predictions = tmp_path / "predictions"
    output = predictions / volumes.dataset / f"{TRAINER}__nnUNetPlans__3d_fullres" / "fold_0" / "unperturbed"
    run(
        ["nnUNetv2_predict", "-d", "510", "-i", str(volumes.raw / "imagesTs"), "-o", str(output), "-f", "0"]
        + ["-c", "3d_fullres", "-tr", TRAINER, "-device", "cpu", "-npp", "1", "-nps", "1", "--disable_tta"],
        volumes.environment,
    )
    out = tmp_path / "out"
    labels = volumes.raw / "labelsTs"
    run(["skipstudy", "analyze", str(predictions), "--labels", str(labels), "-o", str(out)], {})
    with (out / "case_metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["case"], row["label"]) for row in rows] == [
        (case, label) for case in ("case0", "case1") for label in ("shell", "core")
    ]
    assert {row["configuration"] for row in rows} == {"3d_fullres"}
    assert "mm" in (out / "report.html").read_text(encoding="utf-8")
