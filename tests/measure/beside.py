"""What the scripts share that set strads beside other solvers: data, runs in turn, the table.

A script prepares its data and the others' tolerances at leisure. What is timed happens in processes
of its own, `SCRIPT --turns FOLDER`, each of which loads what was saved in the folder and goes some
times through all solvers, one after the other. Started behind the command that --alone names (one
that waits until the machine is idle and keeps it so), such a process meets nobody else.
"""
import json
import lzma
import os
import shlex
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import scipy.sparse
from sklearn.datasets import load_svmlight_file


def add_arguments(parser):
    parser.add_argument("data", nargs="?")
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("--alone", type=shlex.split, default=[], metavar="COMMAND",
                        help="what is timed is started behind it")
    parser.add_argument("--at-once", type=int, default=0, metavar="N",
                        help="so many times through all solvers at a time; 0: all")
    parser.add_argument("--turns", metavar="FOLDER", help="what --alone starts")
    parser.add_argument("--extra", type=shlex.split, default=[], metavar="'OPTIONS'",
                        help="further options of strads")


def open_text(path):
    return lzma.open(path) if path.endswith(".xz") else open(path, "rb")


def load(path):
    with open_text(path) as stream:
        x, y = load_svmlight_file(stream)
    return x.tocsc(), y


def scale_columns(x):
    """Scales the columns to norm 1 and returns the norms they had."""
    norm = np.sqrt(np.asarray(x.multiply(x).sum(axis=0)).ravel())
    norm[norm == 0] = 1
    x.data /= np.repeat(norm, np.diff(x.indptr))
    return norm


def with_responses(path, change, folder):
    """A copy of a file whose responses went through `change`."""
    copy = os.path.join(folder, "data.svm")
    with open_text(path) as stream, open(copy, "w", encoding="ascii") as out:
        for line in stream:
            response, _, rest = line.decode("ascii").partition(" ")
            out.write(f"{change(float(response))!r} {rest}")
    return copy


def save(folder, x, **arrays):
    np.savez(os.path.join(folder, "data.npz"), data=x.data, indices=x.indices, indptr=x.indptr,
             shape=x.shape, **arrays)


def restore(folder):
    """The matrix, by columns, and the other arrays by name."""
    with np.load(os.path.join(folder, "data.npz")) as saved:
        arrays = {name: saved[name] for name in saved.files}
    x = scipy.sparse.csc_matrix(tuple(arrays.pop(name) for name in ("data", "indices", "indptr")),
                                arrays.pop("shape"))
    return x, arrays


def read_model(path, cols):
    beta, offset = np.zeros(cols), 0.0
    with open(path, encoding="ascii") as lines:
        for word in map(str.split, lines):
            if word and word[0] == "intercept":
                offset = float(word[1])
            elif word and word[0].isdigit():
                beta[int(word[0]) - 1] = float(word[1])
    return beta, offset


def fit_strads(command, options, cols):
    """Seconds, coefficients on the original scale, intercept."""
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.txt")
        out = subprocess.run([*command, *options, "--json", "--quiet", "--model", model],
                             check=True, capture_output=True, text=True).stdout
        return json.loads(out)["seconds"], *read_model(model, cols)


def strads_names(ranks):
    return {f"strads, {count} rank{'s' if int(count) > 1 else ''}": int(count)
            for count in filter(None, ranks.split(","))}


def in_turn(fits, runs):
    """What --turns prints: by name, of each run what the fit gave."""
    print(json.dumps([{name: fit() for name, fit in fits.items()} for _ in range(runs)]))


def measure(args, script, folder):
    """Of each run, by name: seconds, objective, gap."""
    runs = []
    while len(runs) < args.runs:
        count = min(args.at_once or args.runs, args.runs - len(runs))
        command = [*args.alone, sys.executable, script, "--turns", folder, "--runs", str(count)]
        runs += json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE,
                                          text=True).stdout)
    return {name: [run[name] for run in runs] for name in runs[0]}


def print_table(results):
    """`of the quickest other`: medians over the least median of those that are not strads."""
    median = {name: statistics.median(run[0] for run in runs) for name, runs in results.items()}
    others = [value for name, value in median.items() if not name.startswith("strads")]
    print("| solver | seconds: min | median | max | of the quickest other | gap | objective |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in results.items():
        seconds = [run[0] for run in runs]
        part = f"{median[name] / min(others):.2f}" if others and name.startswith("strads") else ""
        print(f"| {name} | {min(seconds):.3f} | {median[name]:.3f} | {max(seconds):.3f} | {part} "
              f"| {max(run[2] for run in runs):.1e} | {runs[-1][1]:.5f} |")
