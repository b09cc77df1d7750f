#!/usr/bin/python3
"""The tables and the picture of docs/lda.md that compare `strads lda` with WarpLDA and MALLET.

    lda_vs_peers.py strads DATA --topics K --runs FILE …    a run of each --init, added to FILE
    lda_vs_peers.py warplda DATA --topics K --runs FILE --warplda FOLDER …    one of WarpLDA's
    lda_vs_peers.py mallet DATA --topics K --runs FILE --mallet CLASSPATH …    one of MALLET's
    lda_vs_peers.py table --runs FILE --at 5,10 --target T [--plot FILE.svg]

DATA is UCI docword, plain or compressed by xz; FOLDER has WarpLDA's programs `warplda` and `format`
(which MALLET's run needs, too: it takes the same text). All are given αK, β and as many ranks as
threads. Seconds are since the data were loaded, of strads with the first assignment and all
evaluations among them; of WarpLDA, as it tells them, without its first assignment; of MALLET until
it says so. With --check log p(w, z) is computed anew at the end of a run from the topics of all
tokens, by the same formula for all, and shown beside what the program says. WarpLDA says it of a
state in the middle of a sweep, so that the last ones differ.
"""
import argparse
import gzip
import json
import lzma
import math
import os
import re
import shlex
import statistics
import subprocess
import tempfile
import time

import numpy


# ---- log p(w, z) ------------------------------------------------------------------------------

def gain(keys, prior):
    """Σ log Γ(n + prior) − log Γ(prior) over the keys, of which each is there n times."""
    sizes, times = numpy.unique(numpy.unique(keys, return_counts=True)[1], return_counts=True)
    return sum(m * (math.lgamma(n + prior) - math.lgamma(prior)) for n, m in zip(sizes, times))


def likelihood(args, words, tokens):
    """log p(w, z) a token; tokens [3][N]: document, word and topic of each."""
    document, word, topic = tokens
    return (gain(document * args.topics + topic, args.alpha_sum / args.topics)
            - gain(document, args.alpha_sum) + gain(word * args.topics + topic, args.beta)
            - gain(topic, args.beta * words)) / len(topic)


# ---- The programs -----------------------------------------------------------------------------

def lines_of(path):
    return (lzma.open if path.endswith(".xz") else open)(path, "rt")


def words_of(path):
    with lines_of(path) as lines:
        next(lines)
        return int(next(lines))


def strads(args, init, folder):
    log, assigned = (os.path.join(folder, name) for name in ("log", "assigned"))
    command = [args.strads, "lda", args.data, "--topics", str(args.topics), "--alpha",
               str(args.alpha_sum / args.topics), "--beta", str(args.beta), "--init", init,
               "--seed", str(args.seed), "--sweeps", str(args.sweeps), "--evaluate-every",
               str(args.evaluate_every), "--time-limit", str(args.seconds), "--ranks",
               str(args.count), "--top-words", "0", "--quiet", "--log", log, *args.extra]
    if args.check:
        command += ["--assignments", assigned]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 2):  # 2: its time was over
        raise SystemExit(f"{shlex.join(command)} failed")
    with open(log) as lines:
        events = [json.loads(line) for line in lines]
    points = [(event["seconds"], event["log_likelihood_per_token"], event["sweeps"])
              for event in events if event["event"] == "progress"]
    tokens = numpy.loadtxt(assigned, dtype=numpy.int64).T if args.check else None
    return f"strads, {init}", points, tokens


def text_of(args, folder):
    """The documents as text, numbers for words; returns its name without .txt. Made once where a
    folder to keep it is named."""
    prefix = os.path.join(args.work or folder, os.path.basename(args.data))
    if os.path.exists(f"{prefix}.txt"):
        return prefix
    documents = {}
    with lines_of(args.data) as lines:
        for _ in range(3):
            next(lines)
        for line in lines:
            document, word, count = line.split()
            documents.setdefault(int(document), []).append((word + " ") * int(count))
    with open(f"{prefix}.txt", "w") as out:
        for number, words in sorted(documents.items()):
            out.write(f"{number} {number} {''.join(words)}\n")
    return prefix


