#!/usr/bin/env python3
"""Which schedules converge: sets, updates and seconds to a relative duality gap, or "diverged".

Runs `strads lasso` with every scheduler, set size and number of ranks and schedulers, over several
seeds, and prints a table in Markdown: medians over the seeds that converged and how many did; in
place of figures what the program itself said of the others. Evaluations, after every fourth set or
every 250 updates, count among the sets.

    tests/measure/stability.py X.mtx --response Y.mtx --lambda 0.05 --standardize center-unit
"""
import argparse
import json
import statistics
import subprocess

SCHEDULES = {
    "cyclic": ["--scheduler", "cyclic", "--set-update", "plain"],
    "random": ["--scheduler", "random", "--set-update", "plain"],
    "priority": ["--scheduler", "priority", "--set-update", "plain"],
    "priority + check": ["--scheduler", "priority-check", "--set-update", "plain", "--depth", "1"],
    "random, Gram": ["--scheduler", "random", "--set-update", "gram"],
    "priority, Gram": ["--scheduler", "priority", "--set-update", "gram"],
}


def run(arguments, schedule, size, ranks, schedulers, seed, extra):
    every = max(4, arguments.cadence // size)
    most = arguments.updates // min(size, 32) * (every + 1) // every
    command = [arguments.strads, "lasso", arguments.data, "--quiet", "--json",
               "--tol", str(arguments.gap), "--ranks", str(ranks), "--schedulers", str(schedulers),
               "--set-size", str(size), "--seed", str(seed), "--evaluate-sets", str(every),
               "--max-sets", str(3 + most), *SCHEDULES[schedule], *extra]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if not done.stdout:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def cell(results):
    good = [r for r in results if r["status"] == "converged"]
    said = {r["status"] for r in results} - {"converged"}
    text = []
    if good:
        sets, updates, seconds = (statistics.median(r[key] for r in good)
                                  for key in ("sets", "updates", "seconds"))
        text.append(f"{sets:.0f} / {updates / 1000:.1f}k / {seconds:.3g} s")
    for status in sorted(said):
        count = sum(r["status"] == status for r in results)
        name = "diverged" if status == "diverged" else \
            f"gap {statistics.median(r['gap'] for r in results if r['status'] == status):.1e}"
        text.append(f"{name} ({count})")
    return ", ".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--sizes", default="1,64,128,256")
    parser.add_argument("--ranks", default="1:1,2:1,2:2,4:1,4:4", help="ranks:schedulers, …")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=150000, help="limit of a run")
    parser.add_argument("--cadence", type=int, default=250, help="updates between evaluations")
    arguments, extra = parser.parse_known_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    print("| schedule | ranks : schedulers |", *(f"U = {size} |" for size in sizes))
    print("|---|---|" + "---|" * len(sizes))
    for schedule in SCHEDULES:
        for pair in arguments.ranks.split(","):
            ranks, schedulers = (int(number) for number in pair.split(":"))
            cells = [cell([run(arguments, schedule, size, ranks, schedulers, seed, extra)
                           for seed in range(1, arguments.seeds + 1)]) for size in sizes]
            print(f"| {schedule} | {pair} |", *(f"{text} |" for text in cells), flush=True)


if __name__ == "__main__":
    main()
