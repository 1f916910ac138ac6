// Documents as text with marks, and selections as offsets. Offsets are in code points, as the server counts; the browser counts
// UTF-16 units, and the two differ after every character beyond the first plane.

import { element, show } from "./annotate-page.js";

const isPair = /[\u{10000}-\u{10FFFF}]/gu;
const carets = new WeakMap(); // reader → where its selection was last, as Selection has it

// Converters between the two ways to count, for one text.
export function counting(text) {
  const pairs = Array.from(text.matchAll(isPair), (match) => match.index);
  return {
    points: (unit) => unit - pairs.filter((at) => at < unit).length,
    units: (point) => pairs.reduce((unit, at) => (at < unit ? unit + 1 : unit), point),
  };
}

// A box with text in which the caret can be moved and text be selected by keyboard, and nothing changed.
export function reader(label) {
  const box = element("div", { className: "reader", contentEditable: "true", spellcheck: false, tabIndex: 0 });
  box.setAttribute("role", "textbox");
  box.setAttribute("aria-multiline", "true");
  box.setAttribute("aria-readonly", "true");
  box.setAttribute("aria-label", label);
  for (const change of ["beforeinput", "paste", "drop", "cut", "dragstart"]) {
    box.addEventListener(change, (event) => event.preventDefault());
  }
  box.addEventListener("focus", () => {
    const caret = carets.get(box);
    if (caret && caret.every((place) => box.contains(place.node))) put(caret);
  });
  return box;
}

document.addEventListener("selectionchange", () => {
  const { anchorNode, anchorOffset, focusNode, focusOffset } = document.getSelection();
  const inside = anchorNode && (anchorNode.closest ? anchorNode : anchorNode.parentElement);
  const box = inside && inside.closest(".reader");
  if (box && box.contains(focusNode)) {
    carets.set(box, [{ node: anchorNode, offset: anchorOffset }, { node: focusNode, offset: focusOffset }]);
  }
});

const put = ([anchor, focus]) =>
  document.getSelection().setBaseAndExtent(anchor.node, anchor.offset, focus.node, focus.offset);

// The caret goes back to the start: another text is in the box now, or what was selected is done with.
export function forget(box) {
  carets.delete(box);
  const selection = document.getSelection();
  if (box.contains(selection.anchorNode)) selection.collapse(box, 0);
}

// How many UTF-16 units of the box stand before a place, and the place before which so many stand.
function unitsBefore(box, { node, offset }) {
  const range = document.createRange();
  range.selectNodeContents(box);
  range.setEnd(node, offset);
  return range.toString().length;
}

function placeAt(box, units) {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  let left = units;
  let node = walker.nextNode();
  while (node && left > node.length) {
    left -= node.length;
    node = walker.nextNode();
  }
  return node ? { node, offset: left } : { node: box, offset: 0 };
}

// Put `text` into `box` with `marks`, {start, end, kind} in code points; kinds of marks that overlap are put together. What is
// selected stays so.
export function render(box, text, marks) {
  const caret = carets.get(box);
  const kept = caret && caret.every((place) => box.contains(place.node)) ? caret.map((place) => unitsBefore(box, place)) : null;
  const { units } = counting(text);
  const placed = marks.map((mark) => ({ ...mark, from: units(mark.start), to: units(mark.end) }));
  const cuts = new Set([0, text.length]);
  for (const mark of placed) cuts.add(mark.from).add(mark.to);
  const edges = Array.from(cuts).sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i + 1 < edges.length; i += 1) {
    const piece = text.slice(edges[i], edges[i + 1]);
    const over = placed.filter((mark) => mark.from <= edges[i] && edges[i + 1] <= mark.to);
    const kinds = over.map((mark) => mark.kind).join(" ");
    parts.push(kinds ? element("mark", { className: kinds, textContent: piece }) : piece);
  }
  show(box, ...parts);
  if (kept) {
    carets.set(box, kept.map((count) => placeAt(box, count)));
    if (document.activeElement === box) put(carets.get(box));
  }
}

// What is selected in `box`, {start, end, text} in code points and without white space around it, or null.
export function selected(box, text) {
  const selection = document.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!box.contains(range.startContainer) || !box.contains(range.endContainer)) return null;
  const from = unitsBefore(box, { node: range.startContainer, offset: range.startOffset });
  const chosen = text.slice(from, from + range.toString().length);
  const inner = chosen.trim();
  if (!inner) return null;
  const { points } = counting(text);
  const start = from + chosen.length - chosen.trimStart().length;
  return { start: points(start), end: points(start + inner.length), text: inner };
}
