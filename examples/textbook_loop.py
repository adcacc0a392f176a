"""The fine-tuning loop of a PyTorch tutorial, done right: sentiment of reviews with a BERT.

    python examples/textbook_loop.py [MODEL_FOLDER]

Everything here is plain PyTorch, your own module and DataLoader included, except for the loop itself. The
comments say what the loop that everybody copies gets wrong. (For a run that resumes, reports and can be
loaded again, `tunewell train` is one line.)
"""

from __future__ import annotations

import csv
import sys
from importlib import resources
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import AutoModel, AutoTokenizer

from tunewell.models import packs
from tunewell.runtime import Runtime
from tunewell.training import loop, pairs

LABELS = ["negative", "positive"]


class Classifier(nn.Module):
    """BERT, and a linear layer on what it makes of the first token."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        # In float32: a checkpoint stored in 16 bits would otherwise be trained in 16 bits, slowly and badly.
        self.bert = AutoModel.from_pretrained(folder, dtype=torch.float32)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(self.bert.config.hidden_size, len(LABELS))

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Logits of shape (texts, labels); no softmax, which CrossEntropyLoss does itself."""
        first_token = self.bert(**inputs).last_hidden_state[:, 0]
        return self.head(self.dropout(first_token))


def reviews(split: str, limit: int | None = None) -> list[tuple[str, int]]:
    """Texts and label ids of the sample that comes with the package."""
    path = resources.files("tunewell") / "samples" / "reviews" / f"{split}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], LABELS.index(row["label"])) for row in csv.DictReader(file)][:limit]


@torch.inference_mode()
def accuracy(model: nn.Module, loader: DataLoader) -> float:
    """The share of texts that are labelled rightly."""
    model.eval()  # forgotten, dropout stays on and the accuracy is a bit of a lottery
    right = sum(int((model(**inputs).argmax(-1) == labels).sum()) for inputs, labels in loader)
    return right / len(loader.dataset)  # counted by text: a mean of accuracies by batch would be off


def main(folder: Path, num_epochs: int = 2, print_every: int = 10, limit: int | None = None) -> float:
    """Train, print, and return the accuracy on the test reviews."""
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def collate(pairs: list[tuple[str, int]]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        texts, labels = zip(*pairs, strict=True)
        # To the longest text of the batch: padding all to 128 tokens makes short reviews four times as slow.
        inputs = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        return dict(inputs), torch.tensor(labels)

    torch.manual_seed(1)  # forgotten, the new head, and with it every result, is another one each time
    model = Classifier(folder)
    order = torch.Generator().manual_seed(1)  # the shuffle's own, so that drawing elsewhere changes nothing
    loader = DataLoader(reviews("train", limit), 16, shuffle=True, generator=order, collate_fn=collate)
    validation = DataLoader(reviews("validation", limit), 32, collate_fn=collate)
    test = DataLoader(reviews("test", limit), 32, collate_fn=collate)

    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
    num_steps = num_epochs * len(loader)
    warmup = num_steps // 10  # at the full rate from the first step, Adam shakes a pretrained model apart

    def schedule(step: int) -> float:
        return min((step + 1) / (warmup + 1), (num_steps - step) / (num_steps - warmup))

    events = loop.train(
        model,
        # The mean of CrossEntropyLoss becomes a sum over labels, which the loop divides once by their number:
        # with gradient accumulation, or a smaller last batch, means of means weigh some texts more.
        pairs.from_loss_fn(nn.CrossEntropyLoss()),
        pairs.PairBatches(loader),
        optimizer,
        schedule,
        # The loop zeroes the gradient (the usual thing to forget, or to put between backward and step), goes
        # back to model.train() after each evaluation, clips, and stops before a step that is not finite.
        settings=loop.LoopSettings(num_steps, evaluate_every=len(loader), seed=1, max_grad_norm=1.0),
        runtime=Runtime(),
        state=loop.TrainState(),
        evaluate=lambda: loop.Evaluation(accuracy(model, validation)),
    )
    waiting: list[loop.StepDone] = []
    for event in events:
        if not isinstance(event, loop.StepDone):
            print(f"step {event.step}: validation accuracy {event.evaluation.score:.3f}")
            continue
        waiting.append(event)  # its loss stays a tensor: an .item() every step would make a GPU wait
        if len(waiting) == print_every:
            summed = sum(float(done.loss) * done.num_targets for done in waiting)
            print(f"step {event.step}: loss {summed / sum(done.num_targets for done in waiting):.4f}")
            waiting.clear()
    score = accuracy(model, test)
    print(f"test accuracy {score:.3f}")  # on texts that chose nothing, unlike the validation texts
    return score


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else packs.locate("minilm"))
