// One class a text: a chunk, the whole document, or what is selected. Classes are the annotators' own.

import { Undo, ask, button, byId, complain, element, inTurn, say, show } from "./annotate-page.js";
import { Documents } from "./annotate-documents.js";

export class Labels {
  constructor(classes) {
    this.classes = classes;
    this.unit = 0;
    this.undo = new Undo();
    this.documents = new Documents("labels", () => {
      this.unit = 0;
      this.draw();
    }, () => this.mayLeave());
    byId("class-form").addEventListener("submit", (event) => {
      event.preventDefault();
      inTurn(() => this.addClass());
    });
    this.keys = {
      "1": ["label with the class of this number; again: take it away", () => this.choose(0)],
      j: ["next text", () => this.step(1)],
      k: ["previous text", () => this.step(-1)],
      J: ["next document", () => this.turn(1)],
      K: ["previous document", () => this.turn(-1)],
      s: ["select the sentence at the cursor; again: the next one too", () => this.documents.reader.sentence()],
      n: ["new class", () => byId("class-name").focus(), "field"],
      u: ["undo the last label", () => this.undo.last()],
      f: ["next passage with what you search", () => this.documents.find(1)],
      F: ["previous passage with what you search", () => this.documents.find(-1)],
    };
    for (let number = 2; number <= 9; number += 1) this.keys[String(number)] = ["", () => this.choose(number - 1)];
  }

  mayLeave() {
    return true;
  }

  // The whole document first, then its chunks in order.
  units() {
    const { text, chunks } = this.documents.open;
    const whole = { start: 0, end: this.documents.reader.points(text.length), section: "" };
    return [whole, ...chunks.filter((chunk) => chunk.end - chunk.start < whole.end)];
  }

  async step(by) {
    const next = this.unit + by;
    if (next >= 0 && next < this.units().length) {
      this.turnTo(next);
      return;
    }
    if ((await this.turn(by)) && by < 0) this.turnTo(this.units().length - 1);
  }

  async turn(by) {
    const moved = await this.documents.step(by);
    if (!moved) say(by > 0 ? "this is the last text" : "this is the first text");
    return moved;
  }

  turnTo(number) {
    this.unit = number;
    this.draw();
    if (number) this.documents.reader.go(this.units()[number].start);
  }

  place() {
    return this.documents.reader.selected() || this.units()[this.unit];
  }

  classAt(place) {
    const found = this.documents.open.labels.find((label) => label.start === place.start && label.end === place.end);
    return found ? found.name : "";
  }

  async choose(number) {
    const name = this.classes[number];
    if (!name) {
      complain(`There is no class ${number + 1}; add one (n).`);
      return;
    }
    const place = this.place();
    const before = this.classAt(place);
    const after = before === name ? "" : name;
    await this.set(place, before, after);
    const { id } = this.documents.open;
    this.undo.add(async () => {
      await this.set(place, after, before, id);
      say("undone");
    });
    this.documents.reader.collapse();
    say(after ? `labelled ${name}` : "label removed");
  }

  // The class of a part of a document, `after` "" for none; `before` is the one that was seen there.
  async set({ start, end }, before, after, document_id = this.documents.open.id) {
    const body = { document_id, start, end, seen: before };
    try {
      const answer = after ? await ask("PUT", "/api/labels", { ...body, name: after }) : await ask("POST", "/api/labels/remove", body);
      if (document_id === this.documents.open.id) this.labelled(answer.labels);
    } catch (error) {
      if (error.code === "conflict") {
        const now = await ask("GET", `/api/documents/${document_id}/labels`);
        this.classes = now.classes;
        this.labelled(now.labels);
        complain(`Somebody else labelled this text meanwhile: ${this.classAt({ start, end }) || "no label"}. Yours was not saved; choose again to change theirs.`);
      }
      throw error;
    }
  }

  labelled(labels) {
    this.documents.open.labels = labels;
    this.documents.changed();
    this.draw();
  }

  async addClass() {
    const name = byId("class-name").value;
    this.classes = (await ask("POST", "/api/classes", { name })).classes;
    byId("class-name").value = "";
    this.draw();
    this.documents.reader.box.focus();
    say(`class ${name} added`);
  }

  async removeClass(name) {
    this.classes = (await ask("POST", "/api/classes/remove", { name })).classes;
    this.draw();
    say("class removed");
  }

  draw() {
    const { open } = this.documents;
    if (!open) return;
    const units = this.units();
    const unit = units[this.unit];
    const mine = this.classAt(unit);
    const labelled = units.filter((each) => this.classAt(each)).length;
    byId("unit").textContent = this.unit
      ? `Passage ${this.unit} of ${units.length - 1}${unit.section ? `, ${unit.section}` : ""}`
      : "The whole document";
    byId("unit-progress").textContent = `${labelled} of ${units.length} texts of this document labelled`;
    show(byId("classes"), ...this.classes.map((name, number) => {
      const pick = button(number < 9 ? `${number + 1}  ${name}` : name, () => this.choose(number), name);
      pick.setAttribute("aria-pressed", String(mine === name));
      if (number < 9) pick.setAttribute("aria-keyshortcuts", String(number + 1));
      return element("li", {}, pick, button("Remove", () => this.removeClass(name), `Remove class ${name}`));
    }));
    show(byId("labels"), ...open.labels.map((label) => this.item(label, units[0])));
    this.documents.mark(this.unit ? [{ start: unit.start, end: unit.end, kind: "unit" }] : []);
  }

  item(label, whole) {
    const all = label.start === 0 && label.end === whole.end;
    const { reader } = this.documents;
    const words = all ? "the whole document" : reader.text.slice(reader.units(label.start), reader.units(label.end)).slice(0, 80);
    const go = button(`${label.name}: ${words}`, () => reader.go(label.start), `Show in the document: ${label.name}, ${words}`);
    const gone = button("Remove", async () => {
      await this.set(label, label.name, "");
      this.undo.add(() => this.set(label, "", label.name));
      say("label removed; u brings it back");
    }, `Remove ${label.name} from ${words}`);
    return element("li", {}, go, gone);
  }
}
