// The list without reloading: results while typing, and changes as they happen. Without this script the form and the links do
// the same by loading the page.

import { followPictures, powerChanged } from "./pictures.js";

const list = document.getElementById("list");
const form = document.getElementById("search");
const status = document.getElementById("live");

const TYPING_PAUSE = 120;
const REREAD_PAUSE = 400;

let timer;
let asked = 0;

/** The address of the present search, with the page that the address bar has if `page` is given. */
function address(page) {
  const query = new URLSearchParams(new FormData(form));
  for (const [key, value] of [...query]) {
    if (!value) query.delete(key);
  }
  if (page) query.set("page", page);
  const text = query.toString();
  return text ? `?${text}` : "./";
}

function presentPage() {
  return new URLSearchParams(location.search).get("page");
}

/** Reads the rows of a search and shows them, unless a later search has been begun. */
async function show(where) {
  const number = ++asked;
  const part = where === "./" ? "?part=rows" : `${where}&part=rows`;
  let answer;
  try {
    answer = await fetch(part, { headers: { Accept: "text/plain" } });
  } catch {
    return;
  }
  if (answer.status === 401) {
    location.reload();
    return;
  }
  const html = await answer.text();
  if (number !== asked || !answer.ok) return;
  const rows = new DOMParser().parseFromString(html, "text/html").body;
  const focused = document.activeElement?.closest?.("[data-path]")?.dataset.path;
  list.replaceChildren(...rows.childNodes);
  followPictures();
  if (focused) row(focused)?.querySelector(".name").focus({ preventScroll: true });
  history.replaceState(null, "", where);
  status.textContent = list.querySelector(".count")?.textContent ?? "";
}

function later(pause, page) {
  clearTimeout(timer);
  timer = setTimeout(() => show(address(page)), pause);
}

form.addEventListener("input", () => later(TYPING_PAUSE));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  show(address());
});

// The key of many lists: / begins a search.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("q").focus();
  }
});

function row(path) {
  return list.querySelector(`[data-path="${CSS.escape(path)}"]`);
}

/** Shows a change in its row. A row of a search may no longer belong there, so that is read again. */
function change(vm) {
  const isFiltered = form.elements.q.value || form.elements.power.value;
  if (isFiltered) later(REREAD_PAUSE, presentPage());
  const shown = row(vm.path);
  if (!shown) return;
  for (const field of shown.querySelectorAll("[data-field]")) {
    field.textContent = vm[field.dataset.field];
  }
  const had = shown.className;
  shown.className = `vm ${vm.power}`;
  if (shown.className !== had) powerChanged(shown);
}

const reread = () => later(REREAD_PAUSE, presentPage());
let events;

/** Follows the changes while the page can be seen: a hidden one needs none of the few connections of a browser. */
function follow() {
  if (document.hidden) {
    events?.close();
    events = undefined;
    return;
  }
  if (events) return;
  // The list may have changed since this version: then the first event is "reread".
  const { version } = list.querySelector("[data-version]").dataset;
  events = new EventSource(`events?version=${version}`);
  events.addEventListener("changed", (event) => change(JSON.parse(event.data)));
  for (const name of ["added", "removed", "reread"]) events.addEventListener(name, reread);
  events.addEventListener("error", () => {
    // The browser gives up after an answer that is no stream: the session has ended.
    if (events?.readyState === EventSource.CLOSED) location.reload();
  });
}

document.addEventListener("visibilitychange", follow);
follow();
followPictures();
