// One class a text: a chunk, the whole document, or what is selected. Classes are the user's.

import { ask, button, byId, complain, element, inTurn, say, show } from "./annotate-page.js";
import { Documents } from "./annotate-documents.js";
import { counting, forget, selected } from "./annotate-text.js";

export class Labels {
  constructor(classes) {
    this.classes = classes;
    this.unit = 0;
    this.documents = new Documents(() => {
      this.unit = 0;
      this.draw();
    });
    byId("class-form").addEventListener("submit", (event) => {
      event.preventDefault();
      inTurn(() => this.addClass());
    });
    this.keys = {
      j: ["next text", () => this.step(1)],
      k: ["previous text", () => this.step(-1)],
      n: ["new class", () => byId("class-name").focus()],
    };
    for (let number = 1; number <= 9; number += 1) {
      this.keys[String(number)] = [`class ${number}`, () => this.choose(number - 1)];
    }
  }

  list() {
    return this.documents.list();
  }

  more() {
    return this.documents.more();
  }

  // The whole document first, then its chunks in order.
  units() {
    const { text, chunks } = this.documents.open;
    const whole = { start: 0, end: counting(text).points(text.length), section: "the whole document" };
    return [whole, ...chunks.filter((chunk) => chunk.end - chunk.start < whole.end)];
  }

  async step(by) {
    forget(this.documents.box);
    const next = this.unit + by;
    if (next >= 0 && next < this.units().length) {
      this.unit = next;
      this.draw();
      return;
    }
    if (await this.documents.step(by)) {
      if (by < 0) this.unit = this.units().length - 1;
      this.draw();
    } else say("there is no further text");
  }

  place() {
    return selected(this.documents.box, this.documents.open.text) || this.units()[this.unit];
  }

  labelAt(place) {
    return this.documents.open.labels.find((label) => label.start === place.start && label.end === place.end);
  }

  async choose(number) {
    const name = this.classes[number];
    if (!name) {
      complain(`There is no class ${number + 1}; add one (n).`);
      return;
    }
    const { start, end } = this.place();
    const { document_id } = this.documents.open;
    const known = this.labelAt({ start, end });
    const off = known && known.name === name;
    const answer = off
      ? await ask("POST", "/api/labels/remove", { document_id, start, end })
      : await ask("PUT", "/api/labels", { document_id, start, end, name });
    forget(this.documents.box);
    this.labelled(answer.labels, off ? "label removed" : `labelled ${name}`);
  }

  labelled(labels, text) {
    this.documents.open.labels = labels;
    this.documents.counted();
    this.draw();
    say(text);
  }

  async addClass() {
    await this.setClasses([...this.classes, byId("class-name").value]);
    byId("class-name").value = "";
    this.documents.box.focus();
  }

  async setClasses(names) {
    this.classes = (await ask("PUT", "/api/classes", { names })).classes;
    this.draw();
  }

  draw() {
    const open = this.documents.open;
    if (!open) return;
    const units = this.units();
    const unit = units[this.unit];
    const mine = this.labelAt(unit);
    byId("title").textContent = `${open.title} — ${this.unit + 1} of ${units.length}: ${unit.section || "a chunk"}`;
    show(byId("classes"), ...this.classes.map((name, number) => {
      const key = number < 9 ? `${number + 1} ` : "";
      const pick = button(`${key}${name}`, () => this.choose(number));
      pick.setAttribute("aria-pressed", String(Boolean(mine && mine.name === name)));
      const without = this.classes.filter((other) => other !== name);
      return element("li", {}, pick, button("remove", () => this.setClasses(without), `Remove class ${name}`));
    }));
    show(byId("labels"), ...open.labels.map((label) => {
      const where = label.start === 0 && label.end === units[0].end ? "the whole document" : `${label.start}–${label.end}`;
      const gone = button("remove", async () => {
        const { start, end } = label;
        const answer = await ask("POST", "/api/labels/remove", { document_id: open.document_id, start, end });
        this.labelled(answer.labels, "label removed");
      }, `Remove ${label.name} from ${where}`);
      return element("li", {}, element("span", { className: "span", textContent: `${label.name}: ${where}` }), gone);
    }));
    this.documents.mark(this.unit ? [{ start: unit.start, end: unit.end, kind: "unit" }] : []);
    const marked = this.documents.box.querySelector("mark");
    if (marked) marked.scrollIntoView({ block: "center" });
  }
}
