#!/usr/bin/env python3
"""Tables of docs/mf.md: `strads mf` by itself and beside LIBPMF.

    tests/measure/mf.py ranks TRAIN TEST        accuracy, seconds and memory for several K, on these
                                                ratings and on two generated matrices
    tests/measure/mf.py algorithms TRAIN TEST   errors against seconds and updates, and a plot of them
    tests/measure/mf.py bytes TRAIN             what 1, 2, 4 and 8 ranks hold and send
    tests/measure/mf.py peer TRAIN TEST --libpmf omp-pmf-train
                                                seconds of an iteration beside LIBPMF's, in turn
    tests/measure/mf.py large                   100 million generated ratings

TRAIN and TEST are lines `user item rating`, plain or compressed. λ is chosen on a tenth of TRAIN
(--holdout 0.1), never on TEST. What is timed is started behind the command that --alone names: one
that waits until the machine is idle and keeps it so.
"""
import argparse
import json
import lzma
import os
import shlex
import statistics
import subprocess
import tempfile

import numpy as np

GIB = 2.0 ** 30


def run(args, data, *options, alone=False):
    """The log of a run: its progress lines, then its summary."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as log:
        command = [*(args.alone if alone else []), args.strads, "mf", data, "--quiet", "--json",
                   "--tol", "0", "--log", log.name, *map(str, options), *args.extra]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode not in (0, 2):  # 2: ended by its limit of iterations
            raise SystemExit(f"{shlex.join(command)} failed")
        lines = [json.loads(line) for line in log]
    return [line for line in lines if line["event"] == "progress"], lines[-1]


def choose(args, data, lambdas, *options):
    """Of some λ the one with the least error on a tenth of the data."""
    if len(lambdas) == 1:
        return lambdas[0]
    return min(lambdas, key=lambda value: run(args, data, "--holdout", 0.1, "--lambda", value,
                                              "--ranks", 2, *options)[1]["test_rmse"])


def write_ratings(path, user, item, value):
    """Lines of one width: user, item, rating."""
    lines = np.full((len(user), 22), ord(" "), dtype=np.uint8)
    for at, digits, number in ((0, 8, user), (9, 6, item)):
        for place in range(digits):
            lines[:, at + digits - 1 - place] = ord("0") + number // 10 ** place % 10
    hundredths = np.rint(np.clip(value, 0, 99) * 100).astype(np.int64)
    for place, at in ((0, 20), (1, 19), (2, 17), (3, 16)):
        lines[:, at] = ord("0") + hundredths // 10 ** place % 10
    lines[:, 18] = ord(".")
    lines[:, 21] = ord("\n")
    with open(path, "ab") as out:
        lines.tofile(out)


def products(left, right, user, item, part=10_000):
    """Of a row of each, a few thousand at a time."""
    parts = [slice(at, at + part) for at in range(0, len(user), part)]
    return np.concatenate([np.einsum("ek,ek->e", left[user[some]], right[item[some]])
                           for some in parts])


def generate(folder, name, true_rank, seed=1, users=6000, items=3000, ratings=1_000_000):
    """A matrix with that many equal singular values, and noise a third as large as its entries; a
    tenth of the ratings in a file of their own."""
    random = np.random.default_rng(seed)
    left = random.standard_normal((users, true_rank))
    right = random.standard_normal((items, true_rank)) / true_rank ** 0.5
    pair = random.choice(users * items, ratings, replace=False)
    user, item = pair // items, pair % items
    value = products(left, right, user, item) + random.standard_normal(ratings) / 3
    paths = [os.path.join(folder, f"{name}.{part}") for part in ("train", "test")]
    for path, part in zip(paths, (slice(0, ratings * 9 // 10), slice(ratings * 9 // 10, None))):
        write_ratings(path, user[part], item[part], value[part] + 10)
    return paths


def ranks(args):
    """Which K is worth its time."""
    print("| matrix | K | λ | held-out RMSE | seconds | iterations | MiB of a rank, foreseen |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        matrices = {"MovieLens-1M": (args.train, args.test, [])}
        for rank in args.generate:
            matrices[f"{rank} singular values"] = (*generate(folder, str(rank), rank), ["--biases"])
        for name, (train, test, options) in matrices.items():
            value = args.lambdas[0]
            for factors in args.factors:
                fit = ["--factors", factors, "--iterations", args.iterations, *options]
                if factors <= args.choose_up_to:
                    value = choose(args, train, args.lambdas, *fit)
                _, end = run(args, train, "--test", test, "--lambda", value, "--ranks", 2, *fit,
                             alone=True)
                print(f"| {name} | {factors} | {value} | {end['test_rmse']:.4f} "
                      f"| {end['seconds']:.2f} | {end['iterations']} "
                      f"| {end['peak_bytes'][0] / 2 ** 20:.0f}, "
                      f"{end['memory_predicted_bytes'] / 2 ** 20:.0f} |", flush=True)


def first_below(points, target):
    return next((point for point in points if point["test_rmse"] <= target), None)


def algorithms(args):
    """Errors against seconds and updates."""
    plain = (4, 8, 16, 32, 64)
    kinds = {"CCD": (["ccd"], args.lambdas), "CCD++": (["ccd++"], args.lambdas),
             "ALS": (["als", "--weighted=off"], plain), "ALS-WR": (["als"], args.lambdas),
             "DSGD": (["sgd"], args.lambdas)}
    logs = {}
    print(f"| K = {args.factors[0]} | λ | held-out RMSE | after | to {args.target}: seconds "
          "| iterations | updates |")
    print("|---|---|---|---|---|---|---|")
    for name, (how, lambdas) in kinds.items():
        fit = ["--factors", args.factors[0], "--iterations", args.iterations, "--algorithm", *how]
        value = choose(args, args.train, lambdas, *fit)
        points, end = run(args, args.train, "--test", args.test, "--lambda", value, "--ranks", 2,
                          *fit, alone=True)
        reached = first_below(points, args.target)
        logs[name] = points
        print(f"| {name} | {value} | {end['test_rmse']:.4f} | {end['seconds']:.2f} s | "
              + (f"{reached['seconds']:.3f} | {reached['iterations']} "
                 f"| {reached['updates'] / 1e6:.2f}M |" if reached else "not reached | | |"),
              flush=True)
    plot(args, logs)


def sweeps(points):
    """The evaluations after whole sweeps: the first for each number of them."""
    first = {point["iterations"]: point for point in reversed(points) if point["iterations"] > 0}
    return list(first.values())[::-1]


def plot(args, logs):
    """Two panels side by side, by gnuplot."""
    with tempfile.TemporaryDirectory() as folder:
        for name, points in logs.items():
            with open(os.path.join(folder, name), "w", encoding="ascii") as out:
                for point in sweeps(points):
                    out.write(f"{point['seconds']} {point['updates']} {point['test_rmse']}\n")
        panels = []
        for column, label in ((1, "seconds"), (2, "numbers of W and H updated")):
            curves = ", ".join(f"'{os.path.join(folder, name)}' using {column}:3 with linespoints "
                               f"title '{name}'" for name in logs)
            panels.append(f"set xlabel '{label}'; plot [:] [:0.95] {curves}")
        script = (f"set terminal svg size 1000,400; set output '{args.plot}'; set logscale x; "
                  "set ylabel 'held-out RMSE'; set multiplot layout 1,2; " + "; ".join(panels))
        subprocess.run(["gnuplot", "-e", script], check=True)


def moved(algorithm, factors, items, ranks_count):
    """Bytes of partials read and of commits sent in an iteration, in single precision."""
    others = items * (ranks_count - 1)
    if algorithm == "als":
        return others * (4 * (factors + 1) * (factors + 2) + 4 * factors)
    return others * factors * (16 + 8)


def bytes_of_ranks(args):
    """Resident from a run over shared memory, sent from a simulated one, as over shared memory much
    is read in place."""
    print("| algorithm | K | ranks | MiB of a rank | foreseen | MB moved an iteration "
          "| by formula |")
    print("|---|---|---|---|---|---|---|")
    for algorithm in ("ccd++", "als"):
        for factors in args.factors:
            for count in (1, 2, 4, 8):
                fit = ["--algorithm", algorithm, "--factors", factors, "--ranks", count]
                _, real = run(args, args.train, *fit, "--iterations", 1)
                sent = [sum(run(args, args.train, *fit, "--iterations", n, "--fabric", "sim")[1]
                            ["bytes"].values()) for n in (1, 3)]
                print(f"| {algorithm} | {factors} | {count} "
                      f"| {max(real['peak_bytes']) / 2 ** 20:.0f} "
                      f"| {real['memory_predicted_bytes'] / 2 ** 20:.0f} "
                      f"| {(sent[1] - sent[0]) / 2e6:.2f} "
                      f"| {moved(algorithm, factors, real['items'], count) / 1e6:.2f} |",
                      flush=True)


def peer(args):
    """Seconds of an iteration, each solver in turn, by their own clocks."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, path in (("train", args.train), ("test", args.test)):
            paths.append(os.path.join(folder, name))
            source = lzma.open(path) if path.endswith(".xz") else open(path, "rb")
            with source, open(paths[-1], "wb") as out:
                out.write(source.read())
        counts = [sum(1 for _ in open(path, "rb")) for path in paths]
        size = np.loadtxt(paths[0], usecols=(0, 1), dtype=np.int64).max(axis=0)
        with open(os.path.join(folder, "meta"), "w", encoding="ascii") as meta:
            meta.write(f"{size[0]} {size[1]}\n{counts[0]} train\n{counts[1]} test\n")
        for factors in args.factors:
            peer_table(args, folder, paths, factors)


