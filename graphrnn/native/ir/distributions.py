"""Distributions that can be drawn from."""

PARAMETERS = {
    "uniform": 2,
    "normal": 2,
    "exponential": 1,
    "laplace": 2,
    "logistic": 2,
    "lognormal": 2,
    "poisson": 1,
    "binomial": 2,
    "bernoulli": 1,
    "integers": 2,
    "categorical": 1,
}
"""How many parameters each has."""

INTEGER = frozenset({"poisson", "binomial", "bernoulli", "integers", "categorical"})
"""Those whose samples are int64 before they are converted; the others are float64."""
