// Generated examples: accept, edit, reject, undo. An edit quotes the passages that the example shows.

import { ask, button, byId, complain, count, element, inTurn, query, say, show } from "./annotate-page.js";
import { reader, render, selected } from "./annotate-text.js";

const PAGE = 100;

export class Reviews {
  constructor() {
    this.rows = [];
    this.total = 0;
    this.open = null;
    this.boxes = [];
    this.quotes = [];
    this.done = []; // what stood before each verdict of this sitting, for undo
    byId("review-form").addEventListener("submit", (event) => {
      event.preventDefault();
      inTurn(() => this.edit());
    });
    byId("accept").addEventListener("click", () => inTurn(() => this.decide("accept")));
    byId("reject").addEventListener("click", () => inTurn(() => this.decide("reject")));
    byId("undo").addEventListener("click", () => inTurn(() => this.undo()));
    byId("write").addEventListener("click", () => inTurn(() => this.write()));
    byId("show").addEventListener("change", () => inTurn(() => this.list()));
    this.keys = {
      j: ["next example", () => this.step(1)],
      k: ["previous example", () => this.step(-1)],
      y: ["accept", () => this.decide("accept")],
      x: ["reject", () => this.decide("reject")],
      u: ["undo the last verdict", () => this.undo()],
      e: ["quote from the selection", () => this.take()],
      a: ["go to the answer", () => byId("answer").focus()],
      Enter: ["save the edit", () => this.edit()],
      w: ["write the reviews for training", () => this.write()],
    };
  }

  async list() {
    this.rows = [];
    await this.more();
    if (this.rows.length) await this.choose(0);
    else {
      this.open = null;
      byId("title").textContent = "";
      show(byId("texts"));
      say("there is no such example");
    }
  }

  async more() {
    const wanted = query({ start: this.rows.length, limit: PAGE, show: byId("show").value });
    const found = await ask("GET", `/api/examples?${wanted}`);
    this.total = found.total;
    this.rows.push(...found.examples);
    this.drawList();
  }

  place() {
    return this.rows.findIndex((row) => row.id === this.open.id);
  }

  async step(by) {
    if (!this.open) return;
    const next = this.place() + by;
    if (next >= this.rows.length && this.rows.length < this.total) await this.more();
    if (next < 0 || next >= this.rows.length) say(by > 0 ? "this is the last example" : "this is the first example");
    else await this.choose(next);
  }

  async choose(number) {
    this.opened(await ask("GET", `/api/examples/${this.rows[number].id}`));
    this.boxes[0].focus({ preventScroll: true });
  }

  opened(example) {
    this.open = example;
    this.quotes = [...example.quotes];
    byId("title").textContent = example.question;
    byId("answer").value = example.abstained ? "" : example.answer;
    byId("abstains").checked = example.abstained;
    this.boxes = example.passages.map((passage, number) => reader(`Passage ${number + 1}: ${passage.title}`));
    show(byId("texts"), ...example.passages.flatMap((passage, number) => [
      element("h3", { textContent: `[${number + 1}] ${passage.title}` }),
      this.boxes[number],
    ]));
    const row = this.rows[this.place()];
    if (row) row.verdict = example.verdict;
    this.draw();
    this.drawList();
  }

  changed() {
    const { abstained, answer, quotes } = this.open;
    const same = byId("answer").value === (abstained ? "" : answer) && byId("abstains").checked === abstained;
    return !same || this.quotes.join("\n") !== quotes.join("\n");
  }

  take() {
    for (const [number, box] of this.boxes.entries()) {
      const span = selected(box, this.open.passages[number].text);
      if (span) {
        if (!this.quotes.includes(span.text)) this.quotes.push(span.text);
        byId("abstains").checked = false;
        this.draw();
        say("quote taken; Enter saves the edit");
        return;
      }
    }
    complain("Select text in one passage first.");
  }

  async edit() {
    const abstains = byId("abstains").checked;
    if (!abstains && !this.quotes.length) {
      complain("Quote a passage (select, e), or say that the documents do not answer.");
      return;
    }
    await this.decide("edit", abstains ? { answer: "", quotes: [] } : { answer: byId("answer").value, quotes: this.quotes });
  }

  async decide(verdict, change = {}) {
    if (!this.open) return;
    if (verdict === "accept" && this.changed()) {
      complain("The answer or its quotes are changed: Enter saves the edit, and j and k bring back what was there.");
      return;
    }
    const before = this.open;
    const kept = await ask("PUT", `/api/reviews/${before.id}`, { verdict, judged: before.judged, ...change });
    this.done.push(before);
    this.opened(kept);
    await this.step(1);
    say({ accept: "accepted", edit: "edit saved", reject: "rejected" }[verdict]);
  }

  async undo() {
    const before = this.done.pop();
    if (!before) {
      say("there is nothing to undo");
      return;
    }
    const path = `/api/reviews/${before.id}`;
    if (before.verdict === "open") await ask("DELETE", path);
    else {
      const change = before.verdict !== "edit" ? {} : before.abstained ? { answer: "", quotes: [] } : { answer: before.answer, quotes: before.quotes };
      await ask("PUT", path, { verdict: before.verdict, judged: before.judged, ...change });
    }
    this.opened(await ask("GET", `/api/examples/${before.id}`));
    this.boxes[0].focus({ preventScroll: true });
    say("undone");
  }

  async write() {
    const { written } = await ask("POST", "/api/reviews/write");
    say(`${count(written, "review")} written for training`);
  }

  draw() {
    byId("verdict").textContent = `${this.open.verdict} · teaches: ${this.open.policy} · split: ${this.open.split}`;
    show(byId("quotes"), ...this.quotes.map((quote, number) => {
      const gone = button("remove", () => {
        this.quotes.splice(number, 1);
        this.draw();
      }, `Remove quote: ${quote.slice(0, 40)}`);
      return element("li", {}, element("span", { className: "span", textContent: quote }), gone);
    }));
    for (const [number, box] of this.boxes.entries()) {
      const text = this.open.passages[number].text;
      const points = Array.from(text);
      const marks = this.quotes.flatMap((quote) => {
        const at = text.indexOf(quote);
        if (at < 0) return [];
        const start = Array.from(text.slice(0, at)).length;
        return [{ start, end: Math.min(start + Array.from(quote).length, points.length), kind: "evidence" }];
      });
      render(box, text, marks);
    }
  }

  drawList() {
    byId("total").textContent = count(this.total, "example");
    show(byId("list"), ...this.rows.map((row, number) => {
      const made = element("button", { type: "button" }, row.question, " ", element("span", { className: "count", textContent: row.verdict }));
      if (this.open && row.id === this.open.id) made.setAttribute("aria-current", "true");
      made.addEventListener("click", () => inTurn(() => this.choose(number)));
      return element("li", {}, made);
    }));
    byId("more").hidden = this.rows.length >= this.total;
    const current = byId("list").querySelector("[aria-current]");
    if (current) current.scrollIntoView({ block: "nearest" });
  }
}
