#!/usr/bin/python3
"""What `strads lda` holds and moves, by ranks and topics, as a table in Markdown.

    tests/measure/lda_memory.py STRADS DOCUMENTS [--ranks 1 2 4 8] [--topics 100 1000 10000 100000]

Each line is one run of three sweeps over shared memory: the largest of the ranks in what was predicted and in
what was resident at the peak, reading the file included; one rank's mean of what it read from others in a
sweep; and of the tables the counts above 0 and what all blocks of words take as they move.
"""

import argparse

import lda_log


def run(options, ranks, topics):
    """The summary of a run, and what a rank read in a sweep after the first."""
    sweeps = options.sweeps
    lines = lda_log.lda(options.strads, options.documents, topics, 50, ranks, sweeps, sweeps)
    first, last = lda_log.progress(lines).values()
    return lines[-1], (last["bytes"]["get"] - first["bytes"]["get"]) / ranks / (sweeps - 1)


def megabytes(number):
    """As text, in 10^6 bytes."""
    return f"{number / 1e6:.1f}"


def main():
    """One line for each number of topics and of ranks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("strads")
    parser.add_argument("documents")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--topics", type=int, nargs="+", default=[100, 1000, 10000, 100000])
    parser.add_argument("--sweeps", type=int, default=3)
    options = parser.parse_args()
    print("| K | ranks | predicted, MB | peak, MB | read in a sweep, MB | words above 0 |"
          " documents above 0 | words as they move, MB |")
    print("|---|---|---|---|---|---|---|---|")
    for topics in options.topics:
        for ranks in options.ranks:
            last, got = run(options, ranks, topics)
            print(f"| {topics} | {ranks} | {megabytes(last['memory_predicted_bytes'])}"
                  f" | {megabytes(max(last['peak_bytes']))}"
                  f" | {megabytes(got)}"
                  f" | {last['word_nonzeros']} | {last['document_nonzeros']}"
                  f" | {megabytes(last['word_bytes'])} |", flush=True)


if __name__ == "__main__":
    main()