def warplda(args, folder):
    prefix, topics = text_of(args, folder), os.path.join(folder, "z")
    if not os.path.exists(f"{prefix}.bin.u.idx"):
        subprocess.run([os.path.join(args.warplda, "format"), "-input", f"{prefix}.txt", "-prefix",
                        prefix], stdout=subprocess.DEVNULL, check=True)
    command = [os.path.join(args.warplda, "warplda"), "--prefix", prefix, "--k", str(args.topics),
               "--niter", str(args.sweeps), "--alpha", str(args.alpha_sum), "--beta",
               str(args.beta), "--mh", "1", "--nodumpmodel", "--nowriteinfo",
               "--dumpz" if args.check else "--nodumpz", "--z", topics]
    if not args.check:
        command = command[:-2]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True,
                          env={**os.environ, "OMP_NUM_THREADS": str(args.count)})
    points, seconds = [], 0.0
    for found in re.finditer(r"Iteration (\d+), ([\d.]+) s.*\(per token\) (-[\d.]+)", done.stdout):
        seconds += float(found[2])
        points.append((seconds, float(found[3]), int(found[1]) + 1))
    tokens = []
    if args.check:
        with open(topics) as lines:
            for document, line in enumerate(lines):
                for pair in line.split()[1:]:
                    word, topic = pair.split(":")
                    tokens.append((document, int(word), int(topic)))
    return "WarpLDA", points, numpy.array(tokens).T if tokens else None


def mallet(args, folder):
    prefix, state = text_of(args, folder), os.path.join(folder, "state.gz")
    java = ["java", "-Xmx3g", "-cp", args.mallet]
    if not os.path.exists(f"{prefix}.mallet"):
        subprocess.run([*java, "cc.mallet.classify.tui.Csv2Vectors", "--input", f"{prefix}.txt",
                        "--output", f"{prefix}.mallet", "--keep-sequence", "--token-regex",
                        "[0-9]+"], stderr=subprocess.DEVNULL, check=True)
    command = [*java, "cc.mallet.topics.tui.TopicTrainer", "--input", f"{prefix}.mallet",
               "--num-topics", str(args.topics), "--num-threads", str(args.count),
               "--num-iterations", str(args.sweeps), "--alpha", str(args.alpha_sum), "--beta",
               str(args.beta), "--optimize-interval", "0", "--show-topics-interval", "1000000",
               "--random-seed", str(args.seed)]
    points, begun, end = [], 0.0, time.monotonic() + (args.seconds or math.inf)
    with subprocess.Popen(command + (["--output-state", state] if args.check else []),
                          stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL) as run:
        for line in run.stderr:
            now = time.monotonic()
            told = re.search(r"<(\d+)> LL/token: (-[\d.]+)", line)
            if "Data loaded" in line:
                begun = now
            if told:
                points.append((now - begun, float(told[2]), int(told[1])))
                if now > end:
                    run.kill()
    tokens = None
    if args.check:
        with gzip.open(state, "rt") as lines:
            tokens = numpy.loadtxt(lines, dtype=numpy.int64, usecols=(0, 3, 5)).T
    return "MALLET", points, tokens


