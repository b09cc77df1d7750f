"""Checks cross-validated errors, read from standard input, against scikit-learn's LassoCV.

    lasso_cv_sklearn.py DATA < ERRORS

DATA is svmlight; columns as they are, with an intercept. ERRORS: a line with the fold of each row, a
line with the lambdas, a line for each fold with its errors by lambda, a line with the number of the
lambda chosen. Exit code 0: they agree to 1e-4; 77: scikit-learn is missing; else 1.
"""
import sys

try:
    import numpy as np
    from sklearn.datasets import load_svmlight_file
    from sklearn.linear_model import LassoCV
except ImportError as missing:
    print(f"no comparison: {missing}", file=sys.stderr)
    sys.exit(77)


def main():
    x, y = load_svmlight_file(sys.argv[1])
    x = x.toarray()
    lines = [np.array(line.split(), dtype=float) for line in sys.stdin]
    folds, lambdas, errors, best = lines[0].astype(int), lines[1], np.array(lines[2:-1]), lines[-1]
    numbers = range(folds.max() + 1)
    model = LassoCV(alphas=lambdas / len(y), tol=1e-10, max_iter=10**6,
                    cv=[(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in numbers])
    model.fit(x, y)
    worst = np.abs(errors.T / model.mse_path_ - 1).max()
    mean = np.average(model.mse_path_, axis=1, weights=[(folds == f).sum() for f in numbers])
    excess = mean[int(best[0])] / mean.min() - 1
    print(f"{errors.shape[0]} folds, {errors.shape[1]} lambdas: errors differ by {worst:.1e} at most, "
          f"the chosen one's is {excess:.1e} above the least", file=sys.stderr)
    sys.exit(0 if worst <= 1e-4 and excess <= 1e-6 else 1)


main()
