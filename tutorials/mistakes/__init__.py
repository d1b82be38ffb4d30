"""Usual wrong answers to the exercises, under the sentences that name them."""

from typing import Any

import numpy as np


def label(z: Any, y: Any) -> Any:
    """The label's number of each row: z_y, or p_y."""
    return z[np.arange(len(y)), y]
