#!/usr/bin/python3
"""Topics by rotation beside stale replicas, at several numbers of ranks, as tables in Markdown.

    tests/measure/lda_replicas.py STRADS DOCUMENTS [--ranks 2 4 8] [--topics 100] [--sweeps 50]

Each run is over shared memory. Lines are of runs: log p(w, z) a token after some sweeps, seconds and tokens a
second until the last one, what a rank read from others in a sweep (the last half of the run), the largest of
the ranks in what was predicted and in what was resident at the peak, and the errors since the evaluation
before the last one.
"""

import argparse

import lda_log


def row(options, ranks, name, extra):
    """A run, as a line of the table."""
    lines = lda_log.lda(options.strads, options.documents, options.topics, options.alpha_sum, ranks,
                        options.sweeps, 5, extra)
    points = lda_log.progress(lines)
    summary, last = lines[-1], points[options.sweeps]
    half = points[options.sweeps // 10 * 5]
    got = (last["bytes"]["get"] - half["bytes"]["get"]) / ranks / (last["sweeps"] - half["sweeps"])
    print(f"| {ranks} | {name}"
          + "".join(f" | {points[s]['log_likelihood_per_token']:.4f}" for s in options.points)
          + f" | {last['seconds']:.1f} | {last['tokens_per_second'] / 1e6:.1f} | {got / 1e6:.2f}"
          f" | {summary['memory_predicted_bytes'] / 1e6:.0f}"
          f" | {max(summary['peak_bytes']) / 1e6:.0f}"
          f" | {last['s_error']:.4f} | {last['replica_error']:.3f} |", flush=True)


def main():
    """Rotation, and replicas by period, for each number of ranks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("strads")
    parser.add_argument("documents")
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--topics", type=int, default=100)
    parser.add_argument("--alpha-sum", type=float, default=10)
    parser.add_argument("--sweeps", type=int, default=50)
    parser.add_argument("--points", type=int, nargs="+", default=[5, 20, 50])
    options = parser.parse_args()
    print("| ranks | mode" + "".join(f" | after {sweep}" for sweep in options.points)
          + " | s | million tokens/s | read, MB a sweep | predicted, MB | peak, MB | s-error"
          " | replica error |")
    print("|---|---" + "|---" * (len(options.points) + 7) + "|")
    for ranks in options.ranks:
        row(options, ranks, "rotation", [])
        row(options, ranks, "replicas, a sweep", ["--mode", "replicas"])
        if ranks > 2:
            row(options, ranks, f"replicas, 1/{ranks // 2} sweep",
                ["--mode", "replicas", "--exchange-every", "2"])


if __name__ == "__main__":
    main()