def libpmf(args, folder, factors, threads):
    """Seconds of an iteration, held-out RMSE at the end. It leaves files where it runs."""
    command = [*args.alone, os.path.abspath(args.libpmf), "-k", factors, "-n", threads, "-l", 0.06,
               "-t", args.iterations, "-T", 1, "-p", 1, "-q", 1, folder, os.devnull]
    out = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True,
                         cwd=folder, env={**os.environ, "OMP_WAIT_POLICY": "passive"}).stdout
    last = [line.split() for line in out.splitlines() if line.startswith("iter")][-1]
    fields = dict(zip(last[::2], last[1::2]))
    return float(fields["time"]) / args.iterations, float(fields["rmse"])


def peer_table(args, folder, paths, factors):
    results = {}
    for seed in range(1, args.runs + 1):
        for count in (1, 2):
            results.setdefault(f"LIBPMF, {count} threads", []).append(
                libpmf(args, folder, factors, count))
            _, end = run(args, paths[0], "--test", paths[1], "--factors", factors, "--lambda",
                         args.lambdas[0], "--iterations", args.iterations, "--ranks", count,
                         "--seed", seed, alone=True)
            results.setdefault(f"strads, {count} ranks", []).append(
                (end["seconds"] / end["iterations"], end["test_rmse"]))
    print(f"| K = {factors} | seconds of an iteration: min | median | max | held-out RMSE |")
    print("|---|---|---|---|---|")
    for name, runs in results.items():
        seconds, error = zip(*runs)
        print(f"| {name} | {min(seconds):.4f} | {statistics.median(seconds):.4f} "
              f"| {max(seconds):.4f} | {statistics.median(error):.4f} |", flush=True)


