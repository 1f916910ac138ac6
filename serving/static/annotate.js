// The page: which view is open, and what a key does in it.

import { ask, byId, element, inTurn, show } from "./annotate-page.js";
import { Questions } from "./annotate-questions.js";
import { Labels } from "./annotate-labels.js";
import { Reviews } from "./annotate-reviews.js";

const state = await ask("GET", "/api/state");
const views = { questions: new Questions(), labels: new Labels(state.classes), reviews: new Reviews() };
let view = null;

function turnTo(name) {
  view = views[name];
  for (const other of Object.keys(views)) {
    byId(`tab-${other}`).setAttribute("aria-pressed", String(other === name));
    byId(`panel-${other}`).hidden = other !== name;
  }
  byId("search-label").hidden = name === "reviews";
  byId("show-label").hidden = name !== "reviews";
  inTurn(() => view.list());
}

function help() {
  const keys = Object.entries({ ...view.keys, "?": ["this help"], Escape: ["from a field to the text"] });
  show(byId("keys"), ...keys.map(([key, [what]]) =>
    element("tr", {}, element("td", {}, element("kbd", { textContent: key })), element("td", { textContent: what }))));
  byId("help").showModal();
}

// In a field letters are letters; in a reader, which takes none, they are commands.
const isField = (node) => node.matches("input:not([type=checkbox]), textarea, select");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || byId("help").open) return;
  const field = isField(event.target);
  if (event.key === "Escape" && field) {
    const box = byId("texts").querySelector(".reader");
    if (box) box.focus();
    return;
  }
  // A button is pressed with Enter and a form is sent with it; only the multi-line answer needs help.
  if (event.key === "Enter") {
    if (event.shiftKey || event.target.matches("button, select, input")) return;
  } else if (field || !byId("single-keys").checked) return;
  const action = event.key === "?" ? help : view.keys[event.key] && view.keys[event.key][1];
  if (action) {
    event.preventDefault();
    inTurn(action);
  }
});

for (const name of Object.keys(views)) byId(`tab-${name}`).addEventListener("click", () => turnTo(name));
byId("help-button").addEventListener("click", help);
byId("help-close").addEventListener("click", () => byId("help").close());
byId("more").addEventListener("click", () => inTurn(() => view.more()));
byId("search").addEventListener("change", () => inTurn(() => view.list()));
byId("tab-reviews").disabled = !state.dataset;
byId("tab-reviews").title = state.dataset ? "" : "start with --dataset NAME to review one";
byId("where").textContent = [`set ${state.set}`, state.collection, state.dataset && `dataset ${state.dataset}`].filter(Boolean).join(" · ");
turnTo(state.dataset ? "reviews" : "questions");
