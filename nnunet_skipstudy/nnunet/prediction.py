"""Predicting many folders of images with one trained model in one process.

``nnUNetv2_predict`` starts worker pools and loads the model for every folder, which on small images costs more than
the prediction. Here the model is loaded once and each image goes through nnU-Net's own preprocessing, sliding window
and export in this process; the predicted pixels are the same.
"""

import contextlib
import io
import re
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import COLOUR_CHANNELS
from nnunet_skipstudy.nnunet.images import NATURAL_ENDINGS, NIFTI_ENDINGS
from nnunet_skipstudy.nnunet.nifti import check_complete
from nnunet_skipstudy.nnunet.trainer_name import TRAINERS
from nnunet_skipstudy.support.files import naming, write_json
from nnunet_skipstudy.support.version import __version__
from nnunet_skipstudy.support.working_folder import LOCK, remove_leftovers, working_folder

PROVENANCE_FILE = "skipstudy_prediction.json"
"""Lies in each folder of predictions and says how they were made."""
CHECKPOINT = "checkpoint_final.pth"


def find_cases(images: Path, ending: str, *, n_channels: int) -> dict[str, list[str]]:
    """The files of each case of a folder in nnU-Net's naming, ``<case>_<channel, four digits><ending>``.

    A flat colour image is one file for several channels, as nnU-Net reads it.

    Raises:
        UserError: the folder is absent or holds no such file, or a channel of a case is missing.
    """
    pattern = re.compile(r"(.+)_(\d{4})" + re.escape(ending))
    channels: dict[str, dict[int, str]] = {}
    for path in sorted(images.iterdir()) if images.is_dir() else ():
        if match := pattern.fullmatch(path.name):
            channels.setdefault(match[1], {})[int(match[2])] = str(path)
    if not channels:
        raise UserError(f"{images}: holds no image named <case>_0000{ending}; check the folder")
    colour = ending.lower() in NATURAL_ENDINGS and n_channels in COLOUR_CHANNELS
    found = {}
    for case, files in channels.items():
        wanted = range(1 if colour and len(files) == 1 else n_channels)
        for channel in wanted:
            if channel not in files:
                raise UserError(f"{images / f'{case}_{channel:04d}{ending}'}: no such file; add the missing channel")
        found[case] = [files[channel] for channel in wanted]
    return found


