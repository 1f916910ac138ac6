// Generated examples: accept, edit, reject, undo. An edit quotes the passages that the example shows.

import { Refused, Undo, ask, button, byId, complain, draft, element, focusOn, inTurn, query, say, show } from "./annotate-page.js";
import { List } from "./annotate-list.js";
import { Reader } from "./annotate-text.js";

const VERDICTS = { open: "to do", accept: "✓ accepted", edit: "✎ edited", reject: "✗ rejected" };
const TEACHES = {
  answer: "Teaches to answer from the marked evidence.",
  "abstain-absent": "Teaches to abstain: its evidence was left out on purpose. Check that no passage answers.",
  "abstain-unanswerable": "Teaches to abstain: no document answers. Check that no passage answers.",
};

export class Reviews {
  constructor() {
    this.filters = { open: "to do", accept: "accepted", edit: "edited", reject: "rejected", all: "all examples" };
    this.search = "Find in questions and answers";
    this.wanted = { show: "open", query: "" };
    this.open = null;
    this.readers = [];
    this.quotes = [];
    this.undo = new Undo();
    this.list = new List({
      load: (rows) => this.load(rows),
      entry: (row) => [`${row.number}. ${row.question}`, VERDICTS[row.verdict], row.question],
      open: (row) => this.opened(row),
      mayLeave: () => this.mayLeave(),
    });
    byId("review-form").addEventListener("submit", (event) => {
      event.preventDefault();
      inTurn(() => this.edit());
    });
    byId("review-form").addEventListener("input", () => draft(this.changed()));
    byId("accept").addEventListener("click", () => inTurn(() => this.decide("accept")));
    byId("reject").addEventListener("click", () => inTurn(() => this.decide("reject")));
    byId("undo").addEventListener("click", () => inTurn(() => this.undo.last()));
    byId("take-quote").addEventListener("click", () => inTurn(() => this.take()));
    byId("reset").addEventListener("click", () => inTurn(() => this.reset()));
    this.keys = {
      y: ["accept", () => this.decide("accept")],
      x: ["reject", () => this.decide("reject")],
      u: ["undo the last verdict", () => this.undo.last()],
      s: ["select the sentence at the cursor; again: the next one too", () => this.sentence()],
      e: ["quote what is selected", () => this.take()],
      a: ["change the answer", () => byId("answer").focus(), "field"],
      d: ["the documents do not answer, or do", () => byId("abstains").click()],
      Enter: ["save the edit", () => this.edit()],
      z: ["drop the edit", () => this.reset()],
      j: ["next example", () => this.step(1)],
      k: ["previous example", () => this.step(-1)],
      p: ["next passage", () => this.passage(1)],
      P: ["previous passage", () => this.passage(-1)],
    };
  }

  async load(rows) {
    const after = rows.length ? rows[rows.length - 1].id : "";
    const found = await ask("GET", `/api/examples?${query({ ...this.wanted, after })}`);
    this.counts = found.counts;
    this.drawProgress();
    return found;
  }

  async fill() {
    if (await this.list.fill(this.open && this.open.id)) return true;
    this.empty();
    return false;
  }

  empty() {
    this.open = null;
    draft(false);
    const done = this.wanted.show === "open" && !this.wanted.query;
    byId("title").textContent = done ? "All examples are reviewed" : "";
    show(byId("texts"));
    show(byId("quotes"));
    byId("verdict").textContent = "";
    byId("policy").textContent = "";
    byId("answer").value = "";
  }

  mayLeave() {
    if (this.open && this.changed()) complain("This edit is not saved: Enter saves it, z drops it.");
    return !(this.open && this.changed());
  }

  async step(by) {
    if (!this.mayLeave()) return;
    if (await this.list.step(by)) return;
    say(by < 0 ? "this is the first example" : this.counts.reviewed === this.counts.all ? "all examples are reviewed" : "this is the last example of this list");
  }

  async opened(row) {
    this.shown(await ask("GET", `/api/examples/${row.id}`));
    const oracle = Math.max(0, this.open.passages.findIndex((passage) => this.quotes.some((quote) => passage.text.includes(quote))));
    if (this.readers.length) this.goTo(oracle);
  }

  shown(example) {
    this.open = example;
    this.counts = example.counts;
    this.readers = example.passages.map(({ title, text }, number) => {
      const reader = new Reader(`Passage ${number + 1}: ${title}`);
      reader.put(text);
      return reader;
    });
    byId("title").textContent = example.question;
    show(byId("texts"), ...example.passages.flatMap(({ title, oracle }, number) => [
      element("h3", {}, `[${number + 1}] ${title}`, oracle ? element("span", { className: "badge", textContent: "evidence" }) : ""),
      this.readers[number].box,
    ]));
    byId("main").scrollTop = 0;
    this.reset();
    const { row } = this.list;
    if (row && row.id === example.id) {
      row.verdict = example.verdict;
      this.list.drawRow();
    }
    this.drawProgress();
    if (example.problem) complain(example.problem);
  }

  // The answer and quotes as the example has them.
  reset() {
    if (!this.open) return;
    this.quotes = [...this.open.quotes];
    byId("answer").value = this.open.abstained ? "" : this.open.answer;
    byId("abstains").checked = this.open.abstained;
    this.draw();
  }

