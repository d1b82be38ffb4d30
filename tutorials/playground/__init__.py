"""The page on which a visitor attacks ten small networks, and its export."""

from tutorials.playground.networks import (
    committee,
    drawing,
    image,
    images,
    mask,
    rounded,
)

__all__ = ["committee", "drawing", "image", "images", "mask", "rounded"]
