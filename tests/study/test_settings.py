"""``study.yaml``: what is read, and how a mistake is named."""

from itertools import pairwise
from pathlib import Path

import pytest
from tiny_study import TEXT, write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import (
    CONTROLLED_LEVELS,
    FACTORIAL_LEVELS,
    LEVELS,
    MADE_BY_NAME,
    STUDY_ARCHITECTURES,
    TEST_LEVELS,
    UNPERTURBED,
)
from nnunet_skipstudy.study.settings import read_study
from nnunet_skipstudy.study.templates import demo_text, full_text
from nnunet_skipstudy.texture.perturbation import KNOWN_LEVELS


def test_defaults_and_single_values(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, "datasets: [{id: 7, levels: unperturbed}]\nseeds: 3\n"), CONVERTERS)
    assert study.architectures == list(STUDY_ARCHITECTURES)
    assert study.seeds == [3]
    assert study.levels_of(study.datasets[0]) == ["unperturbed"]
    assert study.checkpoints.epochs == 10
    assert study.resources_of("train").cpus is None


def test_a_level_can_be_written_as_its_alpha(tmp_path: Path) -> None:
    text = "datasets: [{id: 7, levels: [0.1, alpha0.50]}]\n"
    assert read_study(write_study(tmp_path, text), CONVERTERS).levels_of is not None
    assert read_study(tmp_path / "study.yaml", CONVERTERS).datasets[0].levels == ["alpha0.10", "alpha0.50"]


def test_a_step_takes_what_it_does_not_say_from_the_default(tmp_path: Path) -> None:
    text = "datasets: [{id: 7}]\nresources: {default: {cpus: 2, hours: 1}, train: {hours: 9, partition: gpu}}\n"
    train = read_study(write_study(tmp_path, text), CONVERTERS).resources_of("train")
    assert (train.cpus, train.hours, train.partition) == (2, 9, "gpu")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("architecture: [UNet]\ndatasets: [{id: 7}]", "unknown key 'architecture'; did you mean 'architectures'?"),
        ("datasets: [{id: 7, fold: 1}]", "unknown key 'datasets.0.fold'; did you mean 'folds'?"),
        ("datasets: [{id: 7}]\nschedule: {epoch: 1}", "unknown key 'schedule.epoch'; did you mean 'epochs'?"),
        (
            "datasets: [{id: 7}]\nresources: {train: {memory: 1}}",
            "unknown key 'resources.train.memory'; did you mean 'memory_gb'?",
        ),
        ("seeds: [1]", "the key 'datasets' is missing; add it"),
        ("datasets: [{id: 7}]\narchitectures: [Unet]", "architectures: 'Unet'; did you mean 'UNet'?"),
        ("datasets: [{id: 7, converter: sintetic}]", "datasets.0.converter: 'sintetic'; did you mean 'synthetic'?"),
        ("datasets: [{id: 7, source: a}]", "datasets.0: has a source or options but no converter"),
        ("datasets: [{id: 7}, {id: 7}]", "datasets: the identifier 7 stands twice"),
        ("datasets: [{id: 7, converter: synthetic}]", "datasets.0: level 'hardest' is none of synthetic textures'"),
        ("datasets: [{id: 7}]\nseeds: [1, 1]", "seeds: 1 stands twice; keep one of them"),
        ("datasets: [{id: 7}]\naugmentation: spacial", "choose 'nnunet', 'spatial', 'DA5' or 'none'"),
        ("datasets: [{id: 7}]\ndevice: gpu", "device: 'gpu'; choose 'cpu', 'cuda' or 'mps'"),
        (
            "datasets: [{id: 7}]\nschedule: {epochs: 0}",
            "schedule.epochs: 0: input should be greater than or equal to 1",
        ),
        (
            "datasets: [{id: 7}]\nplans: {plan_for: heaviest, batch_size: 2}",
            "leave out the batch size, or plan for the unet",
        ),
        ("datasets: [{id: 7}]\nlevels: [hardest, hardest]", "levels: 'hardest' stands twice; keep one of them"),
        (
            "datasets: [{id: 7, levels: [alpha0.10, alpha0.90, 0.1]}]",
            "datasets.0.levels: 'alpha0.10' stands twice; keep one of them",
        ),
        ("datasets: [{id: 7, folds: [1, 1]}]", "datasets.0.folds: 1 stands twice; keep one of them"),
        ("datasets: [{id: 7}]\nexplain: {levels: [harder, harder]}", "explain.levels: 'harder' stands twice; keep one"),
        ("datasets: [{id: 7}]\nexplain: {interventions: [zero, zero]}", "explain.interventions: 'zero' stands twice"),
        ("datasets: [{id: 7}]\ngroups: ' '", "groups: ' ': string should match pattern"),
        ("datasets: [{id: 7}]\nlevels: [unperturbed, .]", "level '.'; it is a folder's name"),
        ("datasets: [{id: 7, levels: [..]}]", "datasets.0: level '..'; it is a folder's name"),
        (
            "datasets: [{id: 7}]\nplans: {name: tiny__Plans}",
            "plans.name: 'tiny__Plans': give letters, digits and single '_' between them",
        ),
        ("datasets: [{id: 7}]\nplans: {name: tiny_}", "plans.name: 'tiny_': give letters, digits and single '_'"),
        ("datasets: [{id: 7}]\nplans: {name: _tiny}", "plans.name: '_tiny': give letters, digits and single '_'"),
        ("datasets: [{id: 7}]\nseeds: [4294967296]", "seeds.0: 4294967296: input should be less than or equal to"),
        (
            "seeds: [1]\ndatasets: [{id: 7}]\nseeds: [5, 6]",
            "line 3: the key 'seeds' stands twice (first in line 1); keep",
        ),
        ("datasets: [{id: 7, 'id': 8}]", "line 1: the key 'id' stands twice (first in line 1); keep one of them"),
        ("datasets: [", "line 2: is not YAML"),
        ("just words", "holds no keys; make one with 'skipstudy init --demo"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError) as raised:
        read_study(write_study(tmp_path, text + "\n"), CONVERTERS)
    assert words in str(raised.value)
    assert str(tmp_path / "study.yaml") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_resources_are_those_of_a_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path, "datasets: [{id: 7}]\nresources: {training: {cpus: 1}}\n")
    assert main(["status", str(path)]) == 2
    assert f"{path}: resources: unknown step 'training'; did you mean 'train'?" in capsys.readouterr().err