  changed() {
    const { abstained, answer, quotes } = this.open;
    const same = byId("answer").value === (abstained ? "" : answer) && byId("abstains").checked === abstained;
    return !same || this.quotes.join("\n") !== quotes.join("\n");
  }

  focused() {
    return this.readers.findIndex((reader) => reader.box === document.activeElement);
  }

  goTo(number) {
    focusOn(this.readers[number].box);
    this.readers[number].box.scrollIntoView({ block: "nearest" });
  }

  passage(by) {
    if (this.readers.length) this.goTo((this.focused() + by + this.readers.length) % this.readers.length);
  }

  sentence() {
    if (this.readers.length) this.readers[Math.max(0, this.focused())].sentence();
  }

  take() {
    if (!this.open) return;
    const reader = this.readers.find((each) => each.selected());
    if (!reader) {
      complain("Select text in a passage first; s selects the sentence at the cursor.");
      return;
    }
    const { text } = reader.selected();
    if (!this.quotes.includes(text)) this.quotes.push(text);
    byId("abstains").checked = false;
    reader.collapse();
    this.draw();
    say("quote taken; Enter saves the edit");
  }

  async edit() {
    if (!this.open) return;
    const abstains = byId("abstains").checked;
    if (!abstains && !this.quotes.length) {
      complain("An answer needs a quote: select it in a passage and press e, or say that the documents do not answer.");
      return;
    }
    if (!this.changed()) {
      complain("Nothing is changed: y accepts the example as it is.");
      return;
    }
    await this.decide("edit", abstains ? { answer: "", quotes: [] } : { answer: byId("answer").value, quotes: this.quotes });
  }

  async decide(verdict, change = {}) {
    if (!this.open) return;
    if (verdict === "accept" && this.changed()) {
      complain("The answer or its quotes are changed: Enter saves the edit, z drops it.");
      return;
    }
    const before = this.open;
    try {
      const kept = await this.put(before.id, verdict, change, before.judged, before.version);
      this.undo.add(() => this.takeBack(before, kept));
      this.shown(kept);
    } catch (error) {
      if (error instanceof Refused && error.code === "conflict") await this.explain(before);
      throw error;
    }
    if (!(await this.list.step(1)) && this.counts.reviewed === this.counts.all) {
      say(`${{ accept: "accepted", edit: "edit saved", reject: "rejected" }[verdict]}; all examples are reviewed`);
      return;
    }
    say({ accept: "accepted", edit: "edit saved", reject: "rejected" }[verdict]);
  }

  // Somebody else decided meanwhile. An edit that was begun here stays in the form.
  async explain(before) {
    const mine = { answer: byId("answer").value, abstains: byId("abstains").checked, quotes: this.quotes };
    const began = this.changed();
    this.shown(await ask("GET", `/api/examples/${before.id}`));
    if (began) {
      byId("answer").value = mine.answer;
      byId("abstains").checked = mine.abstains;
      this.quotes = mine.quotes;
      this.draw();
    }
    const theirs = this.open.verdict === "open" ? "took the verdict back" : `${VERDICTS[this.open.verdict].slice(2)} this example`;
    complain(`Somebody else ${theirs} meanwhile. Yours was not saved${began ? "; your edit is still here" : ""}. Decide again to change theirs, or j goes on.`);
  }

  put(id, verdict, change, judged, seen) {
    return ask("PUT", `/api/reviews/${id}`, { verdict, judged, seen, ...change });
  }

  // Back to what stood before a verdict; `kept` is what it made.
  async takeBack(before, kept) {
    const change = before.verdict !== "edit" || before.abstained ? {} : { answer: before.answer, quotes: before.quotes };
    const now = before.verdict === "open"
      ? await ask("DELETE", `/api/reviews/${before.id}?${query({ seen: kept.version })}`)
      : await this.put(before.id, before.verdict, change, before.judged, kept.version);
    const number = this.list.rows.findIndex((row) => row.id === before.id);
    if (number >= 0) await this.list.choose(number);
    else this.shown(now);
    say("undone");
  }

  draw() {
    byId("verdict").textContent = VERDICTS[this.open.verdict];
    byId("verdict").className = `verdict ${this.open.verdict}`;
    byId("policy").textContent = `${TEACHES[this.open.policy] || this.open.policy} Split: ${this.open.split}.`;
    show(byId("quotes"), ...this.quotes.map((quote, number) => this.item(quote, number)));
    for (const [number, reader] of this.readers.entries()) {
      const { text } = this.open.passages[number];
      reader.mark(this.quotes.map((quote) => ({ quote, at: text.indexOf(quote) })).filter(({ at }) => at >= 0).map(({ quote, at }) => (
        { start: reader.points(at), end: reader.points(at + quote.length), kind: "evidence" })));
    }
    byId("reset").disabled = !this.changed();
    draft(this.changed());
  }

  item(quote, number) {
    const gone = button("Remove", () => {
      this.quotes.splice(number, 1);
      this.draw();
    }, `Remove quote: ${quote.slice(0, 60)}`);
    return element("li", {}, element("q", { textContent: quote }), gone);
  }

  drawProgress() {
    const { all, reviewed, accept, edit, reject } = this.counts;
    byId("progress").value = all ? reviewed / all : 0;
    byId("total").textContent = `${reviewed} of ${all} reviewed: ${accept} accepted, ${edit} edited, ${reject} rejected`;
  }
}
