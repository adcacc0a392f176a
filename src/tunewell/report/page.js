// Search, filters and order for the example texts, and folded parts that open for print. The page reads well
// without this file: it only takes over what is already there. Users' texts enter it through textContent alone.
"use strict";

const PAGE = 50;

function make(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Where `needle` (lower case) stands in `text`, as [start, end].
function places(text, needle) {
  const lower = text.toLowerCase();
  const found = [];
  if (!needle || lower.length !== text.length) return found;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, at + needle.length)) {
    found.push([at, at + needle.length]);
  }
  return found;
}

// Appends `text`, which stands at `offset` of what was searched, with what was `found` there in a <mark>.
function appendFound(node, text, found, offset) {
  let from = 0;
  for (const [start, end] of found) {
    const first = Math.max(from, start - offset);
    const last = Math.min(text.length, end - offset);
    if (first >= last) continue;
    node.append(text.slice(from, first), make("mark", "", text.slice(first, last)));
    from = last;
  }
  node.append(text.slice(from));
}

function appendSearched(node, text, needle) {
  appendFound(node, text, places(text, needle), 0);
}

// What is heard before words that only the reference or only the output has.
const SPOKEN = { lacking: "not in the output", added: "not in the reference" };

// A text is a list of parts: plain text, or [kind, what is said first, parts, what is said last].
function partsOf(cell) {
  return typeof cell === "string" ? [cell] : cell;
}

// The texts of an entry, each with its kind; most entries have one, without a kind.
function blocksOf(cell) {
  return cell.blocks || [["", cell]];
}

function plain(parts) {
  return parts.map((part) => (typeof part === "string" ? part : part[0] === "gap" ? part[1] : plain(part[2]))).join("");
}

// Words that are heard and copied by no one.
function heard(words) {
  const node = make("bdi", "unseen said", words);
  node.lang = "en";
  return node;
}

// Appends the parts, the first of which stands at `offset` of the plain text; returns where they end.
function appendParts(node, parts, found, needle, offset) {
  for (const part of parts) {
    if (typeof part === "string") {
      appendFound(node, part, found, offset);
      offset += part.length;
      continue;
    }
    const [kind, first, inner, last] = part;
    if (kind === "gap") {
      const gap = make("span", "gap");
      gap.dir = "ltr";
      gap.lang = "en";
      offset = appendParts(gap, [first], found, needle, offset);
      node.append(gap);
      continue;
    }
    const mark = make("mark", kind);
    if (SPOKEN[kind]) {
      mark.append(heard(` (${SPOKEN[kind]}: `));
      offset = appendParts(mark, inner, found, needle, offset);
      mark.append(heard(") "));
      node.append(mark);
      continue;
    }
    offset = appendBeginning(mark, first, inner, found, needle, offset);
    if (last) mark.append(heard(` (${last}) `));
    node.append(mark);
  }
  return offset;
}

// A mark's label and its parts. The text that it begins with is glued to the label: no line ends between them.
function appendBeginning(mark, first, inner, found, needle, offset) {
  if (!first) return appendParts(mark, inner, found, needle, offset);
  const label = make("span", "said");
  const name = make("bdi");
  label.lang = "en";
  appendSearched(name, first, needle);
  label.append(name, make("span", "unseen", ": "));
  if (typeof inner[0] !== "string") {
    mark.append(label);
    return appendParts(mark, inner, found, needle, offset);
  }
  const glue = make("span", "glue");
  const text = make("span");
  glue.append(label, text);
  mark.append(glue);
  offset = appendParts(text, inner.slice(0, 1), found, needle, offset);
  return appendParts(mark, inner.slice(1), found, needle, offset);
}

function words(parts) {
  return parts.flatMap((part) => (typeof part === "string" || part[0] === "gap" ? [] : [part[1], ...words(part[2])]));
}

// All that the search looks through, in lower case.
function haystack(row) {
  const texts = blocksOf(row[0]).map(([, cell]) => partsOf(cell));
  const said = texts.flatMap((parts) => [plain(parts), ...words(parts)]);
  return [...said, ...row.slice(1, -1)].filter(Boolean).join("\n").toLowerCase();
}

