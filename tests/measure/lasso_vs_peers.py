#!/usr/bin/env python3
"""Time to a relative duality gap: `strads lasso` beside celer, skglm, glmnet and scikit-learn.

All solve minimise ½‖y − Xβ‖² + λ‖β‖₁, with columns of norm 1 (or as they are, with an intercept),
in turns, several times; loading is excluded everywhere. Every solution's gap is evaluated here, by
one formula from its coefficients: θ = r·min(1/λ, 1/‖Xᵀr‖∞), relative to ½‖y − ȳ‖². The tolerance of
a peer is lowered in steps of √10 until its gap is at or below the target, and only that one is
timed; a peer that needs longer than --patience is left out from there on.

A peer is used where it can be imported: --path DIR adds a folder, as of a built source tree. glmnet
needs R with glmnet and Matrix, and fits the path of 20 λs down to the one asked for, as it is meant
to be used.

    tests/measure/lasso_vs_peers.py TRAIN.svm --ratio 0.1 --gap 5e-5 --path celer --path skglm
    tests/measure/lasso_vs_peers.py TRAIN.svm --ratio 0.01 --gap 1e-4 --intercept --peers scikit-learn
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import scipy.sparse
from lasso_vs_sklearn import load_plain, scale_columns

GLMNET = """
suppressMessages({library(Matrix); library(glmnet)})
a <- commandArgs(TRUE); f <- file(a[1], "rb"); h <- readBin(f, "integer", 3)
p <- readBin(f, "integer", h[2] + 1); i <- readBin(f, "integer", h[3])
v <- readBin(f, "double", h[3]); y <- readBin(f, "double", h[1]); close(f)
x <- new("dgCMatrix", i = i, p = p, x = v, Dim = h[1:2])
top <- as.double(a[2]); low <- as.double(a[3])
lambda <- exp(seq(log(top), log(low), length.out = 20))
t <- proc.time()[["elapsed"]]
m <- glmnet(x, y, lambda = lambda, standardize = FALSE, intercept = a[5] == "1",
            thresh = as.double(a[4]), maxit = 1e9)
