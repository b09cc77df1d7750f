#!/usr/bin/env python3
"""Computes anew what `strads lda` tells, from what `strads export` writes of its model.

    lda_output.py topics DOCUMENTS EXPORTED PRINTED LAMBDA WORDS
    lda_output.py likelihood DOCUMENTS EXPORTED ASSIGNMENTS LOG
    lda_output.py infer DOCUMENTS EXPORTED SHARES LOG

The documents are text, words between blanks. Exits with 1 and says so where something differs.
"""

import collections
import json
import math
import sys

failures = 0


def complain(what):
    global failures
    failures += 1
    print("FAILED:", what)


def near(a, b, relative, what):
    if not abs(a - b) <= relative * max(abs(a), abs(b)) and not (math.isnan(a) and math.isnan(b)):
        complain(f"{what}: {a!r} instead of {b!r}")


class Model:
    """A model as text: each data set a file, a value a line."""

    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/attributes.json") as file:
            self.attributes = json.load(file)
        self.topics = self.attributes["topics"]
        self.beta = self.attributes["beta"]
        self.vocabulary = self.read("vocabulary", str)
        self.totals = self.read("totals", int)
        self.words = self.table("words")
        self.documents = self.table("documents")

    def read(self, name, kind):
        with open(f"{self.folder}/{name}.txt") as file:
            return [kind(line.strip()) for line in file]

    def table(self, name):
        """A row as {topic: count}."""
        start, topic, count = (self.read(f"{name}.{part}", int) for part in ("start", "topic", "count"))
        return [dict(zip(topic[a:b], count[a:b])) for a, b in zip(start, start[1:])]


def documents_read(name, model):
    """The words of each document that is not held out."""
    known = {word: number for number, word in enumerate(model.vocabulary)}
    with open(name) as file:
        bags = [[known[word] for word in line.split() if word in known] for line in file]
    if len(bags) != len(model.documents):
        complain(f"{len(model.documents)} documents instead of {len(bags)}")
    return [bag if row else [] for bag, row in zip(bags, model.documents)]


def relevant(model, k, weight, n):
    """The words of a topic by weight log phi + (1 - weight) log (phi / p)."""
    tokens = sum(model.totals)
    scored = []
    for w, row in enumerate(model.words):
        if k in row:
            phi = (row[k] + model.beta) / (model.totals[k] + len(model.words) * model.beta)
            p = sum(row.values()) / tokens
            scored.append((-weight * math.log(phi) - (1 - weight) * math.log(phi / p), w))
    return [(w, -score) for score, w in sorted(scored)[:n]]


def coherence(bags, words):
    """Mimno et al. 2011, equation 1; NaN of fewer than two words."""
    if len(words) < 2:
        return math.nan
    have = [{d for d, bag in enumerate(bags) if w in bag} for w in words]
    return sum(math.log((len(have[m] & have[l]) + 1) / len(have[l]))
               for m in range(1, len(words)) for l in range(m))


def topics_check(documents, folder, printed, weight, n):
    model = Model(folder)
    bags = [set(bag) for bag in documents_read(documents, model)]
    told = model.read("coherence", float)
    with open(printed) as file:
        lines = [line.split() for line in file if line.startswith("topic ")]
    if len(lines) != model.topics:
        complain(f"{len(lines)} topics printed")
    for k, line in enumerate(lines):
        common = [w for w, _ in relevant(model, k, 1, 10)]
        expected = coherence(bags, common)
        near(told[k], expected, 1e-9, f"coherence of topic {k}")
        share = 100 * model.totals[k] / sum(model.totals)
        if line[2] != f"{share:.2f}" or line[4] != f"{told[k]:.2f}":
            complain(f"topic {k} is printed as {line}")
        # Equally relevant words may stand in either order.
        scores = dict(relevant(model, k, weight, len(model.words)))
        for word, (_, score) in zip(line[5:], relevant(model, k, weight, n), strict=True):
            near(scores[model.vocabulary.index(word)], score, 1e-9, f"relevance of {word} in topic {k}")
    told = [value for value in told if not math.isnan(value)]
    near(model.attributes["mean_coherence"], sum(told) / len(told), 1e-9, "mean coherence")


