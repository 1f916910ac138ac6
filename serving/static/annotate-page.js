// What all views share: elements, requests, and what is said. Text gets into the page as text only, never as markup.

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

class Refused extends Error {}

// One action after another: the second waits until what the first asked for is there.
let busy = Promise.resolve();
export function inTurn(action) {
  busy = busy.then(action).catch((error) => {
    if (!(error instanceof Refused)) reportError(error); // what was refused has been shown
  });
}

export const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

export const show = (node, ...children) => node.replaceChildren(...children);

export function say(text) {
  byId("alert").textContent = "";
  byId("status").textContent = text;
}

export function complain(text) {
  byId("alert").textContent = text;
}

// The answer's JSON. Anything but success is shown and thrown: what called it stops there.
export async function ask(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    complain("The server does not answer; is `raftsmith annotate` still running?");
    throw new Refused();
  }
  const value = await answer.json();
  if (!answer.ok) {
    complain(value.error.message);
    throw new Refused();
  }
  byId("alert").textContent = "";
  return value;
}

export const query = (values) => new URLSearchParams(values).toString();
