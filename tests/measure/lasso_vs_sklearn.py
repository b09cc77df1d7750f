#!/usr/bin/env python3
"""Time to a relative duality gap: `strads lasso` on 1, 2, … ranks beside scikit-learn's Lasso.

Both solve minimise ½‖y − Xβ‖² + λ‖β‖₁ with unit-norm columns and no intercept, in turn, several
times; loading is excluded on both sides. The gap of scikit-learn's solution is evaluated here, with
the same formula: θ = r·min(1/λ, 1/‖Xᵀr‖∞), relative to ½‖y − ȳ‖². scikit-learn's tolerance is
lowered until its gap is at or below the target, and only that run is timed.

    tests/measure/lasso_vs_sklearn.py TRAIN.svm[.xz] --ratio 0.1 --gap 1e-5 --ranks 1,2 --runs 5
"""
import argparse
import json
import lzma
import statistics
import subprocess
import time

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import Lasso


def load_plain(path):
    stream = lzma.open(path) if path.endswith(".xz") else open(path, "rb")
    with stream:
        x, y = load_svmlight_file(stream)
    return x.tocsc(), y


def scale_columns(x):
    """Scales the columns to norm 1 and returns the norms they had."""
    norm = np.sqrt(np.asarray(x.multiply(x).sum(axis=0)).ravel())
    norm[norm == 0] = 1
    x.data /= np.repeat(norm, np.diff(x.indptr))
    return norm


def load(path):
    x, y = load_plain(path)
    scale_columns(x)
    return x, y


def gap(x, y, beta, lam):
    r = y - x @ beta
    theta = r * min(1 / lam, 1 / np.abs(x.T @ r).max())
    primal = 0.5 * r @ r + lam * np.abs(beta).sum()
    dual = 0.5 * y @ y - 0.5 * ((y - lam * theta) ** 2).sum()
    return primal, (primal - dual) / (0.5 * ((y - y.mean()) ** 2).sum())


def fit_sklearn(x, y, lam, tol):
    model = Lasso(alpha=lam / len(y), tol=tol, fit_intercept=False, max_iter=100000)
    start = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - start
    return seconds, *gap(x, y, model.coef_, lam)


def fit_strads(strads, path, ratio, target, ranks, extra):
    command = [strads, "lasso", "--data", path, "--standardize", "unit", "--lambda-ratio", str(ratio),
               "--tol", str(target), "--ranks", str(ranks), "--json", "--quiet", *extra]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--ratio", type=float, default=0.1)
    parser.add_argument("--gap", type=float, default=1e-5)
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("extra", nargs="*", help="further arguments of strads lasso, after --")
    args = parser.parse_args()

    x, y = load(args.data)
    lam = np.abs(x.T @ y).max() * args.ratio
    tol = 1e-3
    while True:
        _, _, reached = fit_sklearn(x, y, lam, tol)
        if reached <= args.gap:
            break
        tol /= 2
    seconds = {"scikit-learn": []}
    objective, gaps = {}, {}
    for _ in range(args.runs):
        t, objective["scikit-learn"], gaps["scikit-learn"] = fit_sklearn(x, y, lam, tol)
        seconds["scikit-learn"].append(t)
        for ranks in map(int, args.ranks.split(",")):
            name = f"strads, {ranks} rank{'s' if ranks > 1 else ''}"
            result = fit_strads(args.strads, args.data, args.ratio, args.gap, ranks, args.extra)
            seconds.setdefault(name, []).append(result["seconds"])
            objective[name], gaps[name] = result["objective"], result["gap"]

    print(f"lambda = {lam:.6f}, {args.runs} runs in turn, scikit-learn tol {tol:g}\n")
    print("| solver | seconds: min | median | max | gap | objective |")
    print("|---|---|---|---|---|---|")
    for name, times in seconds.items():
        print(f"| {name} | {min(times):.3f} | {statistics.median(times):.3f} | {max(times):.3f} "
              f"| {gaps[name]:.1e} | {objective[name]:.5f} |")


if __name__ == "__main__":
    main()
