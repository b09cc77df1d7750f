#!/usr/bin/env python3
"""What staleness and the lack of a schedule cost: updates, bytes and seconds to a duality gap.

Runs `strads lasso` by schedules with staleness 0 (BSP), 1 and 4 (SSP) and on the parameter server
with the same, over several seeds, and prints a table in Markdown: medians over the seeds that
converged; in place of figures what the program itself said of the others. The set size is that of
all ranks together, so on the server each rank has its part. Bytes are those of a simulated run with
the first seed, where nothing is read in place as in shared memory, after the first evaluation: so
without the statistics of columns and, on the server, the columns read at the start. With --alone
COMMAND the others are started behind that command, which may wait until the machine is idle.

    tests/measure/consistency.py X.mtx --response Y.mtx --lambda 0.05 --standardize center-unit
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import tempfile

SCHEDULES = {
    "random, Gram": ["--scheduler", "random", "--set-update", "gram"],
    "priority, Gram": ["--scheduler", "priority", "--set-update", "gram"],
    "priority + check": ["--scheduler", "priority-check", "--set-update", "plain"],
    "working set": ["--scheduler", "working-set"],
    "server, Gram": ["--mode", "server", "--scheduler", "random", "--set-update", "gram"],
}


def figures(arguments, schedule, staleness, seed, log, extra, fabric=()):
    size = arguments.set_size // (arguments.ranks if schedule.startswith("server") else 1)
    options = ["--staleness", str(staleness), "--max-sets", str(arguments.updates // size)]
    # With a check, what is in flight is kept apart: no more than must be.
    depth = staleness + (1 if schedule == "priority + check" else 2)
    if schedule != "working set":
        options += ["--set-size", str(size), "--evaluate-sets",
                    str(max(1, arguments.cadence // size))]
    alone = [] if fabric else arguments.alone
    command = [*alone, arguments.strads, "lasso", arguments.data, "--quiet", "--tol", str(arguments.gap),
               "--ranks", str(arguments.ranks), "--depth", str(depth), "--seed", str(seed),
               "--log", log, *options, *SCHEDULES[schedule], *extra, *fabric]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    with open(log, encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    if events[-1]["event"] != "summary" or events[-1]["status"] == "failed":
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    first = next(event for event in events if event["event"] == "progress")
    last = events[-1]
    last["sent"] = sum(last["bytes"].values()) - sum(first["bytes"].values())
    return last


def cells(results, simulated):
    good = [r for r in results if r["status"] == "converged"]
    texts = ["", "", ""]
    if good:
        updates, seconds = (statistics.median(r[key] for r in good)
                            for key in ("updates", "seconds"))
        texts = [f"{updates / 1000:.1f}k", f"{simulated['sent'] / 1e6:.2f} MB", f"{seconds:.3g} s"]
    for status in sorted({r["status"] for r in results} - {"converged"}):
        others = [r for r in results if r["status"] == status]
        name = "diverged" if status == "diverged" else \
            f"gap {statistics.median(r['gap'] for r in others):.1e}"
        texts[0] += f"{', ' if texts[0] else ''}{name} ({len(others)})"
    return texts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--set-size", type=int, default=64, help="of all ranks together")
    parser.add_argument("--staleness", default="0,1,4")
    parser.add_argument("--schedules", default=",".join(name.replace(", ", ":") for name in SCHEDULES),
                        help="of: random:Gram, priority:Gram, priority + check, working set, server:Gram")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=300000, help="limit of a run")
    parser.add_argument("--cadence", type=int, default=1000, help="updates between evaluations")
    parser.add_argument("--alone", type=shlex.split, default=[], metavar="COMMAND")
    arguments, extra = parser.parse_known_args()
    print("| schedule | s | updates | bytes | time |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log.jsonl")
        for schedule in (name.replace(":", ", ") for name in arguments.schedules.split(",")):
            for staleness in (int(text) for text in arguments.staleness.split(",")):
                results = [figures(arguments, schedule, staleness, seed, log, extra)
                           for seed in range(1, arguments.seeds + 1)]
                simulated = None
                if any(result["status"] == "converged" for result in results):
                    simulated = figures(arguments, schedule, staleness, 1, log, extra,
                                        ("--fabric", "sim"))
                print(f"| {schedule} | {staleness} |",
                      *(f"{text} |" for text in cells(results, simulated)), flush=True)


if __name__ == "__main__":
    main()
