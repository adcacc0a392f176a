"""Cross-validation: every row is answered once, by a model that has not seen it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import RunConfig, load_config, merged
from tunewell.core.errors import ConfigError, Interrupted
from tunewell.runs import Run
from tunewell.sinks import Said
from tunewell.studies import folds
from tunewell.studies.folds import FOLDS, cross_validate
from tunewell.tasks import task_config

NUM_FOLDS = 3
Reviews = Sequence[tuple[str, str]]


class Heard:
    """A sink that remembers sentences."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def __call__(self, event: Any) -> None:
        if isinstance(event, Said):
            self.messages.append(event.message)


@pytest.fixture(scope="module")
def reviews(texts: list[str]) -> Reviews:
    """47 texts, the first of them twice more."""
    rows = list(zip(texts, ["good", "bad"] * 24, strict=True))[:47]
    return [*rows, rows[0], rows[0]]


@pytest.fixture(scope="module")
def configured(tiny: Callable[[str], Path]) -> Callable[..., RunConfig]:
    def make(train: Path, output: Path, **groups: Any) -> RunConfig:
        settings = {
            "data": {"train": str(train)},
            "model": {"name": str(tiny("bert"))},
            "training": {"epochs": 1.0, "batch_size": 8, "device": "cpu", "threads": 1},
            "evaluation": {"resamples": 100, "rank_resamples": 100},
            "output": {"folder": str(output)},
        }
        return load_config(None, merged(settings, groups), task_config)

    return make


def write(path: Path, rows: Reviews) -> Path:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, configured: Any, reviews: Reviews) -> RunConfig:
    folder = tmp_path_factory.mktemp("folds")
    return configured(write(folder / "r.csv", reviews), folder / "out")  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def study(config: RunConfig) -> Run:
    """A finished study."""
    return cross_validate(config, NUM_FOLDS)


def predictions(run: Path, split: str) -> list[dict[str, Any]]:
    rows = map(json.loads, (run / "predictions.jsonl").read_text(encoding="utf-8").splitlines())
    return [row for row in rows if row["split"] == split]


def test_every_row_is_answered_once_in_the_order_of_the_file(study: Run, reviews: Reviews) -> None:
    answered = predictions(study.path, "test")
    assert [(row["text"], row["gold"]) for row in answered] == list(reviews)
    assert [row["line"] for row in answered] == list(range(2, 2 + len(reviews)))
    assert [row["id"] for row in answered] == [str(row["line"]) for row in answered]


def test_no_model_has_seen_the_text_that_it_answers(study: Run, reviews: Reviews) -> None:
    lines: Counter[int] = Counter()
    by_line = {row["line"]: row for row in predictions(study.path, "test")}
    for number in range(1, NUM_FOLDS + 1):
        fold = study.path / FOLDS / str(number)
        test, validation = predictions(fold, "test"), predictions(fold, "validation")
        lines.update(row["line"] for row in test)
        unseen = {row["text"] for row in test}
        assert unseen.isdisjoint(row["text"] for row in validation)
        scores = Run(fold).scores
        assert scores.splits["test"].num_examples == len(test)
        for row in test:
            assert by_line[row["line"]]["probabilities"] == row["probabilities"]
    assert lines == Counter(range(2, 2 + len(reviews)))


def test_the_time_of_the_folds_is_counted_and_the_report_knows_where_the_answers_come_from(
    study: Run,
) -> None:
    manifest = study.dir.read_manifest()
    folds_took = sum(
        Run(study.path / FOLDS / str(number)).dir.read_manifest()["wall_seconds"]
        for number in range(1, NUM_FOLDS + 1)
    )
    assert manifest["folds_seconds"] >= folds_took
    assert manifest["wall_seconds"] > manifest["folds_seconds"]
    report = study.report_path.read_text(encoding="utf-8")
    assert "The folds of the cross-validation" in report
    assert "was answered by a model that had not seen it or its text" in report


def test_a_model_is_trained_on_the_rows_that_it_does_not_answer(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reviews: Reviews
) -> None:
    seen: list[dict[str, list[str]]] = []

    class Enough(Exception):
        pass

    def recorded(_: RunConfig, dataset: Any, **more: Any) -> Any:
        seen.append({name: [e.texts[0] for e in part] for name, part in dataset.examples.items()})
        raise Enough

    def swallowed(*arguments: Any) -> Any:
        try:
            return fit_fold(*arguments)
        except Enough:
            return Answerless

    class Answerless:
        class predictor:
            tokenizer = None

            @staticmethod
            def predict(examples: Sequence[Any]) -> Sequence[Any]:
                return list(examples)

        class dir:
            @staticmethod
            def read_manifest() -> dict[str, float]:
                return {"wall_seconds": 1.0}

    fit_fold = folds._fit_fold
    monkeypatch.setattr(folds, "fit_dataset", recorded)
    monkeypatch.setattr(folds, "_fit_fold", swallowed)
    other = config.model_copy(
        update={"output": config.output.model_copy(update={"folder": str(tmp_path / "o")})}
    )
    with pytest.raises(Enough):
        cross_validate(other, NUM_FOLDS)
    assert len(seen) == NUM_FOLDS + 1
    everything = Counter(text for text, _ in reviews)
    for parts in seen[:-1]:
        assert sum((Counter(part) for part in parts.values()), Counter()) == everything
        assert set(parts["test"]).isdisjoint(parts["train"] + parts["validation"])
        assert set(parts["validation"]).isdisjoint(parts["train"])
    kept = seen[-1]
    assert kept.keys() == {"train", "validation"}
    assert Counter(kept["train"] + kept["validation"]) == everything