def large(args):
    """Rank 10 and noise, users and items drawn uniformly; written a tenth at a time."""
    users, items, ratings = 1_000_000, 100_000, 100_000_000
    random = np.random.default_rng(1)
    left = random.standard_normal((users, 10), dtype=np.float32)
    right = random.standard_normal((items, 10), dtype=np.float32) / np.float32(10 ** 0.5)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = os.path.join(folder, "ratings")
        for _ in range(100):
            user = random.integers(users, size=ratings // 100)
            item = random.integers(items, size=ratings // 100)
            value = products(left, right, user, item)
            write_ratings(path, user, item, value + random.standard_normal(len(value)) / 3 + 10)
        del left, right
        points, end = run(args, path, "--holdout", 0.01, "--factors", args.factors[0],
                          "--iterations", 3, "--ranks", 2, "--biases", alone=True)
    each = (points[-1]["seconds"] - points[0]["seconds"]) / (len(points) - 1)
    print(f"{end['ratings']:,} ratings, {end['replaced']:,} replaced: loaded in "
          f"{end['load_seconds']:.1f} s; {each:.2f} s an iteration of K = {args.factors[0]}, "
          f"{end['ratings'] * args.factors[0] / each / 1e6:.0f}M ratings of a factor a second; "
          f"held-out RMSE {end['test_rmse']:.4f}; GiB of each rank at most "
          + ", ".join(f"{peak / GIB:.2f}" for peak in end["peak_bytes"])
          + f", foreseen of the fit {end['memory_predicted_bytes'] / GIB:.2f}")


def main():
    def numbers(kind):
        return lambda text: [kind(word) for word in text.split(",") if word]

    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {"ranks": ranks, "algorithms": algorithms, "bytes": bytes_of_ranks, "peer": peer,
              "large": large}
    parser.add_argument("table", choices=tables)
    parser.add_argument("train", nargs="?")
    parser.add_argument("test", nargs="?")
    parser.add_argument("--factors", type=numbers(int), default=[40], metavar="K,…")
    parser.add_argument("--lambdas", type=numbers(float), default=[0.07], metavar="λ,…")
    parser.add_argument("--choose-up-to", type=int, default=100, metavar="K",
                        help="for larger K λ is that of the K before")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--generate", type=numbers(int), default=[10, 1000],
                        metavar="N,…", help="matrices of so many equal singular values beside these ratings")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--target", type=float, default=0.85, help="held-out RMSE")
    parser.add_argument("--plot", default="mf.svg")
    parser.add_argument("--libpmf", default="omp-pmf-train")
    parser.add_argument("--folder", help="where 2.4 GB of generated ratings may lie")
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("--alone", type=shlex.split, default=[], metavar="COMMAND")
    parser.add_argument("--extra", type=shlex.split, default=[], metavar="'OPTIONS'")
    args = parser.parse_args()
    tables[args.table](args)


if __name__ == "__main__":
    main()
