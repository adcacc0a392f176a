"""Which model families are computed without padding: makes the generated part of docs/families.md.

    .venv/bin/python scripts/families.py            # prints it
    .venv/bin/python scripts/families.py --write    # puts it into the page

A test makes it anew and fails when the page says something else. Downloads nothing: each family is probed as a
tiny random model, by the code that probes a user's own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
import transformers

from tunewell.models.probe import plan_of, prepare
from tunewell.models.probe_texts import RandomTexts, pad_token_id
from tunewell.testing.zoo import NOT_FOR_TEXT, architectures, tiny_classifier

PAGE = Path(__file__).parent.parent / "docs/families.md"
BEGIN = "<!-- made by scripts/families.py: begin -->"
END = "<!-- made by scripts/families.py: end -->"

KNOWN: Mapping[str, tuple[str, str]] = {
    "bert": ("BERT", "google-bert/bert-base-uncased, sentence-transformers/all-MiniLM-L6-v2"),
    "roberta": ("RoBERTa", "FacebookAI/roberta-base, distilbert/distilroberta-base"),
    "xlm-roberta": ("XLM-RoBERTa", "FacebookAI/xlm-roberta-base"),
    "distilbert": ("DistilBERT", "distilbert/distilbert-base-uncased"),
    "electra": ("ELECTRA", "google/electra-small-discriminator"),
    "albert": ("ALBERT", "albert/albert-base-v2"),
    "modernbert": ("ModernBERT", "answerdotai/ModernBERT-base"),
    "camembert": ("CamemBERT", "almanach/camembert-base"),
    "ernie": ("ERNIE", "nghuyong/ernie-3.0-base-zh"),
    "eurobert": ("EuroBERT", "EuroBERT/EuroBERT-210m"),
    "xlm-roberta-xl": ("XLM-RoBERTa-XL", "facebook/xlm-roberta-xl"),
    "data2vec-text": ("Data2Vec", "facebook/data2vec-text-base"),
    "esm": ("ESM", "facebook/esm2_t6_8M_UR50D"),
    "gpt2": ("GPT-2", "openai-community/gpt2, distilbert/distilgpt2"),
    "gpt_neox": ("GPT-NeoX, Pythia", "EleutherAI/pythia-160m"),
    "opt": ("OPT", "facebook/opt-125m"),
    "biogpt": ("BioGPT", "microsoft/biogpt"),
    "llama": ("Llama", "meta-llama/Llama-3.2-1B, HuggingFaceTB/SmolLM2-135M"),
    "mistral": ("Mistral", "mistralai/Mistral-7B-v0.3"),
    "mixtral": ("Mixtral", "mistralai/Mixtral-8x7B-v0.1"),
    "qwen2": ("Qwen2", "Qwen/Qwen2.5-0.5B"),
    "qwen3": ("Qwen3", "Qwen/Qwen3-0.6B"),
    "gemma": ("Gemma", "google/gemma-2b"),
    "gemma3_text": ("Gemma 3", "google/gemma-3-270m"),
    "phi": ("Phi", "microsoft/phi-2"),
    "phi3": ("Phi-3", "microsoft/Phi-3-mini-4k-instruct"),
    "olmo2": ("OLMo 2", "allenai/OLMo-2-0425-1B"),
    "stablelm": ("StableLM", "stabilityai/stablelm-2-1_6b"),
    "deberta-v2": ("DeBERTa v2, v3", "microsoft/deberta-v3-small"),
    "deberta": ("DeBERTa", "microsoft/deberta-base"),
    "mpnet": ("MPNet", "microsoft/mpnet-base, sentence-transformers/all-mpnet-base-v2"),
    "mobilebert": ("MobileBERT", "google/mobilebert-uncased"),
    "convbert": ("ConvBERT", "YituTech/conv-bert-base"),
    "roformer": ("RoFormer", "junnyu/roformer_chinese_base"),
    "nystromformer": ("Nyströmformer", "uw-madison/nystromformer-512"),
    "rembert": ("RemBERT", "google/rembert"),
    "big_bird": ("BigBird", "google/bigbird-roberta-base"),
    "longformer": ("Longformer", "allenai/longformer-base-4096"),
    "fnet": ("FNet", "google/fnet-base"),
    "canine": ("CANINE", "google/canine-s"),
    "xlnet": ("XLNet", "xlnet/xlnet-base-cased"),
    "gpt_neo": ("GPT-Neo", "EleutherAI/gpt-neo-125m"),
    "gptj": ("GPT-J", "EleutherAI/gpt-j-6b"),
    "bloom": ("BLOOM", "bigscience/bloom-560m"),
    "falcon": ("Falcon", "tiiuae/falcon-rw-1b"),
    "gemma2": ("Gemma 2", "google/gemma-2-2b"),
    "bart": ("BART", "facebook/bart-base"),
    "mbart": ("mBART", "facebook/mbart-large-50"),
    "t5": ("T5", "google-t5/t5-small, google/flan-t5-small"),
}
"""Families that people look for, each with checkpoints that people use; in the order of the table."""

AS_PUBLISHED: Mapping[str, Mapping[str, object]] = {
    "esm": {"token_dropout": True, "mask_token_id": 4, "position_embedding_type": "rotary"},
    "nystromformer": {"segment_means_seq_len": 32, "num_landmarks": 8},
}
"""Settings of the published checkpoints that decide how they are computed, and that are no default."""


def row(model_type: str) -> tuple[str, str]:
    """How a family is computed, and why not better."""
    model = tiny_classifier(model_type, **AS_PUBLISHED.get(model_type, {}))
    try:
        model(**RandomTexts.of(model, (4, 11, 7)).padded(pad_token_id(model)))
    except RuntimeError:
        return "not usable", "it computes only texts of one fixed length"
    reason = prepare(model)
    plan = plan_of(model)
    assert plan is not None
    if reason is None:
        return "without padding" + (", last layer for the first token only" if plan.first_only else ""), ""
    if plan.least_length is not None:
        return "one length at a time", f"{reason.partition(' (')[0]}; padding would change its answers"
    return "with padding", reason


def block() -> str:
    """The generated part of the page, between its marks."""
    torch.set_num_threads(1)
    lines = [
        BEGIN,
        "",
        f"Probed with transformers {transformers.__version__} and torch {torch.__version__.partition('+')[0]}.",
        "",
        "| Family | Models such as | Computed | Why not without padding |",
        "|---|---|---|---|",
    ]
    for model_type, (name, examples) in KNOWN.items():
        path, reason = row(model_type)
        models = ", ".join(f"`{example}`" for example in examples.split(", "))
        lines.append(f"| {name} | {models} | {path} | {reason} |")
    others: dict[str, list[str]] = {}
    for model_type in architectures():
        if model_type not in KNOWN:
            others.setdefault(row(model_type)[0].partition(",")[0], []).append(f"`{model_type}`")
    lines += ["", "Every other architecture with a text classifier in transformers, by its `model_type`:", ""]
    lines += [f"- {path}: {', '.join(sorted(names))}" for path, names in sorted(others.items(), reverse=True)]
    left_out = ", ".join(f"`{name}`" for name in sorted(NOT_FOR_TEXT))
    lines += [
        f"- not probed here, because they read more than text or have no tiny size: {left_out}",
        "",
        END,
    ]
    return "\n".join(lines)


def page(text: str) -> str:
    """`text`, a whole page, with the generated part made anew."""
    before, _, rest = text.partition(BEGIN)
    return before + block() + rest.partition(END)[2]


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(block())
