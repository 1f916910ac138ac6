// Questions with answers and evidence, selected in the open document.

import { Refused, Undo, ask, button, byId, complain, count, draft, element, hasDraft, inTurn, query, say, show } from "./annotate-page.js";
import { Documents } from "./annotate-documents.js";

export class Questions {
  constructor() {
    this.documents = new Documents("questions", () => this.fresh(), () => this.mayLeave());
    this.undo = new Undo();
    this.clear();
    const form = byId("question-form");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      inTurn(() => this.save());
    });
    form.addEventListener("input", () => draft(true));
    byId("new-question").addEventListener("click", () => inTurn(() => this.start()));
    byId("take-answer").addEventListener("click", () => inTurn(() => this.take("answers")));
    byId("take-evidence").addEventListener("click", () => inTurn(() => this.take("evidence")));
    this.keys = {
      s: ["select the sentence at the cursor; again: the next one too", () => this.documents.reader.sentence()],
      e: ["what is selected is evidence", () => this.take("evidence")],
      a: ["what is selected is an answer", () => this.take("answers"), "field"],
      d: ["the document does not answer, or does", () => byId("unanswerable").click()],
      q: ["write the question", () => byId("question").focus(), "field"],
      Enter: ["save the question", () => this.save()],
      n: ["new question; drops what is not saved", () => this.start(), "field"],
      u: ["undo the last question saved or deleted", () => this.undo.last()],
      j: ["next document", () => this.step(1)],
      k: ["previous document", () => this.step(-1)],
      f: ["next passage with what you search", () => this.documents.find(1)],
      F: ["previous passage with what you search", () => this.documents.find(-1)],
    };
  }

  // False, and said, while there is something that would be lost.
  mayLeave() {
    if (hasDraft()) complain("This question is not saved: Enter saves it, n drops it.");
    return !hasDraft();
  }

  async step(by) {
    if (!this.mayLeave()) return;
    if (!(await this.documents.step(by))) say(by > 0 ? "this is the last document" : "this is the first document");
  }

  clear() {
    this.open = null; // the question that is corrected, as it was when it was opened
    this.spans = { answers: [], evidence: [] };
    draft(false);
  }

  // A document was opened, or a question saved: an empty form.
  fresh() {
    this.clear();
    byId("question").value = "";
    byId("unanswerable").checked = false;
    this.draw();
  }

  start() {
    this.fresh();
    byId("question").focus();
    say("a new question");
  }

  take(role) {
    const { reader } = this.documents;
    const span = reader.selected();
    if (!span) {
      complain("Select text in the document first; s selects the sentence at the cursor.");
      return;
    }
    if (!this.spans[role].some((other) => other.start === span.start && other.end === span.end)) this.spans[role].push(span);
    byId("unanswerable").checked = false;
    draft(true);
    this.draw();
    say(role === "answers" ? "answer taken" : "evidence taken");
    if (role === "answers" && !byId("question").value) byId("question").focus();
    else reader.collapse();
  }

  body(question, seen) {
    return {
      document_id: this.documents.open.id,
      text: question.text,
      answerable: question.answerable,
      answers: question.answers,
      evidence: question.evidence,
      seen,
    };
  }

  async save() {
    const before = this.open;
    const body = this.body({ ...this.spans, text: byId("question").value, answerable: !byId("unanswerable").checked }, before ? before.version : "");
    try {
      const kept = await (before ? ask("PUT", `/api/questions/${before.id}`, body) : ask("POST", "/api/questions", body));
      this.undo.add(() => (before ? this.restore(before, kept) : this.remove(kept, "the new question is taken back")));
      this.replace(kept);
    } catch (error) {
      if (before) await this.explain(error, before);
      throw error;
    }
    this.fresh();
    this.documents.reader.box.focus();
    say(before ? "correction saved" : "question saved");
  }

  // Somebody else changed or deleted the question meanwhile: what was written here stays in the form, and saves over it next time.
  async explain(error, before) {
    if (!(error instanceof Refused) || !["conflict", "not_found"].includes(error.code)) return;
    const now = await this.refresh();
    this.open = now.find((question) => question.id === before.id) || null;
    this.draw();
    complain(
      this.open
        ? `Somebody else changed this question meanwhile; theirs is in the list: “${this.open.text}”. Yours is still here, and saving again writes it over theirs.`
        : "Somebody else deleted this question meanwhile. Yours is still here, and saving again keeps it as a new one.",
    );
  }

  async refresh() {
    const { open } = this.documents;
    open.questions = (await ask("GET", `/api/documents/${open.id}/questions`)).questions;
    this.documents.changed();
    return open.questions;
  }

  replace(kept) {
    const { questions } = this.documents.open;
    const place = questions.findIndex((question) => question.id === kept.id);
    if (kept.document_id !== this.documents.open.id) return; // undone from another document
    if (place < 0) questions.push(kept);
    else questions[place] = kept;
    this.documents.changed();
    this.draw();
  }

  edit(question) {
    if (!this.mayLeave()) return;
    this.open = question;
    this.spans = { answers: [...question.answers], evidence: [...question.evidence] };
    byId("question").value = question.text;
    byId("unanswerable").checked = !question.answers.length;
    this.draw();
    const first = question.evidence[0] || question.answers[0];
    if (first) this.documents.reader.go(first.start);
    byId("question").focus();
    say("correcting a question; saving writes over it");
  }

  async remove(question, said = "question deleted; u brings it back") {
    try {
      await ask("DELETE", `/api/questions/${question.id}?${query({ seen: question.version })}`);
    } catch (error) {
      await this.refresh();
      this.draw();
      complain("Somebody else changed this question meanwhile, so it was not deleted; look at it again.");
      throw error;
    }
    const { open } = this.documents;
    open.questions = open.questions.filter((other) => other.id !== question.id);
    if (question.document_id === open.id) this.documents.changed();
    if (this.open && this.open.id === question.id) this.fresh();
    else this.draw();
    if (said.startsWith("question deleted")) this.undo.add(() => this.restore(question, null));
    say(said);
  }

  // Bring back the question as it was; `now` is what stands in its place.
  async restore(question, now) {
    const body = { ...this.body({ ...question, answerable: question.answers.length > 0 }, now ? now.version : ""), document_id: question.document_id };
    const kept = await (now ? ask("PUT", `/api/questions/${question.id}`, body) : ask("POST", "/api/questions", body));
    this.replace(kept);
    say("undone");
  }

  draw() {
    for (const role of ["answers", "evidence"]) {
      show(byId(role), ...this.spans[role].map((span, number) => this.item(role, span, number)));
    }
    const { open } = this.documents;
    const saved = open ? open.questions : [];
    byId("questions-title").textContent = saved.length ? `${count(saved.length, "question")} of this document` : "No question of this document yet";
    byId("form-title").textContent = this.open ? "Correct a question" : "New question";
    show(byId("questions"), ...saved.map((question) => element("li", { className: this.open && question.id === this.open.id ? "open" : "" },
      button(question.answers.length ? question.text : `${question.text} (no answer)`, () => this.edit(question), `Correct: ${question.text}`),
      button("Delete", () => this.remove(question), `Delete: ${question.text}`))));
    if (open) {
      const marks = (spans, kind) => spans.map((span) => ({ start: span.start, end: span.end, kind }));
      this.documents.mark([...marks(this.spans.evidence, "evidence"), ...marks(this.spans.answers, "answer")]);
    }
  }

  item(role, span, number) {
    const go = button(span.text, () => this.documents.reader.go(span.start), `Show in the document: ${span.text}`);
    const gone = button("Remove", () => {
      this.spans[role].splice(number, 1);
      draft(true);
      this.draw();
    }, `Remove from ${role}: ${span.text.slice(0, 60)}`);
    return element("li", {}, go, gone);
  }
}
