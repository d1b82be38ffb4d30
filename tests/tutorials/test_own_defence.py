"""The pattern for one's own defence finds the masked gradient, with any workers."""

import numpy as np
import pytest

from tutorials import own_defence


@pytest.mark.slow
def test_rounding_hides_the_gradient_and_nothing_else(tmp_path):
    found = own_defence.examine(50, 1, tmp_path)
    assert found.clean().value > 0.8
    assert found.robust("PGD, true gradient").value > 0.8
    assert found.robust("PGD, straight through").value < 0.1
    assert found.robust("Square").value < 0.1
    again = own_defence.examine(50, 2, None)
    for name, outcome in found.outcomes.items():
        np.testing.assert_array_equal(outcome.fooled, again.outcomes[name].fooled)
        np.testing.assert_array_equal(outcome.distance, again.outcomes[name].distance)


@pytest.mark.slow
def test_the_command_says_why_an_attack_fails(capsys):
    own_defence.main(["--images", "20"])
    printed = capsys.readouterr().out
    assert printed.startswith("20 images; untargeted, Linf <= 0.2 in [0, 1]")
    assert printed.rstrip().endswith("look first at: masked gradient")


def test_only_a_few_shades_are_seen():
    shades = own_defence.Rounded.rounded
    x = np.linspace(0, 1, 31, dtype=np.float32)
    seen = shades(None, x)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(np.unique(seen), [0, 1 / 3, 2 / 3, 1], rtol=1e-6)
