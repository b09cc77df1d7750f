#!/usr/bin/python3
"""What `strads lda` takes and finds by the number of topics, as a table in Markdown.

    tests/measure/lda_topics.py STRADS DOCUMENTS [--topics 100 1000 10000 100000] [--sweeps 100]
    tests/measure/lda_topics.py STRADS --known 200 [--topics 50 100 200 400 800] [--sweeps 200]

Each line is one run over shared memory: seconds of a sweep, the first and the mean of the second half,
without evaluations; the largest of the ranks in what was resident at the peak, reading the file
included; and the perplexity of the documents that are held out, by completion, at the end and at the
best of the evaluations.

With --known documents are drawn from so many topics, of which the k-th is 1/k as frequent as the first,
by the model itself: words of a topic from a Dirichlet distribution around Zipf's, --documents-drawn
documents of 100 to 200 words out of 10,000, αK = 5.
"""

import argparse
import os
import tempfile

import lda_log
import numpy


def draw(folder, topics, documents, words=10000, alpha_sum=5):
    """A docword file of documents of known topics."""
    random = numpy.random.default_rng(1)
    share = 1 / numpy.arange(1, topics + 1)
    zipf = 1 / numpy.arange(1, words + 1)
    theta = random.dirichlet(alpha_sum * share / share.sum(), documents)
    lengths = random.integers(100, 201, documents)
    counts = numpy.array([random.multinomial(n, row) for n, row in zip(lengths, theta)])
    drawn = []  # (document, word) of each token, a topic at a time
    for k in range(topics):
        phi = random.gamma(200 * zipf / zipf.sum())
        owner = numpy.repeat(numpy.arange(documents), counts[:, k])
        drawn.append(owner * words + random.choice(words, len(owner), p=phi / phi.sum()))
    entries, times = numpy.unique(numpy.concatenate(drawn), return_counts=True)
    path = os.path.join(folder, "documents")
    table = numpy.stack([entries // words + 1, entries % words + 1, times], axis=1)
    numpy.savetxt(path, table, fmt="%d", header=f"{documents}\n{words}\n{len(entries)}",
                  comments="")
    return path


def row(options, documents, topics):
    """A run, as a line of the table."""
    every = max(options.sweeps // 10, 1)
    lines = lda_log.lda(options.strads, documents, topics, options.alpha_sum, options.ranks,
                        options.sweeps, every, ["--holdout", "0.05"] + options.extra)
    points = list(lda_log.progress(lines).values())
    summary, half = lines[-1], points[len(points) // 2:]
    seconds = [summary["tokens"] / point["tokens_per_second"] for point in points]
    perplexity = {point["heldout_perplexity"]: point["sweeps"] for point in points}
    best = min(perplexity)
    print(f"| {topics} | {seconds[0]:.2f} | {numpy.mean(seconds[-len(half):]):.2f}"
          f" | {summary['seconds']:.0f} | {max(summary['peak_bytes']) / 1e6:.0f}"
          f" | {summary['log_likelihood_per_token']:.4f} | {points[-1]['heldout_perplexity']:.1f}"
          f" | {best:.1f} after {perplexity[best]} |", flush=True)


def main():
    """A line for each number of topics."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strads")
    parser.add_argument("documents", nargs="?")
    parser.add_argument("--known", type=int, metavar="TOPICS")
    parser.add_argument("--documents-drawn", type=int, default=20000)
    parser.add_argument("--topics", type=int, nargs="+", default=[100, 1000, 10000, 100000])
    parser.add_argument("--alpha-sum", type=float, default=50)
    parser.add_argument("--optimize", action="store_true", help="an α of each topic, and β")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--sweeps", type=int, default=100)
    options = parser.parse_args()
    if (options.documents is None) == (options.known is None):
        parser.error("give DOCUMENTS or --known TOPICS")
    options.extra = ["--optimize-interval", "5"] if options.optimize else []
    print("| K | first sweep, s | later ones, s | all, s | peak of a rank, MB | log p(w, z) a token"
          " | held-out perplexity | its least |")
    print("|---" * 8 + "|")
    with tempfile.TemporaryDirectory() as folder:
        documents = options.documents or draw(folder, options.known, options.documents_drawn)
        for topics in options.topics:
            row(options, documents, topics)


if __name__ == "__main__":
    main()
