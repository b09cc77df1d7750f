#!/usr/bin/env python3
"""What docs/performance.md says of `strads bench` on one host, as its tables.

    tests/measure/bench_table.py [BUILD [TURN...]]        (build/release, all turns)

A turn takes up to a minute, so that a machine can be had for one at a time; --list names them. Of
rounds and their steps a figure is the median of all sets of all repetitions, which the sides take in
turn: on a machine that others use, a mean is theirs. Of operations it is the median of the
repetitions, with the least and the most in brackets. The ratio is that of these medians; "sets a second",
ours by MPI's, is of means. Times are in microseconds, bandwidths in MB/s.
"""
import json
import subprocess
import sys

FEW = [8, 128, 2048, 32768, 524288, 8388608]
SWEEP = ["--all", "-D", "0.02", "-r", "5"]
STEPS = ["dispatch", "pull", "commit"]
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


def round_rows():
    """What one run takes of `strads bench round`, and which of its sizes under which names."""
    for depth in "1", "2", "4":
        yield ["-s", "64", "--depth", depth], {64: "64 variables, depth " + depth}
    yield (["-s", "64", "--depth", "4", "--schedulers", "2"],
           {64: "64 variables, depth 4, 2 schedulers"})
    yield ["-D", "0.03", "-r", "5"], {size: "%d" % size for size in ROUNDS}


def crowd():
    for what in EVERY.split():
        sizes = [] if what == "idle" else ["-s", "64"]
        yield [what, "--ranks", "8", "-r", "3"] + sizes, [8, 64]


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


def measure(build, fabric, arguments):
    command = [build + "/strads", "bench"] + arguments + ["--fabric", fabric, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    if done.returncode != 0:
        sys.exit("bench_table: %s ended with %d" % (" ".join(command), done.returncode))
    return json.loads(done.stdout)


def cells(result, size):
    """Strads, its rival and the ratio, of the medians of all sets."""
    ours, theirs = [row["p50_us"] for row in result["rows"] if row["size"] == size]
    return ["%.3g" % ours, "%.3g" % theirs, "%.2f" % (ours / theirs)]


def speed(result, size):
    """Sets a second of strads, by those of its rival."""
    ours, theirs = [row["mean_us"] for row in result["rows"] if row["size"] == size]
    return "%.2f" % (theirs / ours)


def print_head(title, columns):
    print("| %s | " % title + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns), flush=True)


def print_list(build, fabric, commands):
    print_head("strads bench", ["size", "strads", "beside", "its figure", "ratio"])
    for arguments, sizes in commands:
        print_rows(arguments, measure(build, fabric, arguments), sizes)


def print_rounds(build, fabric, ranks):
    print_head("%s, %s ranks: round" % (fabric, ranks), ["strads", "MPI", "ratio", "sets a second"])
    for arguments, names in round_rows():
        result = measure(build, fabric, ["round", "--ranks", ranks, "--against", "mpi"] + arguments)
        for size, name in names.items():
            line = cells(result, size) + [speed(result, size)]
            print("| %s | " % name + " | ".join(line) + " |", flush=True)


def print_steps(build, fabric, ranks):
    columns = [name for step in STEPS for name in (step, "MPI", "ratio")]
    results = [measure(build, fabric, [step, "--ranks", ranks, "--against", "mpi"] + SWEEP)
               for step in STEPS]
    print_head("%s, %s ranks: bytes of a step" % (fabric, ranks), columns)
    for size in FEW:
        line = [cell for result in results for cell in cells(result, size)]
        print("| %d | " % size + " | ".join(line) + " |", flush=True)


def turns_of(build, fabric):
    yield "operations-" + fabric, lambda: print_list(build, fabric, operations())
    for ranks in "2", "4":
        yield "rounds-%s-%s" % (fabric, ranks), lambda n=ranks: print_rounds(build, fabric, n)
        yield "steps-%s-%s" % (fabric, ranks), lambda n=ranks: print_steps(build, fabric, n)
    yield "crowd-" + fabric, lambda: print_list(build, fabric, crowd())


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build/release"
    turns = dict(turn for fabric in ("shm", "ofi") for turn in turns_of(build, fabric))
    if build == "--list":
        print("\n".join(turns))
        return
    for turn in sys.argv[2:] or turns:
        if turn not in turns:
            sys.exit("bench_table: '%s' is not a turn; --list names them" % turn)
        print("\n%s:\n" % turn)
        turns[turn]()


main()
