from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions as AnalyzeOptions
from nnunet_skipstudy.analysis.pipeline import analyze as analyze
from nnunet_skipstudy.analysis.published.reproduce import reproduce as reproduce
from nnunet_skipstudy.architectures.cost import network_cost as network_cost
from nnunet_skipstudy.architectures.network import build_network as build_network
from nnunet_skipstudy.metrics import measure_case as measure_case
from nnunet_skipstudy.registry import ARCHITECTURES as ARCHITECTURES
from nnunet_skipstudy.registry import METRICS as METRICS
from nnunet_skipstudy.texture import texture_disparity as texture_disparity
from nnunet_skipstudy.texture.perturbation import Perturbation as Perturbation
from nnunet_skipstudy.texture.perturbation import perturb as perturb

__version__: str
API: dict[str, str]
