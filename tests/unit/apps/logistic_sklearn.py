"""Checks an objective against scikit-learn's LogisticRegression with an L1 penalty.

    logistic_sklearn.py STANDARDIZE INTERCEPT LAMBDA OBJECTIVE < ROWS

ROWS: a label (-1 or 1) and the values of all columns, one row a line. Exit code 0: the objectives
agree to 1e-6; 77: scikit-learn is missing; else 1.
"""
import sys
import warnings

try:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
except ImportError as missing:
    print(f"no comparison: {missing}", file=sys.stderr)
    sys.exit(77)


def standardized(x, how, intercept):
    centre = intercept or how in ("center-unit", "zscore")
    centred = x - x.mean(axis=0) if centre else x
    varies = (centred**2).sum(axis=0) > 1e-12 * (x**2).sum(axis=0)
    scale = {
        "none": np.ones(x.shape[1]),
        "unit": np.sqrt((x**2).sum(axis=0)),
        "center-unit": np.sqrt((centred**2).sum(axis=0)),
        "zscore": centred.std(axis=0),
    }[how]
    return centred[:, varies] / scale[varies]


def main():
    how, intercept, lam, ours = sys.argv[1], sys.argv[2] == "1", float(sys.argv[3]), float(sys.argv[4])
    table = np.loadtxt(sys.stdin)
    y, z = table[:, 0], standardized(table[:, 1:], how, intercept)
    # liblinear has a penalty on its intercept, saga has none.
    model = LogisticRegression(penalty="l1", C=1 / lam, fit_intercept=intercept, tol=1e-10, max_iter=10**6,
                               solver="saga" if intercept else "liblinear", random_state=1)
    warnings.simplefilter("ignore")
    model.fit(z, y)
    margin = model.decision_function(z)
    theirs = np.logaddexp(0, -y * margin).sum() + lam * np.abs(model.coef_).sum()
    print(f"{how} intercept {intercept} lambda {lam}: {ours:.12g} and {theirs:.12g}", file=sys.stderr)
    sys.exit(0 if abs(ours - theirs) <= 1e-6 * theirs else 1)


main()
