"""Checks coefficients, read from standard input, against scikit-learn's ElasticNet.

    lasso_sklearn.py DATA RESPONSE STANDARDIZE INTERCEPT LAMBDA L1_RATIO [WEIGHT ...] < COEFFICIENTS

RESPONSE is - for svmlight data. Weights, above 0, are for the Lasso alone (L1_RATIO 1): columns
divided by them have the same penalty. COEFFICIENTS: the intercept, then one number a column. Exit
code 0: they agree to 1e-4 of the largest; 77: scikit-learn is missing; else 1.
"""
import lzma
import sys

try:
    import numpy as np
    import scipy.io
    from sklearn.datasets import load_svmlight_file
    from sklearn.linear_model import ElasticNet
except ImportError as missing:
    print(f"no comparison: {missing}", file=sys.stderr)
    sys.exit(77)


def load(data, response):
    stream = lzma.open(data) if data.endswith(".xz") else open(data, "rb")
    with stream:
        if response == "-":
            x, y = load_svmlight_file(stream)
            return x.toarray(), y
        x = scipy.io.mmread(stream)
    return x.toarray(), np.asarray(scipy.io.mmread(response).todense()).ravel()


def standardized(x, how, intercept):
    mean = x.mean(axis=0) if intercept or how in ("center-unit", "zscore") else np.zeros(x.shape[1])
    centred = x - mean
    scale = {
        "none": np.ones(x.shape[1]),
        "unit": np.sqrt((x**2).sum(axis=0)),
        "center-unit": np.sqrt((centred**2).sum(axis=0)),
        "zscore": centred.std(axis=0),
    }[how]
    return np.asfortranarray(centred / scale), mean, scale


def main():
    data, response, how, intercept, lam, l1_ratio = sys.argv[1:7]
    weights = np.array(sys.argv[7:], dtype=float)
    given = np.loadtxt(sys.stdin)
    x, y = load(data, response)
    z, mean, scale = standardized(x, how, intercept == "1")
    if len(weights):
        z, scale = np.asfortranarray(z / weights), scale * weights
    offset = y.mean() if intercept == "1" else 0.0
    model = ElasticNet(alpha=float(lam) / len(y), l1_ratio=float(l1_ratio), fit_intercept=False,
                       tol=1e-11, max_iter=10**6)
    model.fit(z, y - offset)
    beta = model.coef_ / scale
    constant = offset - beta @ mean
    worst = np.abs(given[1:] - beta).max() / np.abs(beta).max()
    print(f"{how} intercept {intercept} lambda {lam} l1 ratio {l1_ratio}: {np.count_nonzero(beta)} nonzero, "
          f"largest difference {worst:.1e} of the largest coefficient", file=sys.stderr)
    same = worst <= 1e-4 and abs(given[0] - constant) <= 1e-4 * max(1.0, abs(constant))
    sys.exit(0 if same else 1)


main()