function field(name, value, needle) {
  const box = make("div");
  const definition = make("dd");
  definition.dir = "auto";
  definition.lang = "";
  appendSearched(definition, value, needle);
  box.append(make("dt", "", name), definition);
  return box;
}

function running(cell, needle) {
  const text = make("p", "text");
  text.dir = "auto";
  text.lang = "";
  const parts = partsOf(cell);
  appendParts(text, parts, places(plain(parts), needle), needle, 0);
  return text;
}

function blocks(cell, names, needle) {
  const node = make("div", "blocks");
  for (const [kind, text] of cell.blocks) {
    const block = make("div", `block ${kind}`);
    if (names[kind]) block.append(make("p", "who", names[kind]));
    block.append(running(text, needle));
    node.append(block);
  }
  return node;
}

function item(row, data, needle) {
  const node = make("li");
  const above = make("dl", "above");
  const text = row[0].blocks ? blocks(row[0], data.names, needle) : running(row[0], needle);
  const list = make("dl");
  const right = row[row.length - 1];
  if (right !== null) {
    const box = make("div", right ? "right" : "wrong");
    box.append(make("dt", "unseen", "Outcome"), make("dd", "", right ? "✓ right" : "✕ wrong"));
    list.append(box);
  }
  data.columns.forEach((name, index) => {
    if (row[index + 1] !== null) (index < data.above ? above : list).append(field(name, row[index + 1], needle));
  });
  if (above.children.length) node.append(above);
  node.append(text, list);
  return node;
}

// "1,234", "83.1%", "−3e-5" as numbers; a missing value sorts last.
function number(text) {
  return text === null ? NaN : Number(text.replace(/[,%]/g, "").replace(/\u2212/g, "-"));
}

function ordered(rows, order) {
  if (!order) return rows;
  const column = Math.abs(order);
  return rows.slice().sort((a, b) => {
    const x = number(a[column]);
    const y = number(b[column]);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return order > 0 ? x - y : y - x;
  });
}

function start(root) {
  const data = JSON.parse(document.getElementById(root.dataset.texts).textContent);
  const controls = root.querySelector(".controls");
  const search = controls.querySelector("input");
  const choices = [...controls.querySelectorAll("[data-column]")];
  const right = controls.querySelector("[data-right]");
  const order = controls.querySelector("[data-order]");
  const list = root.querySelector(".texts");
  const more = root.querySelector(".more");
  const count = root.querySelector(".count");
  const haystacks = data.rows.map(haystack);
  let found = [];
  let shown = 0;
  let needle = "";

  function extend(by) {
    list.append(...found.slice(shown, shown + by).map((row) => item(row, data, needle)));
    shown = Math.min(found.length, shown + by);
    more.hidden = shown >= found.length;
    const total = data.rows.length.toLocaleString("en-US");
    const visible = shown.toLocaleString("en-US");
    const matching = found.length.toLocaleString("en-US");
    if (found.length === data.rows.length) count.textContent = `${visible} of ${total} texts shown.`;
    else if (!found.length) count.textContent = `None of ${total} texts matches.`;
    else count.textContent = `${visible} of ${matching} matching texts shown; ${total} texts in all.`;
  }

  function update() {
    needle = search.value.trim().toLowerCase();
    const wanted = choices.filter((choice) => choice.value).map((choice) => [choice.dataset.column, choice.value]);
    const rows = data.rows.filter(
      (row, index) =>
        (!needle || haystacks[index].includes(needle)) &&
        (!right || !right.value || row[row.length - 1] === Number(right.value)) &&
        wanted.every(([column, value]) => row[column] === value),
    );
    found = ordered(rows, order ? Number(order.value) : 0);
    shown = 0;
    list.replaceChildren();
    extend(data.first);
  }

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  controls.addEventListener("change", update);
  more.querySelector("button").addEventListener("click", () => {
    const next = list.children.length;
    extend(PAGE);
    if (more.hidden && list.children[next]) {
      list.children[next].tabIndex = -1;
      list.children[next].focus();
    }
  });
  controls.hidden = false;
  update();
}

document.querySelectorAll("[data-texts]").forEach(start);

// Paper cannot be clicked: what is folded opens for it, and folds again afterwards.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((node) => (node.open = true));
});
addEventListener("afterprint", () => {
  opened.forEach((node) => (node.open = false));
  opened = [];
});