class Predictor:
    """A trained model, loaded once.

    The checkpoint is a pickle: loading one runs the code in it, so load only those that you trust.
    """

    def __init__(self, folder: Path, fold: int, *, device: str = "cpu", mirroring: bool = True) -> None:
        """Load the model.

        Args:
            folder: ``nnUNet_results/<data set>/<trainer>__<plans>__<configuration>``.
            fold: the fold's number.
            device: ``cpu``, ``cuda`` or ``mps``.
            mirroring: test-time augmentation by mirroring, nnU-Net's default.

        Raises:
            UserError: the checkpoint does not exist, or can't be loaded.
        """
        from pickle import UnpicklingError
        from unittest.mock import patch

        import torch
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        checkpoint = folder / f"fold_{fold}" / CHECKPOINT
        if not checkpoint.is_file():
            raise UserError(f"{checkpoint}: no such checkpoint; train this fold to its end first")
        made_by = {"model": folder.name, "fold": fold, "checkpoint": CHECKPOINT, "mirroring": mirroring}
        self._provenance = {**made_by, "nnunet_skipstudy": __version__}
        lookup = patch("nnunetv2.inference.predict_from_raw_data.recursive_find_trainer_class_by_name", _trainer)
        with lookup, contextlib.redirect_stdout(io.StringIO()):  # nnU-Net prints each module of its lookup
            self._predictor = nnUNetPredictor(
                use_mirroring=mirroring,
                device=torch.device(device),
                perform_everything_on_device=device == "cuda",
                allow_tqdm=False,
            )
            try:
                self._predictor.initialize_from_trained_model_folder(str(folder), (fold,), CHECKPOINT)
            except (RuntimeError, EOFError, UnpicklingError) as error:
                reason = " ".join(str(error).split())[:200]
                raise UserError(f"{checkpoint}: can't be loaded ({reason}); train this fold again") from error
        network = self._predictor.network.to(torch.device(device)).eval()
        network.to = network.eval = lambda *_: network  # nnU-Net asks for both before each image, part by part
        self._ending: str = self._predictor.dataset_json["file_ending"]

    @property
    def nnunet(self) -> Any:
        """nnU-Net's own predictor, with the model loaded."""
        return self._predictor

    def preprocessed(self, files: list[str]) -> tuple[Any, dict[str, Any]]:
        """A case's image as the network gets it, (channels, *size) in three axes, and nnU-Net's notes on the way."""
        import torch

        predictor = self._predictor
        preprocessor = predictor.configuration_manager.preprocessor_class(verbose=False)
        data, _, properties = preprocessor.run_case(
            files, None, predictor.plans_manager, predictor.configuration_manager, predictor.dataset_json
        )
        return torch.from_numpy(data).to(dtype=torch.float32), properties

    def predict_folder(self, images: Path, output: Path, *, after_case: Callable[[], None] = lambda: None) -> int:
        """Predict every case of a folder that has no prediction yet.

        Args:
            images: a folder in nnU-Net's naming, ``<case>_0000<ending>``.
            output: gets ``<case><ending>`` and what ``nnUNetv2_predict`` leaves beside its predictions
                (``dataset.json``, ``plans.json``), and how they were made. Each file appears whole or not at all.
            after_case: called after each case, predicted or found.

        Returns:
            How many cases were predicted now.

        Raises:
            UserError: there is no image in the folder, a channel of a case is missing, or the disk is full.
        """
        dataset_json = self._predictor.dataset_json
        channels = dataset_json.get("channel_names") or dataset_json["modality"]  # the older key
        cases = find_cases(images, self._ending, n_channels=len(channels))
        write_json(output / "dataset.json", dataset_json)
        write_json(output / "plans.json", self._predictor.plans_manager.plans)
        write_json(output / PROVENANCE_FILE, self._provenance)
        remove_leftovers(output)
        n_predicted = 0
        with working_folder(output) as folder:
            for case, files in cases.items():
                target = output / (case + self._ending)
                if not target.exists():
                    with naming(target):
                        self._predict_case(files, folder / case)
                        _publish(folder, target)
                    n_predicted += 1
                after_case()
        return n_predicted

    def _predict_case(self, files: list[str], target: Path) -> None:
        """Predict one case into files that are called as ``target``, and by nnU-Net's endings."""
        import torch
        from nnunetv2.inference.export_prediction import export_prediction_from_logits

        predictor = self._predictor
        images, properties = self.preprocessed(files)
        logits = predictor.predict_sliding_window_return_logits(images).cpu()
        export_prediction_from_logits(
            logits,
            properties,
            predictor.configuration_manager,
            predictor.plans_manager,
            predictor.dataset_json,
            str(target),
            num_threads_torch=torch.get_num_threads(),  # as they are: setting them takes its time
        )


def _trainer(name: str) -> Any:
    """The trainer that nnU-Net finds by that name; one of ours without the search, which takes as long as 20 images."""
    from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

    base = name.split("_")[0]
    if base not in TRAINERS:
        return recursive_find_trainer_class_by_name(name)
    return getattr(import_module(f"nnunet_skipstudy.trainers.{base}"), name)


def _publish(folder: Path, target: Path) -> None:
    """Move what was exported beside ``target``; the prediction last, since a case that has one is finished.

    Raises:
        UserError: not all of it was written: on a full disk SimpleITK prints a line and goes on.
    """
    if target.name.lower().endswith(NIFTI_ENDINGS):
        try:
            check_complete(folder / target.name)
        except (EOFError, ValueError, zlib.error) as error:
            raise UserError(f"{target}: can't be written ({error}); make space, then predict again") from error
    beside = [path for path in folder.iterdir() if path.name not in (LOCK, target.name)]
    for path in (*beside, folder / target.name):
        path.replace(target.with_name(path.name))