BOMB = "\n".join(
    ["a: &a [x, x]", *(f"{new}: &{new} [{', '.join(9 * [f'*{old}'])}]" for old, new in pairwise("abcdefghij"))]
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "line 5: is not YAML that can be used (stands for more than 20000 values); mend that line"),
        ("datasets: &all [{id: 7, options: *all}]", "(nests deeper than 20 levels)"),
        (f"datasets: {'[' * 30}{']' * 30}", "(nests deeper than 20 levels)"),
        (f"datasets: {'{a: ' * 5000}1{'}' * 5000}", "(nests deeper than 20 levels)"),
        (f"datasets: [{{id: {'9' * 5000}}}]", "line 1: is not YAML that can be used ('999"),
        (f"datasets: [{{id: 7, options: {{n: 0x{'f' * 5000}}}}}]", "can't be used as int"),
        ("datasets: [{id: 7}]\nroot: 2001-99-99", "line 2: is not YAML that can be used ('2001-99-99' can't be used"),
        ("datasets: [{id: 7}]\ntta: !!bool perhaps", "'perhaps' can't be used as bool"),
        ('datasets: [{id: 7}]\nroot: "a\\0b"', "can't be used as str"),
        ('datasets: [{id: 7}]\nroot: "\\ud800"', "can't be used as str"),
        ("datasets: [{id: 7}]\nroot: \u0007", "special characters are not allowed"),
        (f"datasets: [{{id: 7}}]\nlevels: [{'x' * 100000}]", "it is a folder's name: up to 64 letters"),
        (f"datasets: [{{id: 7}}]\n{'x' * 1000}: 1", "unknown key"),
        (f"datasets: [{{id: 7}}]\ndevice: [{', '.join(['cpu'] * 10000)}]", "choose 'cpu', 'cuda' or 'mps'"),
        ("datasets: [{id: 7}]\nplans: {gpu_memory_gb: .inf}", "gpu_memory_gb: inf: input should be a finite number"),
        ("datasets: [{id: 7}]\nresources: {train: {hours: 1.0e+300}}", "hours: 1e+300: input should be less than"),
        ("datasets: [{id: 7}]\nmetrics: {tolerance: .nan}", "tolerance: nan: input should be"),
        ("datasets: [{id: 7}]\nschedule: {epochs: 9999999999}", "epochs: 9999999999: input should be less than"),
    ],
    ids=lambda text: text[-40:],
)
def test_what_no_person_writes_is_a_short_line_too(tmp_path: Path, text: str, words: str) -> None:
    """However much a few aliases stand for, however deep, long or large a value is: no traceback, no long wait."""
    path = write_study(tmp_path, text + "\n")
    with pytest.raises(UserError) as raised:
        read_study(path, CONVERTERS)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600 + len(str(path))


