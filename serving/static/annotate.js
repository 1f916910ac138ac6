// The page: which view is open, what its list shows, and what a key does in it.

import { ask, byId, element, inTurn, say, show } from "./annotate-page.js";
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

function help() {
  const everywhere = {
    "/": ["search"],
    "Q L R": ["questions, labels, review"],
    Escape: ["from a field to the text"],
    "?": ["this help"],
  };
  const rows = (keys) => Object.entries(keys).filter(([, [what]]) => what).map(([key, [what]]) =>
    element("tr", {}, element("td", {}, element("kbd", { textContent: key === "1" ? "1 … 9" : key })), element("td", { textContent: key === "1" ? what.replace("class 1", "that class") : what })));
  show(byId("keys"), ...rows(view.keys));
  show(byId("keys-everywhere"), ...rows(everywhere));
  byId("help").showModal();
}

const everywhere = {
  "/": () => byId("search").select(),
  "?": help,
  Q: () => turnTo("questions"),
  L: () => turnTo("labels"),
  R: () => (state.dataset ? turnTo("reviews") : say("start with --dataset NAME to review one")),
};

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
  // A button is pressed with Enter and a form is sent with it; only fields of several lines need help.
  if (event.key === "Enter") {
    if (event.shiftKey || event.target.matches("button, select, input, a")) return;
  } else if (field || !byId("single-keys").checked) return;
  const action = everywhere[event.key] || (view.keys[event.key] && view.keys[event.key][1]);
  if (action) {
    event.preventDefault();
    inTurn(action);
  }
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
