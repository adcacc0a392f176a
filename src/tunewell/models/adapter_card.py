"""The card that lies beside an adapter: what it belongs to, and the lines that load it.

Not for: the card of a whole model (`tunewell.report.card`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CARD = """---
{base_model}library_name: peft
tags:
- lora
---

# LoRA adapter

Changes `{base}`{revision}; it is no model by itself. Rank {rank} on {targets}.{in_full}
The merged model stands beside this folder in `model/` and needs nothing of peft.

```python
import torch
from peft import PeftModel
from transformers import {auto_class}

base = {auto_class}.from_pretrained({arguments}){resized}
model = PeftModel.from_pretrained(base, "adapter").eval()
```

The tokenizer is the one in `model/`{more}.
"""


def adapter_card(base: Any, settings: Mapping[str, Any], *, auto_class: str) -> str:
    """How to load an adapter that has peft's `settings` and was trained on `base`, in the words of this very model."""
    name, revision = settings["base_model_name_or_path"], settings["revision"]
    is_hub_id = not Path(name).expanduser().is_dir()
    arguments = [json.dumps(name), *([f"revision={json.dumps(revision)}"] if revision else [])]
    writes = base.get_output_embeddings() is not None
    pad_token_id = base.config.get_text_config().pad_token_id
    if not writes:
        arguments.append(f"num_labels={base.config.num_labels}")
    arguments.append("dtype=torch.float32")
    if not writes and pad_token_id is not None:
        arguments.append(f"pad_token_id={pad_token_id}")
    size = base.get_input_embeddings().weight.shape[0]
    labels = ", ".join(f"`{label}`" for _, label in sorted(base.config.id2label.items()))
    return _CARD.format(
        base_model=f"base_model: {json.dumps(name)}\n" if is_hub_id else "",
        base=name,
        revision=f" (revision `{revision}`)" if revision else "",
        rank=settings["r"],
        targets=", ".join(f"`{target}`" for target in settings["target_modules"]),
        in_full="" if writes else " The head, trained in full, is in here too.",
        auto_class=auto_class,
        arguments=", ".join(arguments),
        resized=f"\nbase.resize_token_embeddings({size})" if settings["trainable_token_indices"] else "",
        more=", and so are the settings of generation" if writes else f". The order of the labels: {labels}",
    )
