// Texts with marks, and selections as offsets. Offsets are in code points, as the server counts; the browser counts UTF-16 units,
// and the two differ after every character beyond the first plane. Marks are the browser's own highlights: the text itself stays as
// it is, so the cursor stays too, and a book is as quick as a page.

import { element, show } from "./annotate-page.js";

const BLOCK = 3000; // UTF-16 units, at least: only blocks in sight are laid out
const isPair = /[\u{10000}-\u{10FFFF}]/gu;
const inks = new Map(["found", "unit", "evidence", "answer"].map((kind) => [kind, new Highlight()]));
[...inks].forEach(([kind, ink], priority) => {
  ink.priority = priority;
  CSS.highlights.set(kind, ink);
});

const readers = new WeakMap(); // box → its Reader
let current = null; // the reader in which something was selected last

// A box with text in which the cursor can be moved and text be selected by keyboard, and nothing changed.
export class Reader {
  constructor(label) {
    const properties = { className: "reader", contentEditable: "true", spellcheck: false, tabIndex: 0, role: "textbox" };
    this.box = element("div", { ...properties, "aria-multiline": "true", "aria-readonly": "true", "aria-label": label });
    for (const change of ["beforeinput", "paste", "drop", "cut", "dragstart"]) {
      this.box.addEventListener(change, (event) => event.preventDefault());
    }
    this.box.addEventListener("focus", () => {
      if (this.caret) this.select(...this.caret);
    });
    readers.set(this.box, this);
    this.caret = null; // [anchor, focus] in UTF-16 units, as they were last
    this.ranges = [];
    this.put("");
  }

  put(text) {
    this.mark([]);
    this.forget();
    this.text = text;
    this.pairs = Array.from(text.matchAll(isPair), (match) => match.index);
    this.starts = [0];
    for (let at = text.indexOf("\n", BLOCK); at >= 0 && at + 1 < text.length; at = text.indexOf("\n", at + BLOCK)) {
      this.starts.push(at + 1);
    }
    const blocks = this.starts.map((start, number) => element("div", {}, text.slice(start, this.starts[number + 1])));
    this.box.classList.toggle("long", blocks.length > 1);
    show(this.box, ...blocks);
  }

  // Code points before a UTF-16 unit, and units before a code point.
  points(unit) {
    return unit - firstAtLeast(this.pairs, (pair) => pair, unit);
  }

  units(point) {
    return point + firstAtLeast(this.pairs, (pair, number) => pair - number, point);
  }

  // Put `marks`, {start, end, kind} in code points, in the place of those before.
  mark(marks) {
    for (const [ink, range] of this.ranges) ink.delete(range);
    this.ranges = marks.map(({ start, end, kind }) => {
      const [from, to] = [this.place(this.units(start)), this.place(this.units(end))];
      const range = new StaticRange({ startContainer: from.node, startOffset: from.offset, endContainer: to.node, endOffset: to.offset });
      inks.get(kind).add(range);
      return [inks.get(kind), range];
    });
  }

  // What is selected here, {start, end, text} in code points and without white space around it, or null.
  selected() {
    follow();
    if (current !== this || !this.caret) return null;
    const [from, to] = this.caret.toSorted((a, b) => a - b);
    const chosen = this.text.slice(from, to);
    const inner = chosen.trim();
    if (!inner) return null;
    const start = from + chosen.length - chosen.trimStart().length;
    return { start: this.points(start), end: this.points(start + inner.length), text: inner };
  }

  // What was selected is done with: only the cursor stays, at its end.
  collapse() {
    if (this.caret) this.select(Math.max(...this.caret), Math.max(...this.caret));
  }

  // The cursor is nowhere: another text comes.
  forget() {
    this.caret = null;
    if (current === this) current = null;
    const selection = document.getSelection();
    if (this.box.contains(selection.anchorNode)) selection.collapse(this.box, 0);
  }

  // Select between two places in UTF-16 units; the second is where the cursor is.
  select(anchor, focus) {
    this.caret = [anchor, focus];
    current = this;
    const [from, to] = [this.place(anchor), this.place(focus)];
    document.getSelection().setBaseAndExtent(from.node, from.offset, to.node, to.offset);
  }

  // Select the sentence at the cursor or, from between two, the next; where something is selected, the next sentence too.
  sentence() {
    follow();
    const [from, to] = (this.caret || [0, 0]).toSorted((a, b) => a - b);
    const gap = this.text.slice(to).search(/\S/);
    if (gap < 0) return;
    const inside = to + gap;
    const start = this.text.lastIndexOf("\n", inside) + 1;
    const end = this.text.indexOf("\n", inside);
    const line = this.text.slice(start, end < 0 ? this.text.length : end);
    const { index, segment } = sentences.segment(line).containing(inside - start);
    this.select(from < to ? from : start + index, start + index + segment.trimEnd().length);
    this.reveal(this.points(start + index));
  }

  // Put the cursor before a code point and bring it in sight.
  go(point) {
    this.select(this.units(point), this.units(point));
    this.reveal(point);
  }

  reveal(point) {
    const { node, offset } = this.place(this.units(point));
    const range = document.createRange();
    range.setStart(node, offset);
    range.setEnd(node, Math.min(offset + 1, node.length || 0));
    let frame = this.box.parentElement;
    while (frame.parentElement && frame.scrollHeight <= frame.clientHeight) frame = frame.parentElement;
    for (let round = 0; round < 3; round += 1) { // a block that comes in sight is laid out only then, and may move the text
      const [line, seen] = [range.getBoundingClientRect(), frame.getBoundingClientRect()];
      const [top, bottom] = [Math.max(seen.top, 0), Math.min(seen.bottom, innerHeight)];
      if (line.top >= top && line.bottom <= bottom) return;
      frame.scrollTop += line.top - top - (bottom - top) / 3;
    }
  }

  place(unit) {
    const number = Math.max(0, firstAtLeast(this.starts, (start) => start, unit + 1) - 1);
    const block = this.box.children[number];
    return block.firstChild ? { node: block.firstChild, offset: unit - this.starts[number] } : { node: block, offset: 0 };
  }

  // The UTF-16 unit that a place in the document stands before.
  unitAt(node, offset) {
    if (node === this.box) return offset < this.starts.length ? this.starts[offset] : this.text.length;
    const block = node.nodeType === Node.TEXT_NODE ? node.parentNode : node;
    const number = Array.prototype.indexOf.call(this.box.children, block);
    if (node !== block) return this.starts[number] + offset;
    return offset ? this.starts[number] + block.textContent.length : this.starts[number];
  }
}

const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" });

// How many of the sorted `values` have a key below `wanted`.
function firstAtLeast(values, key, wanted) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(values[middle], middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Take over where the cursor is. The browser tells of a change only after the key that made it, and the next key may come before.
function follow() {
  const { anchorNode, anchorOffset, focusNode, focusOffset } = document.getSelection();
  const inside = anchorNode && (anchorNode.closest ? anchorNode : anchorNode.parentElement);
  const box = inside && inside.closest(".reader");
  if (!box || !box.contains(focusNode) || document.activeElement !== box) return;
  current = readers.get(box);
  current.caret = [current.unitAt(anchorNode, anchorOffset), current.unitAt(focusNode, focusOffset)];
}

document.addEventListener("selectionchange", follow);
