"""One signed-rank test."""

import numpy as np

from nnunet_skipstudy.analysis.statistics.pairwise import SignedRank, signed_ranks


def signed_rank(differences: np.ndarray) -> SignedRank:
    """Of one column of differences."""
    return signed_ranks(np.asarray(differences, dtype=float)[:, None])[0]
