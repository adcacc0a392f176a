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

// Appends `text` with every occurrence of `needle` (lower case) in a <mark>.
function appendMarked(node, text, needle) {
  const lower = text.toLowerCase();
  let from = 0;
  if (needle && lower.length === text.length) {
    for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
      node.append(text.slice(from, at), make("mark", "", text.slice(at, at + needle.length)));
      from = at + needle.length;
    }
  }
  node.append(text.slice(from));
}

function field(name, value, needle) {
  const box = make("div");
  const definition = make("dd");
  definition.dir = "auto";
  definition.lang = "";
  appendMarked(definition, value, needle);
  box.append(make("dt", "", name), definition);
  return box;
}

function item(row, columns, needle) {
  const node = make("li");
  const text = make("p", "text");
  text.dir = "auto";
  text.lang = "";
  appendMarked(text, row[0], needle);
  const list = make("dl");
  const right = row[row.length - 1];
  if (right !== null) {
    const box = make("div", right ? "right" : "wrong");
    box.append(make("dt", "unseen", "Outcome"), make("dd", "", right ? "✓ right" : "✕ wrong"));
    list.append(box);
  }
  columns.forEach((name, index) => {
    if (row[index + 1] !== null) list.append(field(name, row[index + 1], needle));
  });
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
  const haystacks = data.rows.map((row) => row.slice(0, -1).filter(Boolean).join("\n").toLowerCase());
  let found = [];
  let shown = 0;
  let needle = "";

  function extend(by) {
    list.append(...found.slice(shown, shown + by).map((row) => item(row, data.columns, needle)));
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
