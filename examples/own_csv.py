"""Fine-tune on a file of your own, look at the scores, and let the model answer.

    python examples/own_csv.py YOUR_FILE.csv [MODEL]

The file needs a column of texts and one of labels, under usual names such as `text` and `label`. Without a file
it takes the sample reviews that come with the package. The model is `minilm`, a local folder, or a Hub id.
"""

from __future__ import annotations

import sys
from importlib import resources

import tunewell
from tunewell.runs import Run


def main(data: str, model: str = "minilm", **settings: object) -> Run:
    """Train (or take the finished run of an earlier call), print what came out, and return the run."""
    run = tunewell.fit(data, model=model, settings=settings)

    # The headline: the primary metric on rows that chose nothing, with its 95% interval.
    scores = run.scores
    score = scores.headline
    print(
        f"{scores.primary} {score.value:.3f} ({score.low:.3f} to {score.high:.3f}) on {scores.headline_split}"
    )

    # Is it better than a model that counts words? An interval that holds 0 shows no difference.
    for name, difference in scores.differences.items():
        shown = "a difference" if difference.low > 0 or difference.high < 0 else "no difference shown"
        print(f"  against {name}: {difference.value:+.3f}, {shown}")

    for text in ("Works like a charm.", "Broke on the second day, and nobody answers my letters."):
        answer = run.predict([text])[0]
        print(f"{answer.label} ({answer.probabilities[answer.label]:.2f}): {text}")
    print(f"Now open {run.report_path} in a browser.")
    return run


if __name__ == "__main__":
    given = sys.argv[1:]
    sample = resources.files("tunewell") / "samples" / "reviews"
    main(given[0] if given else str(sample), given[1] if len(given) > 1 else "minilm")
