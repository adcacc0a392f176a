"""What Hugging Face's own classes say of windows of tokens: the other side of `artefact_difference`.

For tasks that read logits of tokens. Not for: texts that are read as a whole (`tunewell.models.artefact`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tunewell.data.features import Feature


def reference_windows(
    folder: Path,
    head: Literal["token-classification", "question-answering"],
    encoded: Mapping[int, Sequence[Feature]],
) -> Iterator[tuple[int, list[tuple[Feature, Any]]]]:
    """Each key of `encoded` with its windows, each of these with its logits `(tokens, labels)` as numpy.

    `folder` holds the saved model, `head` is the kind of task that it is for.
    """
    from tunewell.models.artefact import reference_token_logits

    features = [feature for windows in encoded.values() for feature in windows]
    types = [feature.token_type_ids or () for feature in features]
    ids = [feature.input_ids for feature in features]
    rows = iter(reference_token_logits(folder, head, ids, types if any(types) else None))
    for place, windows in encoded.items():
        yield place, [(feature, next(rows)) for feature in windows]


def reference_losses(folder: Path, encoded: Sequence[Sequence[Feature]]) -> list[float]:
    """Minus the log-probability of what each example's windows want to be written, summed over them; 0 where nothing is.

    `folder` holds the saved model: a causal one, or an encoder with a decoder.
    """
    from tunewell.models.artefact import reference_target_losses, reference_token_losses

    features = [feature for windows in encoded for feature in windows if feature.target_ids or feature.target]
    if any(feature.target_ids for feature in features):
        found = reference_target_losses(folder, [(f.input_ids, f.target_ids) for f in features])
    else:
        found = reference_token_losses(folder, [(f.input_ids, f.positions, f.target) for f in features])
    losses = iter(found)
    return [sum(next(losses) for f in windows if f.target_ids or f.target) for windows in encoded]
