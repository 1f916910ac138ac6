// The page: which view is open, what its list shows, and what a key does in it.

import { ask, byId, element, inTurn, isBusy, say, show } from "./annotate-page.js";
import { Questions } from "./annotate-questions.js";
import { Labels } from "./annotate-labels.js";
import { Reviews } from "./annotate-reviews.js";

const state = await ask("GET", "/api/state");
const views = { questions: new Questions(), labels: new Labels(state.classes), reviews: new Reviews() };
const titles = { questions: "Questions", labels: "Labels", reviews: "Review" };
let view = null;

// What is listed: the documents, or the examples themselves.
const source = () => view.documents || view;

function turnTo(name) {
  if (view && (view === views[name] || !view.mayLeave())) return;
  view = views[name];
  for (const other of Object.keys(views)) {
    if (other === name) byId(`tab-${other}`).setAttribute("aria-current", "page");
    else byId(`tab-${other}`).removeAttribute("aria-current");
    byId(`panel-${other}`).hidden = other !== name;
  }
  document.title = `${titles[name]} – raftsmith annotate`;
  const { filters, wanted, search, list } = source();
  byId("search-name").textContent = search;
  byId("search").value = wanted.query;
  show(byId("show"), ...Object.entries(filters).map(([value, text]) => element("option", { value, textContent: text })));
  byId("show").value = wanted.show;
  show(byId("list"), list.node, list.moreButton);
  inTurn(() => fill());
}

async function fill() {
  if (!(await source().fill())) say("nothing here; choose another list or search for something else");
}

function filter() {
  if (!view.mayLeave()) {
    byId("search").value = source().wanted.query;
    byId("show").value = source().wanted.show;
    return;
  }
  source().wanted = { show: byId("show").value, query: byId("search").value };
  inTurn(() => fill());
}

// Key → what it does, how, and "field" where letters are text afterwards.
const everywhere = {
  "/": ["search", () => byId("search").select(), "field"],
  Q: ["questions", () => turnTo("questions")],
  L: ["labels", () => turnTo("labels")],
  R: ["review", () => (state.dataset ? turnTo("reviews") : say("start with --dataset NAME to review one"))],
  "?": ["this help", () => help()],
};

function help() {
  const row = (key, what) => element("tr", {}, element("td", {}, element("kbd", { textContent: key })), element("td", { textContent: what }));
  const rows = (keys) => Object.entries(keys).filter(([, [what]]) => what).map(([key, [what]]) => row(key === "1" ? "1 … 9" : key, what));
  show(byId("keys"), ...rows(view.keys));
  show(byId("keys-everywhere"), ...rows(everywhere), row("Escape", "from a field to the text"));
  byId("help").showModal();
}

// In a field letters are letters; in a reader, which takes none, they are commands.
const isField = (node) => node.matches("input:not([type=checkbox]), textarea, select");
let toField = false; // a field is about to be the place for letters, and none must be taken for a command until then

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || byId("help").open) return;
  const field = isField(event.target);
  if (event.key === "Escape" && field) {
    const box = byId("texts").querySelector(".reader");
    if (box) box.focus();
    return;
  }
  // A button is pressed with Enter and a form is sent with it; only fields of several lines need help.
  if (event.key === "Enter") {
    if (event.shiftKey || event.target.matches("button, select, input, a")) return;
  } else if (field || !byId("single-keys").checked) return;
  const [, action, goes] = everywhere[event.key] || view.keys[event.key] || [];
  if (!action) return;
  event.preventDefault();
  if (toField) return;
  const waits = isBusy() && goes === "field";
  if (waits) toField = true;
  inTurn(async () => {
    try {
      await action();
    } finally {
      if (waits) toField = false;
    }
  });
});

for (const name of Object.keys(views)) byId(`tab-${name}`).addEventListener("click", () => inTurn(() => turnTo(name)));
byId("help-button").addEventListener("click", help);
byId("help-close").addEventListener("click", () => byId("help").close());
byId("search").addEventListener("change", () => inTurn(filter));
byId("show").addEventListener("change", () => inTurn(filter));
byId("tab-reviews").disabled = !state.dataset;
byId("tab-reviews").title = state.dataset ? "" : "start with --dataset NAME to review one";
byId("where").textContent = [`set ${state.set}`, state.collection, state.dataset && `dataset ${state.dataset}`].filter(Boolean).join(" · ");
turnTo(state.dataset ? "reviews" : "questions");
