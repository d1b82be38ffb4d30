"""Six kills; `python -m tests.campaigns.kills 100` makes a hundred."""

import pytest

from tests.campaigns.kills import campaign


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "seed"), [("evaluation", 1), ("training", 2)])
def test_killed_work_ends_in_the_same_bits(kind, seed):
    assert sum(campaign(3, seed, [kind])["kills"].values()) == 3
