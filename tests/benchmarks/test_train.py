"""All four contestants, measured end to end with a tiny model."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks import train
from benchmarks.link import Meter
from benchmarks.table import markdown

from .conftest import SIZE, Measured

pytestmark = pytest.mark.timeout(900)  # a dozen processes that import torch; minutes on a busy machine


def test_it_succeeds_and_writes_numbers_page_and_picture(measured: Measured) -> None:
    assert measured.code == 0
    assert {path.name for path in measured.folder.iterdir()} == {"train.json", "train.md", "train.svg"}
    ElementTree.fromstring((measured.folder / "train.svg").read_text(encoding="utf-8"))


def test_every_segment_is_of_whole_steps_over_real_rows(measured: Measured) -> None:
    for name, comparison in measured.result["comparisons"].items():
        assert [entry["order"] for entry in comparison["segments"]] == [
            "ours, theirs",
            "theirs, ours",
            "ours, theirs",
        ]
        for entry in comparison["segments"]:
            for side in ("ours", "theirs"):
                segment = entry[side]
                assert segment["steps"] == 4, name
                assert segment["examples"] == 4 * SIZE
                assert segment["examples"] < segment["tokens"] < 4 * SIZE * 64
                assert segment["squared_tokens"] * segment["examples"] >= segment["tokens"] ** 2
                assert segment["seconds"] > 0


def test_an_epoch_of_each_contestant_holds_the_same_rows(measured: Measured) -> None:
    # 12 steps are an epoch of 96 rows: one warm-up step, then segments of 4; memory is looked at afterwards
    theirs = {
        name: sum(entry["theirs"]["tokens"] for entry in comparison["segments"])
        for name, comparison in measured.result["comparisons"].items()
    }
    mean = measured.result["session"]["mean_tokens"] * 12 * SIZE
    assert all(0.8 * mean < tokens < 1.2 * mean for tokens in theirs.values())


def test_the_summary_names_everyone_with_memory_and_utilisation(measured: Measured) -> None:
    rows = {row["name"]: row for row in measured.result["summary"]["rows"]}
    assert list(rows) == ["ours", "H0", "H1", "H2"]
    for row in rows.values():
        assert row["memory"]["peak_bytes"] > 50 * 2**20
        assert row["memory"]["peak_bytes"] >= 0.9 * row["memory"]["training_bytes"]
        assert 0 < row["utilisation"] < 1
    assert rows["H1"]["ratios"]["examples"]["count"] == 2  # three pairs, the first thrown away


def test_the_arguments_are_those_of_the_recipe(measured: Measured) -> None:
    settings = {
        name: comparison["facts"]["settings"] for name, comparison in measured.result["comparisons"].items()
    }
    ours = measured.result["ours"]["facts"]["settings"]["training"]
    for name in ("H0", "H1", "H2"):
        for key in ("learning_rate", "weight_decay", "max_grad_norm", "seed"):
            assert settings[name][key] == ours[key]
        assert settings[name]["per_device_train_batch_size"] == ours["batch_size"] == SIZE
    assert settings["H2"]["train_sampling_strategy"] == "group_by_length"
    assert settings["H1"]["train_sampling_strategy"] == settings["H0"]["train_sampling_strategy"] == "random"
    assert settings["H0"]["logging_steps"] == settings["H1"]["logging_steps"] == 500  # the Trainer's default


def test_the_page_comes_from_the_numbers_alone(measured: Measured) -> None:
    page = (measured.folder / "train.md").read_text(encoding="utf-8")
    assert markdown(measured.result) == page
    for name in ("ours", "H0", "H1", "H2"):
        assert f"| {name} | " in page
    assert "smoke run" in page


def test_a_red_gate_has_no_table(measured: Measured) -> None:
    result = json.loads(json.dumps(measured.result))
    for key in ("summary", "comparisons", "ours"):
        del result[key]
    result["parity"]["green"] = False
    result["parity"]["contestants"]["H1"]["problems"] = ["the loss differs"]
    page = markdown(result)
    assert "Refused" in page
    assert "the loss differs" in page
    assert "examples/s" not in page


def test_a_loss_stands_in_the_table(measured: Measured) -> None:
    result = json.loads(json.dumps(measured.result))
    result["summary"]["rows"][3]["ratios"]["examples"] |= {"median": 0.83, "low": 0.81, "high": 0.86}
    assert "0.83x (0.81 to 0.86)" in markdown(result)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "sst2_sentences"], "TUNEWELL_DATA is not set"),
        (["--data", "nothing-of-this-name"], "no data set"),
        (["--task", "no-task"], "no task"),
    ],
)
def test_what_cannot_be_measured_is_said_plainly(
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("TUNEWELL_DATA", raising=False)
    assert train.main([*arguments, "--out", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err


class Script:
    """The other end of a meter: gives commands, keeps answers."""

    def __init__(self, *commands: dict[str, object]) -> None:
        self.commands, self.answers = list(commands), []  # type: ignore[var-annotated]

    def receive(self) -> dict[str, object]:
        return self.commands.pop(0)

    def answer(self, **values: object) -> None:
        self.answers.append(values)


def test_a_meter_counts_the_steps_it_was_asked_for() -> None:
    script = Script({"do": "steps", "steps": 2}, {"do": "steps", "steps": 1}, {"do": "stop"})
    meter = Meter(script, lambda: None)  # type: ignore[arg-type]
    assert meter.ready(threads=1)
    assert [meter.step([3, 4]), meter.step([5, 6]), meter.step([7])] == [True, True, False]
    first, second = script.answers[1:]
    assert (first["steps"], first["examples"], first["tokens"], first["squared_tokens"]) == (2, 4, 18, 86)
    assert (second["steps"], second["tokens"]) == (1, 7)


def test_more_steps_than_the_schedule_has_are_an_error() -> None:
    script = Script({"do": "steps", "steps": 5})
    meter = Meter(script, lambda: None)  # type: ignore[arg-type]
    meter.ready()
    meter.step([1])
    meter.finished([])
    assert "schedule is over" in str(script.answers[-1]["error"])
