#!/usr/bin/env python3
"""The table of docs/mf.md that compares `strads mf --algorithm sgd` with LIBMF's mf-train.

    tests/measure/mf_vs_libmf.py choose TRAIN --libmf mf-train
                                        λ and rate of both, by the least error on a tenth of TRAIN
    tests/measure/mf_vs_libmf.py time TRAIN TEST --libmf mf-train --lambda L --rate R
                       --libmf-lambda M --libmf-rate S
                                        seconds to an error of --target on TEST, each in turn

TRAIN and TEST are lines `user item rating`, plain or compressed by xz. Loading is excluded: strads
counts from when its ratings are there, and so includes laying them out; of mf-train the clock runs
from its table's header, behind loading and laying out, to the line with the error. Both evaluate
after each iteration.
"""
import argparse
import itertools
import json
import lzma
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time


def plain(folder, path):
    """The file, or its decompressed copy."""
    if not path.endswith(".xz"):
        return path
    copy = os.path.join(folder, os.path.basename(path)[:-3])
    with lzma.open(path) as source, open(copy, "wb") as out:
        out.write(source.read())
    return copy


def split(folder, path):
    """Nine of ten lines, drawn by their number, and the tenth, in files of their own."""
    parts = [os.path.join(folder, name) for name in ("fitted", "held")]
    with open(path, "rb") as lines, open(parts[0], "wb") as most, open(parts[1], "wb") as few:
        for number, line in enumerate(lines):
            (few if number * 2654435761 % 2 ** 32 < 2 ** 32 // 10 else most).write(line)
    return parts


def strads(args, paths, ranks, seed, value, rate):
    """(seconds, held-out RMSE) after each sweep; seconds of laying out."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as log:
        command = [args.strads, "mf", paths[0], "--test", paths[1], "--algorithm", "sgd",
                   "--factors", str(args.factors), "--lambda", str(value), "--tol", "0",
                   "--iterations", str(args.iterations), "--ranks", str(ranks), "--seed",
                   str(seed), "--rate", str(rate), "--quiet", "--log", log.name]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        if done.returncode not in (0, 2):  # 2: ended by its limit of iterations
            raise SystemExit(f"{shlex.join(command)} failed")
        lines = [json.loads(line) for line in log]
    points = [(line["seconds"], line["test_rmse"]) for line in lines
              if line["event"] == "progress"]
    return points, lines[-1]["layout_seconds"]


def libmf(args, paths, threads, value, rate):
    """The same; seconds of loading and laying out together."""
    command = ["stdbuf", "-oL", args.libmf, "-l2", str(value), "-k", str(args.factors), "-t",
               str(args.iterations), "-r", str(rate), "-s", str(threads), "-n", "20", "-p", paths[1],
               paths[0], os.devnull]
    points, start = [], time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            now, words = time.monotonic(), line.split()
            if words[0] == "iter":
                begun = now
            elif words[0].isdigit():
                points.append((now - begun, float(words[2])))
    if run.returncode:
        raise SystemExit(f"{shlex.join(command)} failed")
    return points, begun - start


def choose(args, paths):
    """λ and rate of least error on held-out training ratings, after however many iterations."""
    with tempfile.TemporaryDirectory() as folder:
        parts = split(folder, paths[0])
        for name, fit in (("strads", lambda *values: strads(args, parts, 2, 1, *values)),
                          ("LIBMF", lambda *values: libmf(args, parts, 2, *values))):
            errors = {values: min(error for _, error in fit(*values)[0])
                      for values in itertools.product(args.lambdas, args.rates)}
            print(name, " ".join(f"{value}, {rate}: {error:.4f};"
                                 for (value, rate), error in errors.items()),
                  "->", min(errors, key=errors.get), flush=True)


def compare(args, paths):
    """Who is sooner there."""
    runs = {}
    for seed in range(1, args.runs + 1):
        for count in args.counts:
            for name, points in (
                    (f"mf-train, {count} threads",
                     libmf(args, paths, count, args.libmf_lambda, args.libmf_rate)),
                    (f"strads, {count} ranks",
                     strads(args, paths, count, seed, args.value, args.rate))):
                runs.setdefault(name, []).append(points)
                print(name, " ".join(f"{error:.4f}@{seconds:.3f}" for seconds, error in points[0]),
                      file=sys.stderr, flush=True)
    print(f"| K = {args.factors} | seconds to {args.target}: min | median | max | iterations "
          "| of an iteration | laying out | RMSE at the end |")
    print("|---|---|---|---|---|---|---|---|")
    for name, all_runs in runs.items():
        hits = [next(((seconds, number + 1) for number, (seconds, error) in enumerate(points)
                      if error <= args.target), (float("inf"), 0)) for points, _ in all_runs]
        seconds = [hit[0] for hit in hits]
        laid = statistics.median(before for _, before in all_runs)
        each = statistics.median((points[-1][0] - points[0][0]) / (len(points) - 1)
                                 for points, _ in all_runs)
        print(f"| {name} | {min(seconds):.3f} | {statistics.median(seconds):.3f} "
              f"| {max(seconds):.3f} | {'-'.join(str(n) for n in sorted({n for _, n in hits}))} "
              f"| {each:.4f} | {laid:.3f}{' with loading' if 'mf-train' in name else ''} "
              f"| {statistics.median(points[-1][1] for points, _ in all_runs):.4f} |", flush=True)


def numbers(text):
    return [float(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("choose", "time"))
    parser.add_argument("train")
    parser.add_argument("test", nargs="?")
    parser.add_argument("--libmf", default="mf-train")
    parser.add_argument("--factors", type=int, default=40)
    parser.add_argument("--iterations", type=int, default=14)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--counts", type=lambda text: [int(word) for word in text.split(",")],
                        default=[1, 2], metavar="N,…", help="of ranks and of threads")
    parser.add_argument("--target", type=float, default=0.8440, help="held-out RMSE")
    parser.add_argument("--lambda", dest="value", type=float, default=0.05)
    parser.add_argument("--libmf-lambda", type=float, default=0.05)
    parser.add_argument("--rate", type=float, default=0.08)
    parser.add_argument("--libmf-rate", type=float, default=0.1)
    parser.add_argument("--lambdas", type=numbers, default=[0.04, 0.045, 0.05, 0.055],
                        metavar="λ,…")
    parser.add_argument("--rates", type=numbers, default=[0.07, 0.08, 0.09, 0.1], metavar="η,…")
    parser.add_argument("--strads", default="build/release/strads")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [plain(folder, path) for path in (args.train, args.test) if path]
        (choose if args.what == "choose" else compare)(args, paths)


if __name__ == "__main__":
    main()
