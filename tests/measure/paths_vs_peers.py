#!/usr/bin/env python3
"""Time for a path of λs, or its cross-validation: `strads lasso` beside celer and scikit-learn.

All fit minimise ½‖y − Xβ‖² + λ‖β‖₁ for the same λs, from λ_max down geometrically, each from the
solution before, with columns of norm 1 and no intercept, in turns; loading is excluded everywhere.
Of a path the table has the objective at the last λ, and the largest gap over all λs, each relative
to ½‖y − ȳ‖² and evaluated here: θ = r·min(1/λ, 1/‖Xᵀr‖∞). With --cv K all λs are fitted to all rows
and without each of K folds: celer's and scikit-learn's LassoCV on one core each, with folds of
neighbouring rows; strads draws its folds and scales each fold's columns anew, so that the λ chosen,
which stands in place of the objective, need not be the same to the last step.

    tests/measure/paths_vs_peers.py TRAIN.svm --points 20 --least 0.05 --tol 3e-5 --path celer --peers celer
    tests/measure/paths_vs_peers.py TRAIN.svm --points 20 --least 0.05 --tol 3e-5 --cv 5
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import beside


class Problem:
    def __init__(self, x, y, norm, plan):
        self.x, self.y, self.norm, self.plan = x, y, norm, plan
        self.rows = x.T.tocsr()
        top = np.abs(self.rows @ y).max()
        self.lambdas = top * plan["least"] ** (np.arange(plan["points"]) / (plan["points"] - 1))

    def gap(self, beta, lam):
        """Objective and relative gap."""
        r = self.y - self.x @ beta
        s = min(1, lam / np.abs(self.rows @ r).max())
        primal = 0.5 * r @ r + lam * np.abs(beta).sum()
        dual = s * r @ self.y - 0.5 * s * s * r @ r
        return primal, (primal - dual) / (0.5 * ((self.y - self.y.mean()) ** 2).sum())

    def judged(self, seconds, betas):
        found = [self.gap(beta, lam) for beta, lam in zip(betas, self.lambdas)]
        return seconds, found[-1][0], max(gap for _, gap in found)


def peers(name):
    """What fits a path, and the cross-validation."""
    if name == "celer":
        from celer import LassoCV, celer_path
        return (lambda x, y, alphas, tol: celer_path(x, y, "lasso", alphas=alphas, tol=tol)[1],
                LassoCV)
    from sklearn.linear_model import LassoCV, lasso_path
    return (lambda x, y, alphas, tol: lasso_path(x, y, alphas=alphas, tol=tol, max_iter=100000)[1],
            LassoCV)


def fit_peer(problem, name):
    path, validation = peers(name)
    alphas = problem.lambdas / len(problem.y)
    start = time.perf_counter()
    if not problem.plan["cv"]:
        coefficients = path(problem.x, problem.y, alphas, problem.plan["tol"])
        return problem.judged(time.perf_counter() - start, coefficients.T)
    model = validation(alphas=alphas, cv=problem.plan["cv"], tol=problem.plan["tol"],
                       fit_intercept=False, max_iter=100000).fit(problem.x, problem.y)
    return time.perf_counter() - start, model.alpha_ * len(problem.y), float("nan")


def read_path(path, norm):
    """The coefficients of each λ, of columns of norm 1."""
    betas = []
    with open(path, encoding="ascii") as lines:
        for word in map(str.split, lines):
            if word and word[0] == "lambda":
                betas.append(np.zeros(len(norm)))
            elif word and word[0].isdigit():
                index = int(word[0]) - 1
                betas[-1][index] = float(word[1]) * norm[index]
    return betas


def fit_strads(problem, ranks):
    plan = problem.plan
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.txt")
        done = subprocess.run(
            [plan["strads"], "lasso", plan["data"], "--standardize", "unit", "--path",
             str(plan["points"]), "--path-min-ratio", repr(plan["least"]), "--cv", str(plan["cv"]),
             "--tol", repr(plan["gap"]), "--ranks", str(ranks), "--json", "--quiet", "--model",
             model, *plan["extra"]], check=True, capture_output=True, text=True)
        summary = json.loads(done.stdout)
        if plan["cv"]:
            # Of the folds there is no clock but that of the whole run.
            return (summary["total_seconds"] - summary["load_seconds"], summary["lambda"],
                    float("nan"))
        return problem.judged(summary["path"]["seconds"], read_path(model, problem.norm))


def take_turns(folder, runs):
    """What `--turns` does, by what main() has left in the folder."""
    with open(os.path.join(folder, "plan.json"), encoding="utf-8") as stream:
        plan = json.load(stream)
    sys.path[:0] = plan["path"]
    x, arrays = beside.restore(folder)
    problem = Problem(x, arrays["y"], arrays["norm"], plan)
    fits = {f"{name}, tol {plan['tol']:g}": lambda name=name: fit_peer(problem, name)
            for name in filter(None, plan["peers"].split(","))}
    for name, ranks in beside.strads_names(plan["ranks"]).items():
        fits[name] = lambda ranks=ranks: fit_strads(problem, ranks)
    beside.in_turn(fits, runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside.add_arguments(parser)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--least", type=float, default=0.05, help="the last λ over the first")
    parser.add_argument("--cv", type=int, default=0)
    parser.add_argument("--gap", type=float, default=5e-5, help="that strads is to reach")
    parser.add_argument("--tol", type=float, default=3e-5, help="of the peers")
    parser.add_argument("--peers", default="celer,scikit-learn")
    parser.add_argument("--path", action="append", default=[], type=os.path.abspath)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.turns:
        take_turns(args.turns, args.runs)
        return

    with tempfile.TemporaryDirectory() as folder:
        x, y = beside.load(args.data)
        norm = beside.scale_columns(x)
        beside.save(folder, x, y=y, norm=norm)
        plan = {name: getattr(args, name) for name in ("points", "least", "cv", "gap", "tol",
                                                       "peers", "ranks", "extra", "path")}
        plan.update(data=os.path.abspath(args.data), strads=os.path.abspath(args.strads))
        with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as stream:
            json.dump(plan, stream)
        results = beside.measure(args, __file__, folder)
    beside.print_table(results)


if __name__ == "__main__":
    main()
