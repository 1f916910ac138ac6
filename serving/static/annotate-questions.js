// Questions with answers and evidence, selected in the open document.

import { ask, button, byId, complain, element, inTurn, say, show } from "./annotate-page.js";
import { Documents } from "./annotate-documents.js";
import { selected } from "./annotate-text.js";

export class Questions {
  constructor() {
    this.documents = new Documents(() => this.fresh());
    this.clear();
    byId("new-question").addEventListener("click", () => this.start());
    byId("question-form").addEventListener("submit", (event) => {
      event.preventDefault();
      inTurn(() => this.save());
    });
    byId("question-form").addEventListener("input", () => {
      this.touched = true;
    });
    this.keys = {
      j: ["next document", () => this.step(1)],
      k: ["previous document", () => this.step(-1)],
      n: ["new question", () => this.start()],
      q: ["go to the question", () => byId("question").focus()],
      e: ["evidence from the selection", () => this.take("evidence")],
      a: ["answer from the selection", () => this.take("answers")],
      Enter: ["save the question", () => this.save()],
    };
  }

  list() {
    return this.documents.list();
  }

  more() {
    return this.documents.more();
  }

  async step(by) {
    if (this.touched) {
      complain("This question is not saved: Enter saves it, n drops it.");
      return;
    }
    if (!(await this.documents.step(by))) say(by > 0 ? "this is the last document" : "this is the first document");
  }

  clear() {
    this.id = null;
    this.touched = false;
    this.spans = { answers: [], evidence: [] };
  }

  // A document was opened: an empty form.
  fresh() {
    this.clear();
    byId("question").value = "";
    byId("unanswerable").checked = false;
    this.draw();
  }

  start() {
    this.fresh();
    byId("question").focus();
  }

  take(role) {
    const span = selected(this.documents.box, this.documents.open.text);
    if (!span) {
      complain("Select text in the document first.");
      return;
    }
    const there = this.spans[role].some((other) => other.start === span.start && other.end === span.end);
    if (!there) this.spans[role].push(span);
    this.touched = true;
    say(role === "answers" ? "answer taken" : "evidence taken");
    byId("unanswerable").checked = false;
    this.draw();
    if (role === "answers" && !byId("question").value) byId("question").focus();
  }

  async save() {
    const body = {
      document_id: this.documents.open.document_id,
      text: byId("question").value,
      answerable: !byId("unanswerable").checked,
      answers: this.spans.answers,
      evidence: this.spans.evidence,
    };
    const kept = this.id
      ? await ask("PUT", `/api/questions/${this.id}`, body)
      : await ask("POST", "/api/questions", body);
    const questions = this.documents.open.questions;
    const place = questions.findIndex((question) => question.id === kept.id);
    if (place < 0) questions.push(kept);
    else questions[place] = kept;
    this.documents.counted();
    this.fresh();
    this.documents.box.focus();
    say("question saved");
  }

  edit(question) {
    this.id = question.id;
    this.spans = { answers: [...question.answers], evidence: [...question.evidence] };
    byId("question").value = question.text;
    byId("unanswerable").checked = !question.answers.length;
    this.draw();
    byId("question").focus();
    say("Save writes over this question");
  }

  async remove(question) {
    await ask("DELETE", `/api/questions/${question.id}`);
    const open = this.documents.open;
    open.questions = open.questions.filter((other) => other.id !== question.id);
    this.documents.counted();
    if (this.id === question.id) this.fresh();
    else this.draw();
    say("question deleted");
  }

  draw() {
    for (const role of ["answers", "evidence"]) {
      const items = this.spans[role].map((span, number) => {
        const gone = button("remove", () => {
          this.spans[role].splice(number, 1);
          this.touched = true;
          this.draw();
        }, `Remove from ${role}: ${span.text.slice(0, 40)}`);
        return element("li", {}, element("span", { className: "span", textContent: span.text }), gone);
      });
      show(byId(role), ...items);
    }
    const open = this.documents.open;
    const saved = open ? open.questions : [];
    show(byId("questions"), ...saved.map((question) => element("li", {},
      button(question.answers.length ? question.text : `${question.text} (no answer)`, () => this.edit(question), `Edit: ${question.text}`),
      button("delete", () => this.remove(question), `Delete: ${question.text}`))));
    if (open) {
      const marks = (spans, kind) => spans.map((span) => ({ start: span.start, end: span.end, kind }));
      this.documents.mark([...marks(this.spans.evidence, "evidence"), ...marks(this.spans.answers, "answer")]);
    }
  }
}