def test_what_an_alias_repeats_stands_once(tmp_path: Path) -> None:
    text = "datasets:\n- &first {id: 7, folds: [0]}\n- {<<: *first, id: 8}\n- {<<: *first, id: 9, folds: 1}\n"
    study = read_study(write_study(tmp_path, text), CONVERTERS)
    assert [(dataset.id, dataset.folds) for dataset in study.datasets] == [(7, [0]), (8, [0]), (9, [1])]


def test_an_absent_file_is_named_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "no.yaml")]) == 2
    assert (
        "no.yaml: can't be read (No such file or directory); make one with 'skipstudy init" in capsys.readouterr().err
    )


@pytest.mark.parametrize("text", [demo_text(), full_text(CONVERTERS), full_text(["synthetic"]), TEXT])
def test_the_written_studies_are_valid(tmp_path: Path, text: str) -> None:
    read_study(write_study(tmp_path, text), [*CONVERTERS, "busi", "glas", "acdc", "spleen"])


def test_the_full_studys_two_designs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The papers' goes by their data and measure; the controlled one has what meets the threats that theirs leaves."""
    found = {}
    for protocol in ("papers", "controlled"):
        path = tmp_path / f"{protocol}.yaml"
        assert main(["init", "--full", "--protocol", protocol, "-o", str(path)]) == 0
        found[protocol] = read_study(path, CONVERTERS)
    papers, controlled = found["papers"], found["controlled"]
    assert main(["init", "--full", "-o", str(tmp_path / "plain.yaml")]) == 0
    assert read_study(tmp_path / "plain.yaml", CONVERTERS) == papers
    for study in found.values():
        medical = [dataset for dataset in study.datasets if dataset.converter != "synthetic"]
        assert [dataset.converter for dataset in medical] == ["busi", "glas", "acdc", "spleen", "heart"]
        assert set(study.folds) >= {0, *range(5, 11)}
        assert (study.seeds, study.augmentation) == ([1, 2, 3], ["spatial", "nnunet"])
        assert {dataset.options.get("protocol") for dataset in medical} == {"study" if study is papers else None}
    assert (papers.metrics.by, controlled.metrics.by) == ("kamath2025", "excess")
    assert papers.levels == list(LEVELS)
    assert set(controlled.levels) == {*LEVELS, *CONTROLLED_LEVELS, *FACTORIAL_LEVELS}
    assert "NoSkip_matchedParams" in controlled.networks
    assert main(["init", "--demo", "--protocol", "papers", "-o", str(tmp_path / "demo.yaml")]) == 2
    assert "--protocol belongs to --full" in capsys.readouterr().err


def test_init_writes_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "new" / "study.yaml"
    assert main(["init", "--demo", "-o", str(output)]) == 0
    assert f"next: skipstudy run {output} --dry-run" in capsys.readouterr().out
    assert output.read_text(encoding="utf-8") == demo_text()
    assert main(["init", "--full", "-o", str(output)]) == 2
    assert "is there already; remove it or give another -o" in capsys.readouterr().err


@pytest.mark.parametrize("levels", TEST_LEVELS)
def test_init_sets_up_levels_that_are_known_by_their_names(tmp_path: Path, levels: str) -> None:
    """The 2 x 2 stands beside the study's own levels; each is one that a study makes, or has."""
    output = tmp_path / "study.yaml"
    assert main(["init", "--full", "--levels", levels, "-o", str(output)]) == 0
    study = read_study(output, CONVERTERS)
    assert study.levels == list(TEST_LEVELS[levels])
    assert set(study.levels) - {UNPERTURBED} <= MADE_BY_NAME == set(KNOWN_LEVELS)
    assert (set(study.levels) >= set(FACTORIAL_LEVELS)) == (levels == "factorial")


def test_the_demo_has_no_levels_to_choose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--demo", "--levels", "factorial", "-o", str(tmp_path / "study.yaml")]) == 2
    assert "--levels belongs to --full" in capsys.readouterr().err
