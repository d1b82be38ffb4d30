"""What is missing without an optional package is named in one line, when it is used."""

import pytest

from tests.processes import run_python

IMPORTS = """
import sys; sys.modules[{!r}] = None
import numpy as np
from attacks import Threat, interop, save_gif, save_images
from attacks.torch_modules import torch_forward
x, y = np.zeros((2, 3, 3, 1)), np.arange(2)
"""


@pytest.mark.parametrize(
    ("module", "call", "package", "extra"),
    [
        ("PIL", "save_images(x, x, y, 'a', Threat('Linf', 0.1))", "Pillow", "images"),
        ("PIL", "save_gif(x[None], 'a')", "Pillow", "images"),
        ("torch", "torch_forward(3)", "PyTorch", "torch"),
        (
            *("art", "interop.art_classifier(len, (6, 6, 2), 4)"),
            *("adversarial-robustness-toolbox", "interop"),
        ),
        ("foolbox", "interop.foolbox_model(len)", "foolbox", "interop"),
        ("eagerpy", "interop.foolbox_attack(None, len)", "foolbox", "interop"),
    ],
)
def test_a_missing_package_is_one_line(tmp_path, module, call, package, extra):
    run = run_python(IMPORTS.format(module) + call, folder=tmp_path)
    last = run.stderr.splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: {package} is missing (no module ")
    assert last.endswith(f"pip install 'minidl[{extra}]'")
    assert not list(tmp_path.iterdir())