def likelihood(model, alpha, tokens):
    """log p(w, z) of tokens (d, w, k); alpha of each topic."""
    count = [collections.Counter() for _ in range(4)]
    for d, w, k in tokens:
        for table, key in zip(count, ((d, k), d, (k, w), k)):
            table[key] += 1
    of_document, documents, of_topic, topics = count
    beta, all_beta, all_alpha = model.beta, len(model.words) * model.beta, sum(alpha)
    gain = lambda n, a: math.lgamma(n + a) - math.lgamma(a)
    return math.fsum(
        [gain(n, alpha[k]) for (_, k), n in of_document.items()]
        + [-gain(n, all_alpha) for n in documents.values()]
        + [gain(n, beta) for n in of_topic.values()]
        + [-gain(n, all_beta) for n in topics.values()])


def likelihood_check(documents, folder, assignments, log):
    model = Model(folder)
    with open(assignments) as file:
        tokens = [tuple(map(int, line.split())) for line in file]
    if tokens != sorted(tokens, key=lambda token: token[:2]):
        complain("assignments are not in the order of documents and words")
    # They are of the documents' words, and the model counts them.
    for d, bag in enumerate(documents_read(documents, model)):
        words = [w for e, w, _ in tokens if e == d]
        if words != sorted(bag):
            complain(f"document {d} has words {words} instead of {sorted(bag)}")
    for name, rows, place in ("document", model.documents, 0), ("word", model.words, 1):
        counts = [collections.Counter() for _ in rows]
        for token in tokens:
            counts[token[place]][token[2]] += 1
        if counts != rows:
            complain(f"the model counts other topics of a {name}")
    with open(log) as file:
        last = json.loads(file.readlines()[-1])
    expected = likelihood(model, model.read("alpha", float), tokens)
    near(last["log_likelihood"], expected, 1e-6, "log likelihood")
    near(last["log_likelihood_per_token"], expected / len(tokens), 1e-6, "the same a token")


def philox_bit(seed, stream, index):
    """The lowest bit of Philox 4x32-10 (Salmon et al. 2011)."""
    mask = (1 << 32) - 1
    key = [seed & mask, seed >> 32]
    c = [index & mask, index >> 32, stream & mask, stream >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ key[0], b & mask, (a >> 32) ^ c[3] ^ key[1], a & mask]
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return c[0] & 1


def shares(alpha, phi, words, steps):
    """The topics of a document by their fixed point, from equal shares on."""
    topics = range(len(alpha))
    theta = [1 / len(alpha)] * len(alpha)
    for _ in range(steps):
        gain = [0.0] * len(alpha)
        for w in words:
            p = sum(theta[k] * phi[w][k] for k in topics)
            for k in topics:
                gain[k] += theta[k] * phi[w][k] / p
        theta = [(alpha[k] + gain[k]) / (sum(alpha) + len(words)) for k in topics]
    return theta


def infer_check(documents, folder, output, log):
    model = Model(folder)
    with open(log) as file:
        last = json.loads(file.readlines()[-1])
    with open(output) as file:
        lines = [dict(pair.split(":") for pair in line.split()) for line in file]
    alpha, topics = model.read("alpha", float), range(model.topics)
    phi = [[(row.get(k, 0) + model.beta) / (model.totals[k] + len(model.words) * model.beta) for k in topics]
           for row in model.words]
    known = {word: w for w, word in enumerate(model.vocabulary) if model.words[w]}
    unknown, score, scored = 0, 0.0, 0
    with open(documents) as file:
        for d, (line, told) in enumerate(zip(file, lines, strict=True)):
            tokens = list(enumerate(line.split()))
            unknown += sum(word not in known for _, word in tokens)
            tokens = [(e, known[word]) for e, word in tokens if word in known]
            theta = shares(alpha, phi, [w for _, w in tokens], last["steps"])
            for k in topics:
                near(float(told[str(k)]), theta[k], 1e-5, f"topic {k} of document {d}")
            half = [philox_bit(last["seed"], 3 << 62 | d, e << 32) for e, _ in tokens]
            theta = shares(alpha, phi, [w for (_, w), bit in zip(tokens, half) if bit], last["steps"])
            rest = [w for (_, w), bit in zip(tokens, half) if not bit]
            score += sum(math.log(sum(theta[k] * phi[w][k] for k in topics)) for w in rest)
            scored += len(rest)
    if (last["unknown_tokens"], last["scored_tokens"]) != (unknown, scored):
        complain(f"{unknown} tokens are unknown and {scored} scored")
    near(last["perplexity"], math.exp(-score / scored), 1e-5, "perplexity")


if __name__ == "__main__":
    if sys.argv[1] == "topics":
        topics_check(*sys.argv[2:5], float(sys.argv[5]), int(sys.argv[6]))
    elif sys.argv[1] == "likelihood":
        likelihood_check(*sys.argv[2:])
    else:
        infer_check(*sys.argv[2:])
    sys.exit(failures > 0)
