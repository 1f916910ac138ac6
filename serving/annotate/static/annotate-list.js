// The list on the left: loaded a hundred at a time, one entry open, moved through by key. What an entry says is its view's business.

import { button, element, inTurn } from "./annotate-page.js";

export class List {
  // `load(rows)` gives {rows, more} behind what is there; `entry(row)` gives [name, note, title]; `open(row)` is called with what is
  // chosen, by click only if `mayLeave()`.
  constructor({ load, entry, open, mayLeave }) {
    this.mayLeave = mayLeave;
    this.load = load;
    this.entry = entry;
    this.open = open;
    this.clear();
    this.node = element("ol", { className: "list" });
    this.moreButton = button("Show more", () => this.extend());
    this.node.addEventListener("keydown", (event) => this.move(event));
  }

  clear() {
    this.rows = [];
    this.more = false;
    this.number = -1; // of the row that is open
  }

  // Load the list anew and open the row `id`, or the first.
  async fill(id) {
    this.clear();
    this.node.replaceChildren();
    await this.extend();
    const number = this.rows.findIndex((row) => row.id === id);
    if (this.rows.length) await this.choose(Math.max(number, 0));
    return this.rows.length > 0;
  }

  async extend() {
    const found = await this.load(this.rows);
    const first = this.rows.length;
    this.rows.push(...found.rows);
    this.more = found.more;
    this.node.append(...found.rows.map((row, at) => this.item(row, first + at)));
    this.moreButton.hidden = !this.more;
  }

  // False when there is no further row.
  async step(by) {
    const next = this.number + by;
    if (next >= this.rows.length && this.more) await this.extend();
    if (next < 0 || next >= this.rows.length) return false;
    await this.choose(next);
    return true;
  }

  async choose(number) {
    const before = this.buttonAt(this.number) || this.buttonAt(0);
    before.removeAttribute("aria-current");
    before.tabIndex = -1;
    this.number = number;
    const now = this.buttonAt(number);
    now.setAttribute("aria-current", "true");
    now.tabIndex = 0;
    now.scrollIntoView({ block: "nearest" });
    await this.open(this.rows[number]);
  }

  get row() {
    return this.rows[this.number];
  }

  // The open row has changed.
  drawRow() {
    if (this.row) this.fillButton(this.buttonAt(this.number), this.row);
  }

  buttonAt(number) {
    return this.node.children[number] && this.node.children[number].firstChild;
  }

  item(row, number) {
    const made = element("button", { type: "button", tabIndex: number ? -1 : 0 });
    this.fillButton(made, row);
    made.addEventListener("click", () => inTurn(() => this.mayLeave() && this.choose(number)));
    return element("li", {}, made);
  }

  fillButton(made, row) {
    const [name, note, title] = this.entry(row);
    made.title = title;
    made.replaceChildren(element("span", { className: "name", textContent: name }), element("span", { className: "note", textContent: note }));
  }

  // The list is one stop for Tab; arrows move inside it.
  move(event) {
    const at = Array.prototype.indexOf.call(this.node.children, event.target.closest("li"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.rows.length - 1 }[event.key];
    if (at < 0 || to === undefined || !this.buttonAt(to)) return;
    event.preventDefault();
    this.buttonAt(at).tabIndex = -1;
    this.buttonAt(to).tabIndex = 0;
    this.buttonAt(to).focus();
  }
}
