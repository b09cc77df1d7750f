#!/usr/bin/env python3
"""Time to a relative duality gap: `strads logistic` on 1, 2, … ranks beside liblinear.

Both minimise Σ log(1 + exp(−y Xβ)) + λ‖β‖₁ with unit-norm columns and no intercept, in turn, several
times; loading is excluded on both sides. liblinear is scikit-learn's (LogisticRegression(penalty='l1',
solver='liblinear'), newGLMNET); the gap of its solution is evaluated here by the formula of
docs/formats.md, relative to n·H(share of 1). Its tolerance is lowered until that gap is at or below
the target, and only that run is timed. Responses above --above become 1, the others −1.

    tests/measure/logistic_vs_liblinear.py TRAIN.svm[.xz] --ratio 0.1 --gap 1e-5 --ranks 1,2 --runs 5
"""
import argparse
import json
import lzma
import os
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression


def load(path, above):
    """The columns of norm 1, the labels; and a file of the same rows with these labels."""
    stream = lzma.open(path) if path.endswith(".xz") else open(path, "rb")
    labelled = tempfile.NamedTemporaryFile("w", suffix=".svm", delete=False)
    with stream, labelled:
        for line in stream:
            response, _, rest = line.decode().partition(" ")
            labelled.write(f"{1 if float(response) > above else -1} {rest}")
    x, y = load_svmlight_file(labelled.name)
    x = x.tocsc()
    norm = np.sqrt(np.asarray(x.multiply(x).sum(axis=0)).ravel())
    norm[norm == 0] = 1
    x.data /= np.repeat(norm, np.diff(x.indptr))
    return x, y, labelled.name


def entropy(t):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(-t * np.log(t)) + np.nan_to_num(-(1 - t) * np.log1p(-t))


def gap(x, y, beta, lam):
    margin = y * (x @ beta)
    t = 1 / (1 + np.exp(margin))
    t *= min(1, lam / np.abs(x.T @ (y * t)).max())
    primal = np.logaddexp(0, -margin).sum() + lam * np.abs(beta).sum()
    return primal, (primal - entropy(t).sum()) / (len(y) * entropy(np.mean(y > 0)))


def fit_liblinear(x, y, lam, tol):
    model = LogisticRegression(penalty="l1", solver="liblinear", C=1 / lam, tol=tol, fit_intercept=False,
                               max_iter=100000, random_state=1)
    start = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - start
    return seconds, *gap(x, y, model.coef_.ravel(), lam)


def fit_strads(strads, path, ratio, target, ranks, extra):
    command = [strads, "logistic", "--data", path, "--standardize", "unit", "--lambda-ratio", str(ratio),
               "--tol", str(target), "--ranks", str(ranks), "--json", "--quiet", *extra]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--above", type=float, default=0)
    parser.add_argument("--ratio", type=float, default=0.1)
    parser.add_argument("--gap", type=float, default=1e-5)
    parser.add_argument("--tol", type=float, default=1e-2, help="liblinear's, to begin with")
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("extra", nargs="*", help="further arguments of strads logistic, after --")
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    x, y, path = load(args.data, args.above)
    lam = np.abs(x.T @ (y / 2)).max() * args.ratio
    rows = x.tocsr()
    tol = args.tol
    while fit_liblinear(rows, y, lam, tol)[2] > args.gap:
        tol /= 2
    seconds = {"liblinear": []}
    objective, gaps = {}, {}
    for _ in range(args.runs):
        t, objective["liblinear"], gaps["liblinear"] = fit_liblinear(rows, y, lam, tol)
        seconds["liblinear"].append(t)
        for ranks in map(int, args.ranks.split(",")):
            name = f"strads, {ranks} rank{'s' if ranks > 1 else ''}"
            result = fit_strads(args.strads, path, args.ratio, args.gap, ranks, args.extra)
            seconds.setdefault(name, []).append(result["seconds"])
            objective[name], gaps[name] = result["objective"], result["gap"]
    os.unlink(path)

    peer = statistics.median(seconds["liblinear"])
    print(f"lambda = {lam:.6f}, {args.runs} runs in turn, liblinear's tol {tol:g}\n")
    print("| solver | seconds: min | median | max | of liblinear's | gap | objective |")
    print("|---|---|---|---|---|---|---|")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"| {name} | {min(times):.3f} | {median:.3f} | {max(times):.3f} | {median / peer:.2f} "
              f"| {gaps[name]:.1e} | {objective[name]:.5f} |")


if __name__ == "__main__":
    main()
