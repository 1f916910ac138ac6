// The documents on the left and the one that is open, for the views of questions and labels.

import { ask, byId, count, focusOn, query, say, show } from "./annotate-page.js";
import { List } from "./annotate-list.js";
import { Reader } from "./annotate-text.js";

export class Documents {
  // `task` is "questions" or "labels"; `onOpen` is called when a document was opened, `mayLeave` asked before another is.
  constructor(task, onOpen, mayLeave) {
    this.task = task;
    this.onOpen = onOpen;
    this.open = null; // as the server gave it
    this.reader = new Reader("Text of the document");
    this.filters = { todo: `without ${task}`, done: `with ${task}`, all: "all documents" };
    this.search = "Find in titles and texts";
    this.wanted = { show: "all", query: "" };
    this.marks = [];
    this.list = new List({
      load: (rows) => this.load(rows),
      entry: (row) => [row.title, [row.questions && count(row.questions, "question"), row.labels && count(row.labels, "label")].filter(Boolean).join(", "), row.file],
      open: (row) => this.opened(row),
      mayLeave,
    });
  }

  async load(rows) {
    const after = rows.length ? rows[rows.length - 1].id : "";
    const found = await ask("GET", `/api/documents?${query({ ...this.wanted, task: this.task, after })}`);
    this.counts = found.counts;
    this.drawProgress();
    return found;
  }

  async fill() {
    if (await this.list.fill(this.open && this.open.id)) return true;
    this.open = null;
    byId("title").textContent = "";
    show(byId("texts"));
    return false;
  }

  step(by) {
    return this.list.step(by);
  }

  async opened(row) {
    this.open = await ask("GET", `/api/documents/${row.id}?${query({ query: this.wanted.query })}`);
    byId("title").textContent = this.open.title;
    show(byId("texts"), this.reader.box);
    this.reader.put(this.open.text);
    this.reader.box.scrollIntoView({ block: "nearest" });
    byId("main").scrollTop = 0;
    this.at = -1;
    this.onOpen();
    focusOn(this.reader.box);
    if (this.open.found.length) this.find(1);
  }

  mark(marks) {
    this.reader.mark([...this.open.found.map((place) => ({ ...place, kind: "found" })), ...marks]);
  }

  // To the next passage that says what was searched for, or to the one before.
  find(by) {
    const { found } = this.open;
    if (!found.length) {
      say(this.wanted.query ? "no passage of this document has all these words" : "search first: / goes to the search");
      return;
    }
    this.at = (this.at + by + found.length) % found.length;
    this.reader.go(found[this.at].start);
    say(`passage ${this.at + 1} of ${found.length} with what you search`);
  }

  // The questions or labels of the open document have changed.
  changed() {
    const { row } = this.list;
    const had = row[this.task] > 0;
    row[this.task] = this.open[this.task].length;
    this.counts.done += Number(row[this.task] > 0) - Number(had);
    this.list.drawRow();
    this.drawProgress();
  }

  drawProgress() {
    const { done, all } = this.counts;
    byId("progress").value = all ? done / all : 0;
    byId("total").textContent = `${done} of ${count(all, "document")} ${done === 1 ? "has" : "have"} ${this.task}`;
  }
}
