"""Inputs made up by hypothesis: a few of each in ``make test``, 10 000 in ``make test-fuzz``."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("SKIPSTUDY_FUZZ_EXAMPLES", "25"))

settings.register_profile(
    "skipstudy",
    max_examples=EXAMPLES,
    deadline=None,  # the first example compiles, and the machine is shared
    derandomize=EXAMPLES < 1000,  # what runs at each change finds today what it found yesterday
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    database=None,
    print_blob=True,
)
settings.load_profile("skipstudy")
