"""A hook of mkdocs (see mkdocs.yml): what lies outside `docs/` becomes pages, and links to it lead there.

The repository's own pages (architecture, changelog, contributing) and the examples have one place, where a code
forge and an editor show them; the site shows the same files. Links in `docs/` are written as they hold in the
repository.

Not for: pages that are read off the package (`scripts/references.py`).
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
DOCS, EXAMPLES = ROOT / "docs", ROOT / "examples"
ROOT_PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
BACKGROUND = ("decisions/", "lab-log", "changelog", "architecture", "contributing")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
_BLOCK = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    """Fill in the navigation: every decision note, every example."""
    pages = {
        "Decisions": [f"decisions/{path.name}" for path in sorted((DOCS / "decisions").glob("*.md"))],
        "Examples": [{path.name: page_of(path)} for path in example_files()],
    }
    groups = [entry for entry in config.nav if isinstance(entry, dict)]
    for group in groups:
        for title, inner in group.items():
            if title in pages:
                group[title] = pages[title]
            elif isinstance(inner, list):
                groups += [entry for entry in inner if isinstance(entry, dict)]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages whose files lie outside `docs/`."""
    for name, page in ROOT_PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=with_links(text, name)))
    for path in example_files():
        files.append(File.generated(config, page_of(path), content=example_page(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Bend the links of a page of `docs/` (those of the added pages are bent already); rank the background lower."""
    if page.file.src_uri.startswith(BACKGROUND):
        page.meta["search"] = {"boost": 0.3}
    if page.file.abs_src_path and Path(page.file.abs_src_path).is_relative_to(DOCS):
        return with_links(markdown, f"docs/{page.file.src_uri}")
    return markdown


def example_files() -> list[Path]:
    """The scripts and notebooks of `examples/`."""
    return sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb"))


def page_of(path: Path) -> str:
    """Where an example stands on the site."""
    return f"examples/{path.stem}.md"


def example_page(path: Path) -> str:
    """A script with its docstring as the heading, or a notebook's cells in order."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return f"{notebook_page(json.loads(text))}\n\nThe notebook is `{name}` in the repository.\n"
    title, _, rest = (ast.get_docstring(ast.parse(text)) or path.stem).partition("\n")
    body = text.split('"""', 2)[2].strip() if text.startswith('"""') else text
    said = re.sub(r"^    (.+)$", r"```sh\n\1\n```", rest.strip("\n"), flags=re.MULTILINE)
    return f'# {title.rstrip(".")}\n\n{said}\n\n```python title="{name}"\n{body}\n```\n'


def notebook_page(notebook: dict[str, Any]) -> str:
    """The cells of a notebook as Markdown."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"]).strip()
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    return "\n\n".join(parts)


def with_links(markdown: str, source: str) -> str:
    """`markdown`, a file of the repository called `source`, with its links as they hold on the site."""

    def bent(match: re.Match[str]) -> str:
        target = match["target"]
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        return f"[{match['text']}]({from_page(site_page(path, source), source)}{match['anchor'] or ''})"

    pieces, end = [], 0
    for block in _BLOCK.finditer(markdown):  # code is left alone
        pieces += [_LINK.sub(bent, markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*pieces, _LINK.sub(bent, markdown[end:])])


def site_page(path: str, source: str) -> str:
    """Where a file of the repository stands on the site."""
    if path in ROOT_PAGES:
        return ROOT_PAGES[path]
    if path.startswith("examples/") and (ROOT / path) in example_files():
        return page_of(ROOT / path)
    if path == "docs/decisions":
        return "decisions/" + sorted((DOCS / "decisions").glob("*.md"))[0].name
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    raise PluginError(f"{source}: a link leads to {path}, which is not on the site")


def from_page(page: str, source: str) -> str:
    """The way from the page of `source` to another page."""
    start = posixpath.dirname(ROOT_PAGES.get(source, source.removeprefix("docs/")))
    return posixpath.relpath(page, start or ".")
