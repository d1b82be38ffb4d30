"""Random bits as a pure function of (seed, position): the same on every device.

A generator with state hands out its numbers in order, but parallel threads have no
order. A counter-based one hashes the position instead: bits[i] = mix(seed + (i + 1) g).
This is SplitMix64: if one input bit changes, its mixing function changes about half of
the output bits.
Source: Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, 2014.
"""

from types import ModuleType

from minidl.backend import Array

GOLDEN_GAMMA = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: spreads the positions
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
MASK_BITS = 24  # rates are accurate to 2^-24


def random_bits(seed: int, size: int, xp: ModuleType) -> Array:
    """Return the first `size` outputs of SplitMix64 for a seed in [0, 2^64).

    Shapes: (size,) uint64, in array module xp.
    """
    u64 = xp.uint64
    z = xp.arange(1, size + 1, dtype=u64) * u64(GOLDEN_GAMMA) + u64(seed)
    z = (z ^ (z >> u64(30))) * u64(MIX_1)  # integers wrap around at 2^64
    z = (z ^ (z >> u64(27))) * u64(MIX_2)
    return z ^ (z >> u64(31))


def drop_threshold(rate: float) -> int:
    """Return t so that (bits >> 40) < t with probability `rate`, to 2^-24."""
    return round(rate * 2**MASK_BITS)
