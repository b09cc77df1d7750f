#!/usr/bin/env python3
"""Checks the sets in a log of `strads lasso --scheduler priority-check --audit` against the data.

    audit.py DATA.svm LOG.jsonl RHO DEPTH STALENESS SCHEDULERS

Says how many sets and the largest correlation, or fails with what is wrong with which set.
"""
import json
import math
import sys


def columns(path):
    """Entries of each column by row, centred norms aside: {column: {row: value}}, rows."""
    found, rows = {}, 0
    with open(path, encoding="ascii") as stream:
        for row, line in enumerate(stream):
            rows += 1
            for entry in line.split("#")[0].split()[1:]:
                column, value = entry.split(":")
                found.setdefault(int(column), {})[row] = float(value)
    return found, rows


def correlation(a, b, rows):
    mean_a, mean_b = sum(a.values()) / rows, sum(b.values()) / rows
    product = sum(a[row] * b[row] for row in a.keys() & b.keys()) - rows * mean_a * mean_b
    square_a = sum(v * v for v in a.values()) - rows * mean_a ** 2
    square_b = sum(v * v for v in b.values()) - rows * mean_b ** 2
    return abs(product) / math.sqrt(square_a * square_b) if square_a * square_b > 1e-30 else 0.0


def check_start(event, staleness):
    model = {"model": "SSP" if staleness else "BSP", "staleness": staleness}
    if event["consistency"] != model:
        raise ValueError(f"consistency is {event['consistency']}, not {model}")


def check(event, members, data, rows, rho, depth, staleness, schedulers):
    number, variables = event["set"], event["variables"]
    flight = [t for t in range(max(0, number - depth + 1), number)]
    if event["in_flight"] != flight:
        raise ValueError(f"in flight are {event['in_flight']}, not {flight}")
    unseen = range(max(0, number - staleness), number)
    if not set(unseen) <= set(flight):
        raise ValueError(f"is computed without {list(unseen)}, which are not all in flight")
    if event["scheduler"] != number % schedulers:
        raise ValueError(f"scheduler {event['scheduler']}, not {number % schedulers}")
    others = [v for t in flight for v in members.get(t, [])]
    if len(set(variables)) != len(variables) or set(variables) & set(others):
        raise ValueError("a variable twice, in the set or in flight")
    worst = 0.0
    for i, v in enumerate(variables):
        for other in variables[:i] + others:
            worst = max(worst, correlation(data.get(v, {}), data.get(other, {}), rows))
    if worst >= rho + 1e-9:
        raise ValueError(f"two columns are correlated by {worst}")
    if abs(worst - event["worst_correlation"]) > 1e-6:
        raise ValueError(f"says {event['worst_correlation']}, is {worst}")
    return worst


def main():
    path, log, rho, depth, staleness, schedulers = sys.argv[1:]
    data, rows = columns(path)
    members, worst, seen = {}, 0.0, set()
    with open(log, encoding="utf-8") as stream:
        for line in stream:
            event = json.loads(line)
            try:
                if event["event"] == "start":
                    check_start(event, int(staleness))
                if event["event"] != "set":
                    continue
                worst = max(worst, check(event, members, data, rows, float(rho), int(depth),
                                         int(staleness), int(schedulers)))
            except ValueError as error:
                sys.exit(f"set {event.get('set', '(start)')}: {error}")
            members[event["set"]] = event["variables"]
            if event["variables"]:
                seen.add(event["scheduler"])
    if seen != set(range(int(schedulers))):
        sys.exit(f"only schedulers {sorted(seen)} have chosen anything")
    print(f"{len(members)} sets, largest correlation {worst:.6f}")


if __name__ == "__main__":
    main()
