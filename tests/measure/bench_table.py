#!/usr/bin/env python3
"""What docs/performance.md says of `strads bench` on one host, as its tables.

    tests/measure/bench_table.py [BUILD [TURN...]]        (build/release, all turns)

A turn takes up to three minutes, so that a machine can be had for one at a time; --list names them.
Figures are medians of the repetitions, which the sides take in turn, with the least and the most in
brackets; the ratio is that of the medians. Times are in microseconds, bandwidths in MB/s.
"""
import json
import subprocess
import sys

FEW = [8, 128, 2048, 32768, 524288, 8388608]
SWEEP = ["--all", "-D", "0.02"]
ROUNDS = [1, 64, 1024, 8192, 65536]
EVERY = "put get put-signal put-bw get-bw rate fan-in fan-out dispatch pull commit round overlap idle"


def operations():
    quick = ["--ranks", "2", "-s", "8", "-n", "2000", "-r", "51", "--against", "raw"]
    for what in "put-signal", "put", "get":
        yield [what] + quick, [8]
    yield ["put-signal", "--ranks", "2", "-s", "8", "--against", "mpi"], [8]
    many = ["--ranks", "2", "-r", "9", "--against", "all"]
    for what, size in ("put-bw", 1 << 20), ("get-bw", 1 << 20), ("rate", 8):
        yield [what, "-s", str(size)] + many, [size]


def rounds():
    for ranks in "2", "4":
        for depth in "1", "4":
            yield ["round", "--ranks", ranks, "-s", "64", "--depth", depth, "--against", "mpi"], [64]
        yield ["round", "--ranks", ranks, "-D", "0.03", "--against", "mpi"], ROUNDS


def steps():
    for what in "dispatch", "pull", "commit":
        for ranks in "2", "4":
            yield [what, "--ranks", ranks, "--against", "mpi"] + SWEEP, FEW


def crowd():
    for what in EVERY.split():
        sizes = [] if what == "idle" else ["-s", "64"]
        yield [what, "--ranks", "8", "-r", "3"] + sizes, [8, 64]


TURNS = {"operations": operations, "rounds": rounds, "steps": steps, "crowd": crowd}


def figures(row):
    ordered = sorted(row["repetitions"])
    return "%.4g (%.4g-%.4g)" % (ordered[(len(ordered)) // 2], ordered[0], ordered[-1])


def print_rows(arguments, result, sizes):
    """A line for each size and rival; of a case without rivals, one for the size."""
    for size in sizes:
        rows = [row for row in result["rows"] if row["size"] == size]
        for row in rows[1:] or rows:
            alone = row is rows[0]
            rival = ["", "", ""] if alone else [row["side"], figures(row), "%.2f" % row["ratio"]]
            print("| " + " | ".join([" ".join(arguments), str(size), figures(rows[0])] + rival) + " |")
    sys.stdout.flush()


def measure(build, fabric, arguments, sizes):
    command = [build + "/strads", "bench"] + arguments + ["--fabric", fabric, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    if done.returncode != 0:
        sys.exit("bench_table: %s ended with %d" % (" ".join(command), done.returncode))
    print_rows(arguments, json.loads(done.stdout), sizes)


def main():
    turns = [name + "-" + fabric for name in TURNS for fabric in ("shm", "ofi")]
    if sys.argv[1:] == ["--list"]:
        print("\n".join(turns))
        return
    build = sys.argv[1] if len(sys.argv) > 1 else "build/release"
    for turn in sys.argv[2:] or turns:
        if turn not in turns:
            sys.exit("bench_table: '%s' is not a turn; --list names them" % turn)
        name, fabric = turn.rsplit("-", 1)
        print("\n%s, us or MB/s:\n" % turn)
        print("| strads bench | size | strads | beside | its figure | ratio |")
        print("|---|---|---|---|---|---|")
        for arguments, sizes in TURNS[name]():
            measure(build, fabric, arguments, sizes)


main()
