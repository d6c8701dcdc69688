"""The study's sizes, and what becomes of them where a download has other numbers."""

import pytest

from nnunet_skipstudy.conversion.description import Sizes
from nnunet_skipstudy.errors import UserError

STUDY = [Sizes(400, 100, 147), Sizes(25, 5, 11, "groups"), Sizes(13, 4, 3, "groups")]


@pytest.mark.parametrize("sizes", STUDY)
def test_the_whole_download_gets_the_studys_sizes(sizes):
    assert sizes.scaled(sizes.train + sizes.val + sizes.test) == sizes


@pytest.mark.parametrize("sizes", STUDY)
@pytest.mark.parametrize("total", [3, 4, 10, 640, 1000])
def test_another_number_is_divided_in_proportion(sizes, total):
    scaled = sizes.scaled(total)
    assert scaled.train + scaled.val + scaled.test == total
    assert min(scaled.train, scaled.val, scaled.test) >= 1
    whole = sizes.train + sizes.val + sizes.test
    assert abs(scaled.test - total * sizes.test / whole) <= 1


def test_too_few():
    with pytest.raises(UserError, match="2 cases to be divided into training, validation and test; fetch all of them"):
        STUDY[0].scaled(2)
