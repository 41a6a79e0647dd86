"""Distributions that can be drawn from, and the C that draws."""

# What is drawn: the C expression of a draw from the generator g, with parameters a and b as
# doubles (n and m as int64); and what the parameters must hold for NumPy to accept them.
_CALL = "((double (*)(void *, double, double))draws[{}])(g, a, {})"


_CALL1 = "((double (*)(void *, double))draws[{}])(g, a)"


_BINOMIAL = "((int64_t (*)(void *, double, int64_t, void *))draws[7])"


DRAWS: dict[str, tuple[str, str]] = {
    "uniform": (_CALL.format(0, "b - a"), "isfinite(b - a)"),
    "normal": (_CALL.format(1, "b"), "(b != b || !signbit(b))"),
    "exponential": (_CALL1.format(2), "(a != a || !signbit(a))"),
    "laplace": (_CALL.format(3, "b"), "(b != b || !signbit(b))"),
    "logistic": (_CALL.format(4, "b"), "(b != b || !signbit(b))"),
    "lognormal": (_CALL.format(5, "b"), "(b != b || !signbit(b))"),
    "poisson": ("((int64_t (*)(void *, double))draws[6])(g, a)", "(a >= 0 && a <= 9.2e18)"),
    "binomial": (f"{_BINOMIAL}(g, b, n, binomial)", "(n >= 0 && b >= 0 && b <= 1)"),
    "bernoulli": (f"{_BINOMIAL}(g, a, 1, binomial)", "(a >= 0 && a <= 1)"),
    "integers": (
        "(int64_t)((uint64_t (*)(void *, uint64_t, uint64_t, uint64_t, _Bool))draws[8])"
        "(g, (uint64_t)n, (uint64_t)m - 1 - (uint64_t)n, 0, 0)",
        "n < m",
    ),
    "categorical": ("", "1"),
}


INTEGER = {"poisson", "binomial", "bernoulli", "integers", "categorical"}
"""Draws whose numbers are int64 before they are converted; the others are float64."""
