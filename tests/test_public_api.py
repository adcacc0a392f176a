"""What `import tunewell` gives: a few names, nothing heavy, and the same settings as the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tunewell
from tunewell.core import errors

QUICK = {
    "training.batch_size": 8,
    "training": {"threads": 1, "device": "cpu"},
    "evaluation.resamples": 100,
    "evaluation": {"rank_resamples": 100},
}


@pytest.fixture
def data(tmp_path: Path, texts: list[str]) -> Path:
    rows = zip(texts, ["good", "bad"] * 24, strict=True)
    path = tmp_path / "r.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


def test_all_is_what_can_be_imported() -> None:
    assert sorted(tunewell.__all__) == list(tunewell.__all__)
    assert dir(tunewell) == sorted(tunewell.__all__)
    for name in tunewell.__all__:
        assert getattr(tunewell, name).__doc__
    assert set(vars(errors)) & set(tunewell.__all__) == {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert tunewell.__doc__


def test_importing_is_light() -> None:
    script = "import sys, tunewell; print([n for n in ('torch', 'numpy', 'pydantic', 'yaml', 'typer') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_fit_and_load(data: Path, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    model, output = tiny("bert"), tmp_path / "out"
    run = tunewell.fit(data, model=model, epochs=1, output=output, settings=QUICK)
    assert run.path == output
    assert (run.config.training.batch_size, run.config.training.threads) == (8, 1)
    again = tunewell.fit(data, model=model, epochs=1, output=output, settings=QUICK)
    assert again.scores == run.scores
    loaded = tunewell.load(output)
    assert loaded.scores == run.scores
    texts = ["the film was great", "好 🙂", ""]
    assert [p.to_json() for p in loaded.predict(texts)] == [p.to_json() for p in run.predict(texts)]
    assert loaded.predict([]) == []
    assert loaded.predict([{"text": texts[0]}])[0].label == loaded.predict([texts[0]])[0].label
    with pytest.raises(tunewell.ConfigError, match="this model reads 1"):
        loaded.predict([("a", "b")])
    with pytest.raises(tunewell.ConfigError, match=r"training\.seed"):
        tunewell.fit(data, model=model, epochs=1, output=output, seed=3, settings=QUICK)


def test_arguments_are_settings(data: Path) -> None:
    with pytest.raises(tunewell.ConfigError, match=r"did you mean training\.learning_rate"):
        tunewell.fit(data, settings={"training.lr": 1})
    with pytest.raises(tunewell.ConfigError, match=r"training\.epochs"):
        tunewell.fit(data, epochs=-1)
    with pytest.raises(tunewell.ConfigError, match="no task called"):
        tunewell.fit(data, task="nope")


def test_the_argument_stands_above_the_settings(data: Path) -> None:
    with pytest.raises(tunewell.ConfigError, match=r"training\.seed: -2"):
        tunewell.fit(data, seed=-2, settings={"training.seed": -1})


def test_an_unknown_mode_is_refused(data: Path, tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    with pytest.raises(tunewell.ConfigError, match="mode"):
        tunewell.fit(data, mode="again", model=tiny("bert"), output=tmp_path / "out", settings=QUICK)
    assert not (tmp_path / "out").exists()


def test_compare_takes_runs_and_folders(data: Path, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    runs = [
        tunewell.fit(
            data, model=tiny("bert"), epochs=epochs, output=tmp_path / f"run{epochs}", settings=QUICK
        )
        for epochs in (1, 2)
    ]
    found = tunewell.compare([runs[0], runs[1].path], reference=runs[1])
    assert (found.reference, [pair.run for pair in found.pairs]) == ("run2", ["run1"])
    assert found.scores["run1"].value == runs[0].scores.headline.value
    assert found.settings["training.epochs"] == {"run1": 1.0, "run2": 2.0}
    assert tunewell.compare(runs, metric="macro_f1", all_pairs=True, split="validation").split == "validation"


def test_load_of_something_else(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", str(tmp_path)):
        with pytest.raises(tunewell.ModelError):
            tunewell.load(path)
