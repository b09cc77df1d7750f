#!/usr/bin/env python3
"""Plants products of two columns in the response of a real matrix and lets `strads lasso --features
pairs` find them among all products.

The matrix is the first COLUMNS columns of DATA (svmlight, may be compressed by xz), its values
divided by the largest so that they lie in [0, 1]. The planted pairs are drawn among the columns that
occur in 100 to 5000 rows, both in at least 30. The response is the sum of the planted products, each
scaled to norm 1 and times a coefficient of random sign and magnitude 50 to 100, and Gaussian noise.

    tests/measure/pairs.py DATA --strads build/release/strads --ranks 2
"""
import argparse
import json
import lzma
import os
import random
import subprocess
import tempfile


def read(path, columns):
    rows, largest = [], 0.0
    with (lzma.open if path.endswith(".xz") else open)(path, "rt") as file:
        for line in file:
            entries = (entry.split(":") for entry in line.split()[1:])
            rows.append({int(j): float(v) for j, v in entries if int(j) <= columns})
            largest = max(largest, *rows[-1].values(), 0.0)
    return [{j: v / largest for j, v in row.items()} for row in rows]


def plant(rows, count, generator):
    where = {}
    for i, row in enumerate(rows):
        for j in row:
            where.setdefault(j, set()).add(i)
    usual = {j for j, inside in where.items() if 100 <= len(inside) <= 5000}
    pairs = {}
    while len(pairs) < count:
        some = sorted(usual.intersection(generator.choice(rows)))
        if len(some) < 2:
            continue
        a, b = sorted(generator.sample(some, 2))
        if len(where[a] & where[b]) >= 30:
            pairs[a, b] = generator.choice((-1, 1)) * generator.uniform(50, 100)
    return pairs, where


def response(rows, pairs, where, noise, generator):
    y = [generator.gauss(0, noise) for _ in rows]
    for (a, b), coefficient in pairs.items():
        both = sorted(where[a] & where[b])
        norm = sum((rows[i][a] * rows[i][b]) ** 2 for i in both) ** 0.5
        for i in both:
            y[i] += coefficient * rows[i][a] * rows[i][b] / norm
    return y


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("--columns", type=int, default=141422)
    parser.add_argument("--planted", type=int, default=20)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--keep", help="write the problem here and leave it")
    parser.add_argument("fit", nargs="*", default=[], help="further options of strads lasso, after --")
    arguments = parser.parse_args()

    generator = random.Random(arguments.seed)
    rows = read(arguments.data, arguments.columns)
    pairs, where = plant(rows, arguments.planted, generator)
    y = response(rows, pairs, where, arguments.noise, generator)
    entries = sum(map(len, rows))
    print(f"{len(rows)} rows, {arguments.columns} columns, {entries} entries: density "
          f"{entries / len(rows) / arguments.columns:.3g}; "
          f"{arguments.columns * (arguments.columns - 1) // 2} products, {len(pairs)} planted")
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.keep or os.path.join(folder, "planted.svm")
        model = os.path.join(folder, "model")
        with open(data, "w") as file:
            for value, row in zip(y, rows):
                file.write(f"{value:.9g}" + "".join(f" {j}:{v:.9g}" for j, v in sorted(row.items())))
                file.write("\n")
        command = [arguments.strads, "lasso", data, "--features", "pairs", "--standardize", "unit",
                   "--tol", "1e-4", "--ranks", str(arguments.ranks), "--model", model, "--quiet",
                   "--json", *(arguments.fit or ["--lambda-ratio", "0.1"])]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 2):
            raise SystemExit(done.stderr)
        result = json.loads(done.stdout)
        found = {}
        with open(model) as file:
            for line in file:
                name, value = line.split()
                if "*" in name:
                    found[tuple(map(int, name.split("*")))] = float(value)
    hits = [pair for pair, value in pairs.items() if found.get(pair, 0) * value > 0]
    print(f"{result['status']}: relative gap {result['gap']:.3g} over all products, "
          f"{result['seconds']:.3g} s of fitting, {result['load_seconds']:.3g} s of loading, "
          f"{arguments.ranks} ranks, "
          f"{' + '.join(str(b >> 20) for b in result['peak_bytes'])} MiB")
    print(f"{result['nonzeros']} products in the model, {len(hits)} of {len(pairs)} planted among "
          f"them; {result['searched']['columns']:.0f} columns could not be discarded in the last "
          f"search, {result['searched']['products']:.3g} multiply-adds")
    missing = [f"{a}*{b}" for a, b in pairs if (a, b) not in hits]
    if missing:
        print("missing:", *missing)


if __name__ == "__main__":
    main()
