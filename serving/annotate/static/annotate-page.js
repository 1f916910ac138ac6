// What all views share: elements, requests, what is said, and what is saved. Text gets into the page as text only, never as markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children); // strings become text nodes
  return node;
}

export function button(text, action, label) {
  const made = element("button", { type: "button", textContent: text });
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", () => inTurn(action));
  return made;
}

export const show = (node, ...children) => node.replaceChildren(...children);

export const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

export const query = (values) => new URLSearchParams(values).toString();

// An answer other than success. It has been shown to the annotator before it is thrown.
export class Refused extends Error {
  constructor(message, code = "") {
    super(message);
    this.code = code;
  }
}

// One action after another: the second waits until what the first asked for is there. The first starts at once: after a key that
// goes to a field, the next letter is already for that field.
const queue = [];
let running = false;

export const isBusy = () => running;

export async function inTurn(action) {
  queue.push(action);
  if (running) return;
  running = true;
  byId("main").setAttribute("aria-busy", "true");
  while (queue.length) {
    try {
      await queue.shift()();
    } catch (error) {
      if (!(error instanceof Refused)) reportError(error);
    }
  }
  running = false;
  byId("main").setAttribute("aria-busy", "false");
}

// Where the keys go once something was opened; a list of choices is left to whoever goes through it.
export function focusOn(box) {
  if (document.activeElement !== byId("show")) box.focus({ preventScroll: true });
}

export function say(text) {
  byId("alert").textContent = "";
  byId("status").textContent = text;
}

export function complain(text) {
  byId("status").textContent = "";
  byId("alert").textContent = text;
}

// Whether everything is on the server's disk, for the annotator to see, and for the browser before it closes the page.
const saving = { requests: 0, draft: false };

export function draft(there) {
  saving.draft = there;
  drawSaved();
}

export const hasDraft = () => saving.draft;

function drawSaved() {
  const text = saving.requests ? "Saving…" : saving.draft ? "Not saved yet" : "All saved";
  if (byId("saved").textContent !== text) byId("saved").textContent = text;
  byId("saved").classList.toggle("draft", saving.draft);
}

window.addEventListener("beforeunload", (event) => {
  if (saving.draft || saving.requests) event.preventDefault();
});

// The answer's JSON. Anything but success is shown and thrown: what called it stops there.
export async function ask(method, path, body) {
  const options = { method, headers: { "X-Raftsmith-Key": localStorage.getItem("raftsmith-key") || "" } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const writes = method !== "GET";
  if (writes) saving.requests += 1;
  drawSaved();
  try {
    return await answered(path, options);
  } finally {
    if (writes) saving.requests -= 1;
    drawSaved();
  }
}

async function answered(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    refuse("The server does not answer, and nothing was saved. Is `raftsmith annotate` still running?");
  }
  const value = await answer.json();
  if (!answer.ok) refuse(value.error.message, value.error.code);
  byId("alert").textContent = "";
  return value;
}

function refuse(message, code) {
  complain(message[0].toUpperCase() + message.slice(1));
  throw new Refused(message, code);
}

// The list of what `u` takes back: each entry undoes one thing that was done in this view.
export class Undo {
  constructor() {
    this.steps = [];
  }

  add(step) {
    this.steps.push(step);
  }

  async last() {
    const step = this.steps.pop();
    if (step) await step();
    else say("there is nothing to undo");
  }
}
