"""A run of `strads lda` over shared memory, for the scripts that measure it."""

import json
import subprocess
import tempfile


def lda(strads, documents, topics, alpha_sum, ranks, sweeps, every, extra=()):
    """The lines of its log, an evaluation after every `every` sweeps among them, the summary last."""
    command = [strads, "lda", documents, "--topics", str(topics), "--alpha", str(alpha_sum / topics)]
    command += ["--ranks", str(ranks), "--sweeps", str(sweeps), "--top-words", "0", "--quiet"]
    with tempfile.NamedTemporaryFile("r") as log:
        command += ["--evaluate-every", str(every), "--log", log.name, *extra]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return [json.loads(line) for line in log]


def progress(lines):
    """Its evaluations by the number of sweeps done."""
    return {line["sweeps"]: line for line in lines if line["event"] == "progress"}