t <- proc.time()[["elapsed"]] - t
f <- file(a[6], "wb"); writeBin(c(t, m$a0[20], as.vector(m$beta[, 20])), f); close(f)
"""


class Problem:
    def __init__(self, x, y, ratio, intercept):
        self.x, self.y, self.intercept = x, y, intercept
        self.rows = x.T.tocsr()
        self.target = y - y.mean() if intercept else y
        self.top = np.abs(self.rows @ self.target).max()
        self.lam = self.top * ratio

    def gap(self, beta, offset):
        """Objective and relative gap; with an intercept it is set to its best for beta."""
        r = self.y - self.x @ beta - offset
        if self.intercept:
            r = r - r.mean()
        s = min(1, self.lam / np.abs(self.rows @ r).max())
        primal = 0.5 * r @ r + self.lam * np.abs(beta).sum()
        dual = s * r @ self.target - 0.5 * s * s * r @ r
        return primal, (primal - dual) / (0.5 * ((self.y - self.y.mean()) ** 2).sum())


def clocked(model, problem):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model.fit(problem.x, problem.y)
        seconds = time.perf_counter() - start
    return seconds, model.coef_, model.intercept_


def fit_sklearn(problem, tol):
    from sklearn.linear_model import Lasso
    return clocked(Lasso(alpha=problem.lam / len(problem.y), tol=tol, max_iter=1000000,
                         fit_intercept=problem.intercept), problem)


def fit_celer(problem, tol):
    from celer import Lasso
    return clocked(Lasso(alpha=problem.lam / len(problem.y), tol=tol, max_iter=1000,
                         fit_intercept=problem.intercept), problem)


def fit_skglm(problem, tol):
    from sklearn.utils import validation
    if not hasattr(validation, "validate_data"):  # of later versions of scikit-learn
        validation.validate_data = lambda model, *a, **k: model._validate_data(*a, **k)
    from skglm import Lasso
    return clocked(Lasso(alpha=problem.lam / len(problem.y), tol=tol, max_iter=1000,
                         fit_intercept=problem.intercept), problem)


def fit_glmnet(problem, tol):
    n = len(problem.y)
    with tempfile.TemporaryDirectory() as folder:
        data, script, out = (os.path.join(folder, name) for name in ("x", "fit.R", "beta"))
        with open(data, "wb") as f:
            np.array([*problem.x.shape, problem.x.nnz], np.int32).tofile(f)
            problem.x.indptr.astype(np.int32).tofile(f)
            problem.x.indices.astype(np.int32).tofile(f)
            problem.x.data.tofile(f)
            problem.y.tofile(f)
        with open(script, "w") as f:
            f.write(GLMNET)
        subprocess.run(["Rscript", script, data, repr(problem.top / n), repr(problem.lam / n),
                        repr(tol), str(int(problem.intercept)), out], check=True)
        result = np.fromfile(out)
    return result[0], result[2:], result[1]


PEERS = {"celer": fit_celer, "skglm": fit_skglm, "glmnet": fit_glmnet, "scikit-learn": fit_sklearn}


def fit_strads(args, problem, norm, ranks):
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.txt")
        how = ["--intercept"] if problem.intercept else ["--standardize", "unit"]
        command = [args.strads, "lasso", "--data", args.data, *how, "--lambda", repr(problem.lam),
                   "--tol", str(args.gap), "--ranks", str(ranks), "--json", "--quiet",
                   "--model", model, *args.extra]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        beta, offset = read_model(model, problem.x.shape[1])
    return json.loads(out)["seconds"], beta * norm, offset


def read_model(path, cols):
    beta, offset = np.zeros(cols), 0.0
    with open(path) as f:
        for line in f:
            word = line.split()
            if not word or word[0].startswith("#"):
                continue
            if word[0] == "intercept":
                offset = float(word[1])
            elif word[0].isdigit():
                beta[int(word[0]) - 1] = float(word[1])
    return beta, offset


def tune(fit, problem, args, tol):
    """The largest tolerance that reaches the gap, or None if that takes too long."""
    fit(problem, 1.0)  # what is compiled when it is first used
    if tol:
        return tol
    tol = args.start_tol
    while True:
        seconds, beta, offset = fit(problem, tol)
        if problem.gap(beta, offset)[1] <= args.gap:
            return tol
        if seconds > args.patience or tol < 1e-14:
            return None
        tol /= 10 ** 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--ratio", type=float, default=0.1)
    parser.add_argument("--gap", type=float, default=5e-5)
    parser.add_argument("--intercept", action="store_true", help="and columns as they are")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--path", action="append", default=[])
    parser.add_argument("--start-tol", type=float, default=1e-3)
    parser.add_argument("--tuned", default="", help="tolerances known already: celer=1e-5,…")
    parser.add_argument("--patience", type=float, default=60)
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("extra", nargs="*", help="further arguments of strads lasso, after --")
    args = parser.parse_args()
    sys.path[:0] = args.path

    x, y = load_plain(args.data)
    norm = np.ones(x.shape[1]) if args.intercept else scale_columns(x)
    problem = Problem(scipy.sparse.csc_matrix(x), y, args.ratio, args.intercept)
    known = {name: float(tol) for name, tol in (item.split("=") for item in
                                                filter(None, args.tuned.split(",")))}
    runs, notes = {}, []
    for name in filter(None, args.peers.split(",")):
        try:
            tol = tune(PEERS[name], problem, args, known.get(name))
        except (ImportError, OSError) as problem_found:
            notes.append(f"{name}: {problem_found}")
            continue
        if tol is None:
            notes.append(f"{name}: not at the gap after a run of {args.patience:g} s")
            continue
        runs[f"{name}, tol {tol:.2g}"] = lambda fit=PEERS[name], tol=tol: fit(problem, tol)
    for ranks in map(int, args.ranks.split(",")):
        name = f"strads, {ranks} rank{'s' if ranks > 1 else ''}"
        runs[name] = lambda ranks=ranks: fit_strads(args, problem, norm, ranks)

    seconds, reached = {name: [] for name in runs}, {}
    for _ in range(args.runs):
        for name, run in runs.items():
            taken, beta, offset = run()
            seconds[name].append(taken)
            reached[name] = problem.gap(beta, offset)
    print(f"lambda = {problem.lam:.6f}, {args.runs} runs in turn\n")
    print("| solver | seconds: min | median | max | gap | objective |")
    print("|---|---|---|---|---|---|")
    for name, times in seconds.items():
        print(f"| {name} | {min(times):.3f} | {statistics.median(times):.3f} | {max(times):.3f} "
              f"| {reached[name][1]:.1e} | {reached[name][0]:.5f} |")
    for note in notes:
        print(note)


if __name__ == "__main__":
    main()