def test_the_pooled_answers_are_the_test_score(study: Run, reviews: Reviews) -> None:
    scores = study.scores
    answered = predictions(study.path, "test")
    assert scores.headline_split == "test"
    assert scores.splits["test"].num_examples == len(reviews)
    assert not scores.splits["test"].selected_on
    right = sum(row["label"] == row["gold"] for row in answered)
    assert scores.headline.value == pytest.approx(right / len(reviews))


def test_the_baselines_are_cross_validated_too(study: Run, reviews: Reviews) -> None:
    scores = study.scores
    assert scores.baselines.keys() == scores.differences.keys() == {"majority", "tfidf"}
    for splits in scores.baselines.values():
        assert splits["test"].num_examples == len(reviews)
    # Fitted on all rows the majority would be right as often as its label occurs, at most.
    share = Counter(label for _, label in reviews).most_common(1)[0][1] / len(reviews)
    assert scores.baselines["majority"]["test"].scores["accuracy"].value <= share


def test_the_kept_model_answers(study: Run) -> None:
    assert study.predict(["the film was great"])[0].label in ("good", "bad")
    assert Run(study.path).scores == study.scores
    assert study.report_path.is_file()


def test_the_same_study_again_returns_at_once(config: RunConfig, study: Run) -> None:
    heard = Heard()
    before = (study.path / "manifest.json").stat().st_mtime_ns
    again = cross_validate(config, NUM_FOLDS, sinks=[heard])
    assert again.scores == study.scores
    assert (study.path / "manifest.json").stat().st_mtime_ns == before
    assert any("finished already" in message for message in heard.messages)
    assert not any(message.startswith("fold ") for message in heard.messages)


def test_another_number_of_folds_is_another_study(config: RunConfig, study: Run) -> None:
    with pytest.raises(ConfigError, match=f"folds: {NUM_FOLDS} before, 4 now"):
        cross_validate(config, 4)


def test_an_interrupted_study_goes_on_where_it_was(
    configured: Any, study: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reviews: Reviews
) -> None:
    config = configured(write(tmp_path / "r.csv", reviews), tmp_path / "out")
    fit_fold = folds._fit_fold
    trained: list[int] = []

    def stopped(*arguments: Any) -> Run:
        if len(trained) == 1:
            raise Interrupted("stop")
        trained.append(arguments[3])
        return fit_fold(*arguments)

    monkeypatch.setattr(folds, "_fit_fold", stopped)
    with pytest.raises(Interrupted):
        cross_validate(config, NUM_FOLDS)
    monkeypatch.setattr(folds, "_fit_fold", fit_fold)
    heard = Heard()
    run = cross_validate(config, NUM_FOLDS, mode="resume", sinks=[heard])
    assert sum("finished already" in message for message in heard.messages) == 1
    assert run.scores == study.scores
    fresh = cross_validate(config, 2, mode="fresh")
    assert sorted(path.name for path in (fresh.path / FOLDS).iterdir()) == ["1", "2"]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_data_with_a_split_of_their_own_are_refused(
    configured: Any, tmp_path: Path, reviews: Reviews, split: str
) -> None:
    other = write(tmp_path / "other.csv", reviews[:4])
    config = configured(write(tmp_path / "r.csv", reviews), tmp_path / "out", data={split: str(other)})
    with pytest.raises(ConfigError, match=f"there is a {split} split already") as raised:
        cross_validate(config, NUM_FOLDS)
    assert raised.value.exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("num_folds", "said"), [(1, "at least 2"), (0, "at least 2"), (500, "more than the 49 examples")]
)
def test_a_number_of_folds_that_cannot_be(
    configured: Any, tmp_path: Path, reviews: Reviews, num_folds: int, said: str
) -> None:
    config = configured(write(tmp_path / "r.csv", reviews), tmp_path / "out")
    with pytest.raises(ConfigError, match=said) as raised:
        cross_validate(config, num_folds)
    assert raised.value.fix
    with pytest.raises(ConfigError, match="nothing to resume"):
        cross_validate(config, NUM_FOLDS, mode="resume")
    assert not (tmp_path / "out").exists()