def measure(args):
    words = words_of(args.data)
    with tempfile.TemporaryDirectory() as folder:
        peers = {"warplda": warplda, "mallet": mallet}
        runs = ([peers[args.what](args, folder)] if args.what in peers
                else [strads(args, init, folder) for init in args.init])
    with open(args.runs, "a") as out:
        for name, points, tokens in runs:
            line = {"name": name, "topics": args.topics, "seed": args.seed, "points": points}
            if tokens is not None:
                line["recomputed"] = likelihood(args, words, tokens)
                print(f"{name}: {points[-1][1]:.6f} a token, recomputed {line['recomputed']:.6f}")
            out.write(json.dumps(line) + "\n")
            print(name, *(f"{value:.4f}@{seconds:.2f}"
                          for seconds, value, _ in points[::len(points) // 10 + 1]), flush=True)


# ---- What comes of it -------------------------------------------------------------------------

def at(runs, seconds):
    """The median of what is told last by then, of the runs that take so long."""
    told = [max((second, value) for second, value, _ in points if second <= seconds)[1]
            for points in runs if points[0][0] <= seconds <= points[-1][0]]
    return f"{statistics.median(told):.4f}" if told else "–"


def hit(points, target):
    """The first seconds and sweeps at which the target is passed."""
    return next(((f"{second:.1f}", str(sweep)) for second, value, sweep in points
                 if value >= target), (f"not within {points[-1][0]:.0f}", "–"))


def table(args):
    with open(args.runs) as lines:
        runs = [json.loads(line) for line in lines]
    runs_of = {name: [run["points"] for run in runs if run["name"] == name]
               for name in sorted({run["name"] for run in runs})}
    heads = ["log p(w, z) a token", "runs", *(f"after {second:g} s" for second in args.at),
             f"{args.target:g} is passed after, s", "in sweeps", "sweeps a second"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name, runs in runs_of.items():
        hits = [hit(points, args.target) for points in runs]
        rate = statistics.median((points[-1][2] - points[0][2]) / (points[-1][0] - points[0][0])
                                 for points in runs)
        row = [name, str(len(runs)), *(at(runs, second) for second in args.at),
               *(", ".join(column) for column in zip(*hits)), f"{rate:.1f}"]
        print(f"| {' | '.join(row).replace('-', '−')} |")
    if args.plot:
        plot(args, {name: runs[0] for name, runs in runs_of.items()})


def plot(args, points_of):
    """A line for each program, of its first run."""
    script = ["set terminal svg size 640,400 font ',12' background '#ffffff'",
              f"set output {json.dumps(args.plot)}", "set key bottom right", "set grid",
              "set xlabel 'seconds'", "set ylabel 'log p(w, z) a token'",
              f"set yrange [{args.bottom}:]"]
    lines = [f"$d{i} << e\n" + "\n".join(f"{s:.3f} {v:.5f}" for s, v, _ in points) + "\ne"
             for i, points in enumerate(points_of.values())]
    script += lines + ["plot " + ", ".join(f"$d{i} with lines lw 2 title {json.dumps(name)}"
                                           for i, name in enumerate(points_of))]
    subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True)


def numbers(text):
    return [float(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("strads", "warplda", "mallet", "table"))
    parser.add_argument("data", nargs="?")
    parser.add_argument("--runs", required=True, metavar="FILE", help="JSON lines, one a run")
    parser.add_argument("--topics", type=int, default=100)
    parser.add_argument("--alpha-sum", type=float, default=10, help="αK")
    parser.add_argument("--beta", type=float, default=0.01)
    parser.add_argument("--sweeps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0, help="limit of a run, not of WarpLDA's")
    parser.add_argument("--evaluate-every", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="WarpLDA takes its own")
    parser.add_argument("--init", type=lambda text: text.split(","),
                        default=["sequential", "random"], metavar="NAME,…")
    parser.add_argument("--count", type=int, default=2, help="of ranks and of threads")
    parser.add_argument("--check", action="store_true", help="compute log p(w, z) anew at the end")
    parser.add_argument("--warplda", metavar="FOLDER")
    parser.add_argument("--mallet", metavar="CLASSPATH")
    parser.add_argument("--work", metavar="FOLDER", help="keeps the documents for the others")
    parser.add_argument("--at", type=numbers, default=[5, 10, 20], metavar="S,…")
    parser.add_argument("--target", type=float, default=-8.39)
    parser.add_argument("--plot", metavar="FILE.svg")
    parser.add_argument("--bottom", type=float, default=-11, help="of the picture")
    parser.add_argument("--strads", default="build/release/strads")
    parser.add_argument("--extra", type=shlex.split, default=[], metavar="'OPTIONS'")
    args = parser.parse_args()
    table(args) if args.what == "table" else measure(args)


if __name__ == "__main__":
    main()
