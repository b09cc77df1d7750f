#!/usr/bin/env python3
"""Time to a relative duality gap: `strads lasso` beside celer, skglm, glmnet and scikit-learn.

All solve minimise ½‖y − Xβ‖² + λ‖β‖₁, with columns of norm 1 or as they are, without an intercept or
with one, in turns, several times; loading is excluded everywhere. Every solution's gap is evaluated
here, by one formula from its coefficients: θ = r·min(1/λ, 1/‖Xᵀr‖∞), relative to ½‖y − ȳ‖². The
tolerance of a peer is lowered in steps of √10 until its gap is at or below the target, and only that
one is timed; a peer that needs longer than --patience is left out from there on.

A peer is used where it can be imported: --path DIR adds a folder, as of a built source tree. glmnet
needs R with glmnet and Matrix, and fits the path of 20 λs down to the one asked for, as it is meant
to be used. scikit-learn corrects every row for every column where a sparse matrix has an intercept:
--center takes the mean off the responses beforehand instead, for all sides.

    tests/measure/lasso_vs_peers.py TRAIN.svm --ratio 0.1 --gap 5e-5 --path celer --path skglm
    tests/measure/lasso_vs_peers.py TRAIN.svm --ratio 0.01 --gap 1e-4 --standardize none --center --peers scikit-learn
"""
import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import beside

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


def warm_up(fit, problem):
    """Lets a solver compile what it does when it is first used, on a problem that is quick."""
    easy = copy.copy(problem)
    easy.lam = 0.5 * problem.top
    fit(easy, 1e-6)


def tune(fit, problem, args, tol):
    """The largest tolerance that reaches the gap, or None if that takes too long."""
    warm_up(fit, problem)
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


def named_tolerances(text):
    return {name: float(tol) for name, tol in (item.split("=") for item in
                                               filter(None, text.split(",")))}


def prepare(args, folder):
    """The problem, and what of it the timed processes need."""
    path = args.data
    x, y = beside.load(path)
    if args.center:
        mean = y.mean()
        path = beside.with_responses(path, lambda value: value - mean, folder)
        y -= mean
    norm = beside.scale_columns(x) if args.standardize == "unit" else np.ones(x.shape[1])
    beside.save(folder, x, y=y, norm=norm)
    return Problem(x, y, args.ratio, args.intercept), os.path.abspath(path)


def tune_all(args, problem):
    """By name: the tolerance of each peer that reaches the gap; and why others do not."""
    known, tolerances, notes = named_tolerances(args.tuned), {}, []
    for name in filter(None, args.peers.split(",")):
        try:
            tol = tune(PEERS[name], problem, args, known.get(name))
        except (ImportError, OSError) as found:
            notes.append(f"{name}: {found}")
            continue
        if tol is None:
            notes.append(f"{name}: not at the gap after a run of {args.patience:g} s")
        else:
            tolerances[name] = tol
    return tolerances, notes


def judged(problem, fit):
    seconds, beta, offset = fit()
    return (seconds, *problem.gap(beta, offset))


def take_turns(folder, runs):
    """What `--turns` does, by what main() has left in the folder."""
    with open(os.path.join(folder, "plan.json"), encoding="utf-8") as stream:
        plan = json.load(stream)
    sys.path[:0] = plan["path"]
    x, arrays = beside.restore(folder)
    problem = Problem(x, arrays["y"], plan["ratio"], plan["intercept"])
    fits = {}
    for name, tol in plan["tolerances"].items():
        warm_up(PEERS[name], problem)
        fits[f"{name}, tol {tol:.2g}"] = \
            lambda fit=PEERS[name], tol=tol: judged(problem, lambda: fit(problem, tol))
    how = ["--standardize", plan["standardize"], "--lambda", repr(float(problem.lam)),
           "--tol", repr(plan["gap"]), *(["--intercept"] if problem.intercept else []),
           *plan["extra"]]

    def fit_strads(ranks):
        seconds, beta, offset = beside.fit_strads(
            [plan["strads"], "lasso", plan["data"]], [*how, "--ranks", str(ranks)], x.shape[1])
        return seconds, beta * arrays["norm"], offset

    for name, ranks in beside.strads_names(plan["ranks"]).items():
        fits[name] = lambda ranks=ranks: judged(problem, lambda: fit_strads(ranks))
    beside.in_turn(fits, runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside.add_arguments(parser)
    parser.add_argument("--ratio", type=float, default=0.1, help="λ over λ_max")
    parser.add_argument("--gap", type=float, default=5e-5)
    parser.add_argument("--standardize", choices=("unit", "none"), default="unit",
                        help="columns of norm 1, or as they are")
    parser.add_argument("--intercept", action="store_true")
    parser.add_argument("--center", action="store_true", help="the responses, beforehand")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--path", action="append", default=[], type=os.path.abspath)
    parser.add_argument("--start-tol", type=float, default=1e-3)
    parser.add_argument("--tuned", default="", help="tolerances known already: celer=1e-5,…")
    parser.add_argument("--patience", type=float, default=60)
    args = parser.parse_args()
    if args.turns:
        take_turns(args.turns, args.runs)
        return
    sys.path[:0] = args.path

    with tempfile.TemporaryDirectory() as folder:
        problem, data = prepare(args, folder)
        tolerances, notes = tune_all(args, problem)
        plan = {"data": data, "strads": os.path.abspath(args.strads), "ratio": args.ratio,
                "gap": args.gap, "intercept": args.intercept, "standardize": args.standardize,
                "ranks": args.ranks, "extra": args.extra, "path": args.path,
                "tolerances": tolerances}
        with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as stream:
            json.dump(plan, stream)
        results = beside.measure(args, __file__, folder)
    print(f"lambda = {problem.lam:.6f}, {args.runs} runs in turn\n")
    beside.print_table(results)
    for note in notes:
        print(note)


if __name__ == "__main__":
    main()
