#!/usr/bin/env python3
"""Rounds of the engine on the simulator: at many ranks, and beside real ones at few.

    tests/measure/simulated_rounds.py [--build BUILD] many [RANKS...]   (8 16 … 1024)
    tests/measure/simulated_rounds.py [--build BUILD] few [FABRIC...]   (shm ofi)

`many` prints what a set costs where all ranks reach each other directly, and by trees, on the network
that is the simulator's default: 1.5 us one way, 100 ns to post a message, 12 GB/s. 1,024 ranks and
8,192 variables take half a minute and 3 GB.

`few` measures on this host how long a signal takes with 8 bytes and with 64 KiB, and how many small
puts a second a rank starts, gives the simulator these figures and sets its rounds beside real ones.
Over shared memory the time to start is the sender's, and the rest of a signal's is its way. Over TCP
within a host there is no way: sender and receiver have half of it each.

Times are in microseconds a set: medians of the repetitions, with the least and the most in brackets.
"""
import argparse
import json
import subprocess
import sys

SIZES = [64, 8192]
LARGE = 65536
DIRECTLY = "4096"


def bench(build, case, *arguments):
    command = [build + "/strads", "bench", case, "--json"] + [str(a) for a in arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600, check=False)
    if done.returncode != 0:
        sys.exit("simulated_rounds: %s ended with %d" % (" ".join(command), done.returncode))
    return sorted(json.loads(done.stdout)["rows"][0]["repetitions"])


def middle(figures):
    return figures[len(figures) // 2]


def simulated(build, case, ranks, size, *network):
    return bench(build, case, "--fabric", "sim", "--ranks", ranks, "-s", size, "-n", 40, "-w", 10,
                 *network)[0]


def many(build, ranks):
    print("| ranks | " + " | ".join("%d variables: directly | by a tree | ratio" % s for s in SIZES) + " |")
    print("|---|" + "---|---|---|" * len(SIZES))
    for n in ranks or [2 ** i for i in range(3, 11)]:
        cells = []
        for size in SIZES:
            directly = simulated(build, "round", n, size, "--fan-out", DIRECTLY)
            tree = simulated(build, "round", n, size)
            cells += ["%.1f" % directly, "%.1f" % tree, "%.2f" % (tree / directly)]
        print("| %s | " % n + " | ".join(cells) + " |", flush=True)


def network_of(build, fabric):
    """What the simulator is to be told, so that its signals take as long as this host's."""
    pair = ["--fabric", fabric, "--ranks", 2, "-r", 5, "-D", "0.05"]
    small = middle(bench(build, "put-signal", "-s", 8, *pair)) * 1e3
    large = middle(bench(build, "put-signal", "-s", LARGE, *pair)) * 1e3
    bandwidth = LARGE / (large - small)
    if fabric == "shm":
        start = 8 / middle(bench(build, "rate", "-s", 8, *pair)) * 1e3
        costs = ["--sim-overhead", start, "--sim-bandwidth", bandwidth]
        base = simulated(build, "put-signal", 2, 8, "--sim-latency", 0, *costs) * 1e3
        costs += ["--sim-latency", max(0, small - base)]
    else:
        costs = ["--sim-overhead", small / 2, "--sim-receive", small / 2, "--sim-latency", 0,
                 "--sim-bandwidth", bandwidth]
    print("%s: a signal takes %.3g ns with 8 bytes, %.3g ns with 64 KiB: %s" % (
        fabric, small, large, " ".join(str(c) if isinstance(c, str) else "%.3g" % c for c in costs)))
    return costs


def few(build, fabrics):
    for fabric in fabrics or ["shm", "ofi"]:
        network = network_of(build, fabric)
        print("\n| %s: ranks | variables | simulated | measured |" % fabric)
        print("|---|---|---|---|")
        for ranks in 2, 4:
            for size in SIZES:
                told = simulated(build, "round", ranks, size, *network)
                real = bench(build, "round", "--fabric", fabric, "--ranks", ranks, "-s", size, "-r", 5, "-D", "0.1")
                print("| %d | %d | %.3g | %.3g (%.3g-%.3g) |" % (
                    ranks, size, told, middle(real), real[0], real[-1]), flush=True)
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("which", choices=["many", "few"])
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    (many if options.which == "many" else few)(options.build, options.what)


main()
