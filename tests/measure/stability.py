#!/usr/bin/env python3
"""Which schedules converge: sets, updates and seconds to a relative duality gap, or "diverged".

Runs `strads lasso` with every scheduler, set size and number of ranks and schedulers, over several
seeds, and prints a table in Markdown: medians over the seeds that converged and how many did; in
place of figures what the program itself said of the others. Evaluations, after every fourth set or
every 250 updates, count among the sets. With --spread it is one line a schedule, with the least and
the most of updates and seconds too.

    tests/measure/stability.py X.mtx --response Y.mtx --lambda 0.05 --standardize center-unit
    tests/measure/stability.py TRAIN.svm --spread --gap 1e-4 --sizes 64 --ranks 2:1 --schedules all
"""
import argparse
import json
import statistics
import subprocess
import sys

SCHEDULES = {
    "cyclic": ["--scheduler", "cyclic", "--set-update", "plain"],
    "random": ["--scheduler", "random", "--set-update", "plain"],
    "priority": ["--scheduler", "priority", "--set-update", "plain"],
    "priority + check": ["--scheduler", "priority-check", "--set-update", "plain", "--depth", "1"],
    "cyclic, Gram": ["--scheduler", "cyclic"],
    "random, Gram": ["--scheduler", "random"],
    "fixed blocks, Gram": ["--scheduler", "fixed"],
    "rotation, Gram": ["--scheduler", "rotation"],
    "signalling, Gram": ["--scheduler", "signalling"],
    "priority, Gram": ["--scheduler", "priority"],
    "priority + check, Gram": ["--scheduler", "priority-check", "--depth", "1"],
    "working set": ["--scheduler", "working-set"],
}
GRID = "cyclic;random;priority;priority + check;random, Gram;priority, Gram"


def run(arguments, schedule, size, pair, seed, extra):
    ranks, schedulers = pair.split(":")
    every = max(4, arguments.cadence // size)
    most = arguments.updates // min(size, 32) * (every + 1) // every
    if arguments.cadence == 0 or schedule == "working set":
        every = 0
    command = [arguments.strads, "lasso", arguments.data, "--quiet", "--json",
               "--tol", str(arguments.gap), "--ranks", ranks, "--schedulers", schedulers,
               "--set-size", str(size), "--seed", str(seed), "--max-sets", str(3 + most),
               "--evaluate-sets", str(every), *SCHEDULES[schedule], *extra]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if not done.stdout:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    result = json.loads(done.stdout)
    if result["status"] == "failed":
        print(f"{' '.join(command)}\n{result['error']}", file=sys.stderr)
    return result


def others(results):
    """What the program said of those that did not converge, and of how many."""
    texts = []
    for status in sorted({r["status"] for r in results} - {"converged"}):
        these = [r for r in results if r["status"] == status]
        if status == "limit":
            status = f"gap {statistics.median(r['gap'] for r in these):.1e}"
        texts.append(f"{status} ({len(these)})")
    return texts


def cell(results):
    good = [r for r in results if r["status"] == "converged"]
    text = []
    if good:
        sets, updates, seconds = (statistics.median(r[key] for r in good)
                                  for key in ("sets", "updates", "seconds"))
        text.append(f"{sets:.0f} / {updates / 1000:.1f}k / {seconds:.3g} s")
    return ", ".join(text + others(results))


def spread(results):
    good = [r for r in results if r["status"] == "converged"]
    if not good:
        return [", ".join(others(results)), ""]
    texts = []
    for key, unit, suffix in (("updates", 1000, "k"), ("seconds", 1, " s")):
        values = [r[key] / unit for r in good]
        middle, least, most = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in
                               (statistics.median(values), min(values), max(values)))
        texts.append(f"{middle}{suffix} ({least}–{most})")
    return [", ".join(texts[:1] + others(results)), texts[1]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--schedules", default=GRID,
                        help=f"separated by semicolons, of: {'; '.join(SCHEDULES)}; or all")
    parser.add_argument("--sizes", default="1,64,128,256", help="variables in a set, …")
    parser.add_argument("--ranks", default="1:1,2:1,2:2,4:1,4:4", help="ranks:schedulers, …")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=150000, help="limit of a run")
    parser.add_argument("--cadence", type=int, default=250,
                        help="updates between evaluations; 0: when the gap is likely to be small")
    parser.add_argument("--spread", action="store_true", help="median (least–most)")
    arguments, extra = parser.parse_known_args()
    chosen = SCHEDULES if arguments.schedules == "all" else arguments.schedules.split(";")
    sizes = [int(size) for size in arguments.sizes.split(",")]
    heads = [f"U = {size}" for size in sizes]
    if arguments.spread:
        heads = [f"{head}{what}" for head in heads for what in (": updates", ", seconds")]
    print("| schedule | ranks : schedulers |", *(f"{head} |" for head in heads))
    print("|---|---|" + "---|" * len(heads))
    for schedule in chosen:
        for pair in arguments.ranks.split(","):
            cells = []
            for size in sizes:
                results = [run(arguments, schedule, size, pair, seed, extra)
                           for seed in range(1, arguments.seeds + 1)]
                cells += spread(results) if arguments.spread else [cell(results)]
            print(f"| {schedule} | {pair} |", *(f"{text} |" for text in cells), flush=True)


if __name__ == "__main__":
    main()
