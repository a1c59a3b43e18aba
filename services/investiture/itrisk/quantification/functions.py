"""What is taken from SciPy, with the types that it does not ship."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import fft, optimize, special

Floats = npt.NDArray[np.float64]
"""A one-dimensional array of doubles."""
Complexes = npt.NDArray[np.complex128]
"""A one-dimensional array of complex doubles."""

_fft, _optimize, _special = cast("Any", fft), cast("Any", optimize), cast("Any", special)


def beta_cdf(alpha: float, beta: float, x: Floats) -> Floats:
    """The regularised incomplete beta function for every x in [0, 1], in the shape of `x`."""
    return cast("Floats", _special.betainc(alpha, beta, x))


def normal_cdf(z: Floats) -> Floats:
    """Φ(z), in the shape of `z`."""
    return cast("Floats", _special.ndtr(z))


def jacobi(count: int, alpha: float, beta: float) -> tuple[Floats, Floats]:
    """Nodes on [0, 1] for the density of a beta(α, β) and their weights, shape (count,) each."""
    nodes, weights = _special.roots_jacobi(count, beta - 1.0, alpha - 1.0)
    places, shares = np.asarray(nodes, np.float64), np.asarray(weights, np.float64)
    return (places + 1.0) / 2.0, shares / shares.sum()


def hermite(count: int) -> tuple[Floats, Floats]:
    """Nodes for the standard normal density and their weights, shape (count,) each."""
    nodes, weights = _special.roots_hermitenorm(count)
    places, shares = np.asarray(nodes, np.float64), np.asarray(weights, np.float64)
    return places, shares / shares.sum()


def fast_length(least: int) -> int:
    """The next length of a real transform that is quick to compute."""
    return int(_fft.next_fast_len(least, real=True))


def transform(values: Floats, length: int) -> Complexes:
    """The discrete Fourier transform of real values padded to `length`, shape (length//2 + 1,)."""
    return cast("Complexes", _fft.rfft(values, length))


def inverse(spectrum: Complexes, length: int) -> Floats:
    """The real values, shape (length,), whose transform is `spectrum`."""
    return cast("Floats", _fft.irfft(spectrum, length))


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a continuous function changes its sign between two points (Brent), to 1e-6 of it."""
    return float(_optimize.brentq(function, low, high, rtol=1e-6))
