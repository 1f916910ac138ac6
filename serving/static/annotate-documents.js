// The documents on the left and the one that is open, for the views of questions and labels.

import { ask, byId, count, element, inTurn, query, say, show } from "./annotate-page.js";
import { forget, reader, render } from "./annotate-text.js";

const PAGE = 100;

export class Documents {
  constructor(onOpen) {
    this.onOpen = onOpen; // called with the document that was opened, as the server gave it
    this.rows = [];
    this.total = 0;
    this.open = null;
    this.box = reader("Text of the document");
  }

  async list() {
    this.rows = [];
    await this.more();
    if (this.rows.length) await this.choose(this.open ? this.place() : 0);
    else say("no document is called so");
  }

  async more() {
    const wanted = query({ start: this.rows.length, limit: PAGE, query: byId("search").value });
    const found = await ask("GET", `/api/documents?${wanted}`);
    this.total = found.total;
    this.rows.push(...found.documents);
    this.draw();
  }

  place() {
    return Math.max(0, this.rows.findIndex((row) => row.document_id === this.open.document_id));
  }

  async step(by) {
    const next = this.open ? this.place() + by : 0;
    if (next >= this.rows.length && this.rows.length < this.total) await this.more();
    if (next < 0 || next >= this.rows.length) return false;
    await this.choose(next);
    return true;
  }

  async choose(number) {
    this.open = await ask("GET", `/api/documents/${this.rows[number].document_id}`);
    byId("title").textContent = this.open.title;
    forget(this.box);
    show(byId("texts"), this.box);
    this.draw();
    this.onOpen(this.open);
    this.box.focus({ preventScroll: true });
    this.box.parentElement.parentElement.scrollTop = 0;
  }

  mark(marks) {
    render(this.box, this.open.text, marks);
  }

  // The counts of the open document have changed.
  counted() {
    const row = this.rows[this.place()];
    row.questions = this.open.questions.length;
    row.labels = this.open.labels.length;
    this.draw();
  }

  draw() {
    byId("total").textContent = count(this.total, "document");
    const items = this.rows.map((row, number) => {
      const counts = [row.questions && count(row.questions, "question"), row.labels && count(row.labels, "label")].filter(Boolean).join(", ");
      const made = element("button", { type: "button", title: row.file }, row.title, " ", element("span", { className: "count", textContent: counts }));
      if (this.open && row.document_id === this.open.document_id) made.setAttribute("aria-current", "true");
      made.addEventListener("click", () => inTurn(() => this.choose(number)));
      return element("li", {}, made);
    });
    show(byId("list"), ...items);
    byId("more").hidden = this.rows.length >= this.total;
    const current = byId("list").querySelector("[aria-current]");
    if (current) current.scrollIntoView({ block: "nearest" });
  }
}
