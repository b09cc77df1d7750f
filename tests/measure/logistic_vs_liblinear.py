#!/usr/bin/env python3
"""Time to a relative duality gap: `strads logistic` on 1, 2, … ranks beside liblinear.

Both minimise Σ log(1 + exp(−y Xβ)) + λ‖β‖₁ with unit-norm columns and no intercept, in turn, several
times; loading is excluded on both sides. liblinear is scikit-learn's (LogisticRegression(penalty='l1',
solver='liblinear'), newGLMNET). Every solution's gap is evaluated here from its coefficients by the
formula of docs/formats.md, relative to n·H(share of 1). liblinear's tolerance is halved until that gap
is at or below the target, and only that run is timed; with --tol-fixed it is taken as it is. Responses
above --above become 1, the others −1.

    tests/measure/logistic_vs_liblinear.py TRAIN.svm[.xz] --ratio 0.1 --gap 1e-4 --tol 1e-5 --tol-fixed
"""
import argparse
import json
import os
import tempfile
import time
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

import beside


def entropy(t):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(-t * np.log(t)) + np.nan_to_num(-(1 - t) * np.log1p(-t))


class Problem:
    def __init__(self, x, y, ratio):
        self.x, self.y = x, y
        self.rows = x.tocsr()  # as liblinear wants them
        self.lam = np.abs(x.T @ (y / 2)).max() * ratio

    def gap(self, beta):
        """Objective and relative gap."""
        margin = self.y * (self.x @ beta)
        t = 1 / (1 + np.exp(margin))
        t *= min(1, self.lam / np.abs(self.x.T @ (self.y * t)).max())
        primal = np.logaddexp(0, -margin).sum() + self.lam * np.abs(beta).sum()
        return primal, (primal - entropy(t).sum()) / (len(t) * entropy(np.mean(self.y > 0)))

    def fit_liblinear(self, tol):
        """Seconds, objective, gap."""
        model = LogisticRegression(penalty="l1", solver="liblinear", C=1 / self.lam, tol=tol,
                                   fit_intercept=False, max_iter=100000, random_state=1)
        start = time.perf_counter()
        model.fit(self.rows, self.y)
        seconds = time.perf_counter() - start
        return (seconds, *self.gap(model.coef_.ravel()))


def take_turns(folder, runs):
    """What `--turns` does, by what main() has left in the folder."""
    with open(os.path.join(folder, "plan.json"), encoding="utf-8") as stream:
        plan = json.load(stream)
    x, arrays = beside.restore(folder)
    problem = Problem(x, arrays["y"], plan["ratio"])

    def fit_strads(ranks):
        seconds, beta, _ = beside.fit_strads(
            [plan["strads"], "logistic", plan["data"]],
            ["--standardize", "unit", "--lambda", repr(float(problem.lam)),
             "--tol", repr(plan["gap"]), "--ranks", str(ranks), *plan["extra"]], x.shape[1])
        return (seconds, *problem.gap(beta * arrays["norm"]))

    fits = {}
    if plan["tol"]:
        fits[f"liblinear, tol {plan['tol']:.2g}"] = lambda: problem.fit_liblinear(plan["tol"])
    for name, ranks in beside.strads_names(plan["ranks"]).items():
        fits[name] = lambda ranks=ranks: fit_strads(ranks)
    beside.in_turn(fits, runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside.add_arguments(parser)
    parser.add_argument("--ratio", type=float, default=0.1, help="λ over λ_max")
    parser.add_argument("--above", type=float, default=0)
    parser.add_argument("--gap", type=float, default=1e-5)
    parser.add_argument("--tol", type=float, default=1e-2, help="liblinear's; 0: leave it out")
    parser.add_argument("--tol-fixed", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.turns:
        take_turns(args.turns, args.runs)
        return

    with tempfile.TemporaryDirectory() as folder:
        path = beside.with_responses(args.data, lambda value: 1 if value > args.above else -1,
                                     folder)
        x, y = beside.load(path)
        norm = beside.scale_columns(x)
        beside.save(folder, x, y=y, norm=norm)
        problem = Problem(x, y, args.ratio)
        while args.tol and not args.tol_fixed and problem.fit_liblinear(args.tol)[2] > args.gap:
            args.tol /= 2
        plan = {"data": path, "strads": os.path.abspath(args.strads), "ratio": args.ratio,
                "gap": args.gap, "tol": args.tol, "ranks": args.ranks, "extra": args.extra}
        with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as stream:
            json.dump(plan, stream)
        results = beside.measure(args, __file__, folder)
    print(f"lambda = {problem.lam:.6f}, {args.runs} runs in turn\n")
    beside.print_table(results)


if __name__ == "__main__":
    main()
