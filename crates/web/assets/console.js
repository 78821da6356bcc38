// The console: noVNC, and the buttons around it.

const screen = document.getElementById("screen");
const { root, csrf, path, name } = screen.dataset;
let { websocket } = screen.dataset;

const state = document.getElementById("state");
const over = document.getElementById("over");
const tools = document.getElementById("tools");
const watch = document.getElementById("watch");
const fit = document.getElementById("fit");

const CONTROL = [0xffe3, "ControlLeft"];
const ALT = [0xffe9, "AltLeft"];
const SHIFT = [0xffe1, "ShiftLeft"];
const F1 = 0xffbe;
const ENTER = 0xff0d;
const TAB = 0xff09;

// Guests lose keys that come faster.
const KEY_PAUSE = 15;

let rfb;
let typing = false;

const { default: RFB } = await import(`${root}novnc/core/rfb.js`);

/** A token for this page's console: each opens it once. */
async function mint() {
  const answer = await fetch(`${root}consoles`, {
    method: "POST",
    headers: { "X-CSRF-Token": csrf, Accept: "application/json" },
    body: new URLSearchParams({ path, view_only: "false" }),
  });
  if (answer.status === 401) {
    location.reload();
    return undefined;
  }
  if (!answer.ok) throw new Error(answer.status === 429 ? "too many at once: wait a moment" : "the console cannot be opened");
  return (await answer.json()).websocket;
}

async function connect() {
  over.hidden = true;
  say("Connecting …");
  try {
    // A token that led to this page is used first.
    const socket = websocket || (path && (await mint()));
    websocket = "";
    if (!socket) return;
    const url = new URL(`${root}${socket}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    screen.replaceChildren();
    begin(new RFB(screen, url.href, { wsProtocols: ["binary"], shared: true }));
  } catch (error) {
    stop(error.message);
  }
}

function begin(connection) {
  rfb = connection;
  let reason = "";
  rfb.background = "transparent";
  rfb.focusOnClick = true;
  rfb.viewOnly = isWatching();
  setFit();
  rfb.addEventListener("connect", () => {
    say(isWatching() ? "Connected, watching" : "Connected");
    setInput(true);
    rfb.focus();
  });
  rfb.addEventListener("securityfailure", (event) => {
    reason = event.detail.reason ?? "";
  });
  rfb.addEventListener("disconnect", (event) => {
    rfb = undefined;
    stop(reason || (event.detail.clean ? "The console was closed." : "The connection was lost."));
  });
}

function stop(reason) {
  say("Not connected");
  setInput(false);
  document.getElementById("reason").textContent = reason;
  document.getElementById("again").hidden = !path;
  over.hidden = false;
}

function say(text) {
  state.textContent = text;
}

function isWatching() {
  return watch.getAttribute("aria-pressed") === "true";
}

/** The buttons that send keys. */
function setInput(isConnected) {
  for (const button of tools.querySelectorAll("[data-input]")) button.disabled = !isConnected || isWatching();
}

function setFit() {
  const isFit = fit.getAttribute("aria-pressed") === "true";
  screen.classList.toggle("fit", isFit);
  if (rfb) {
    rfb.scaleViewport = isFit;
    rfb.clipViewport = false;
  }
}

function toggle(button) {
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
}

/** Presses keys together, and lets them go in the reverse order. */
function press(...keys) {
  for (const [keysym, code] of keys) rfb.sendKey(keysym, code, true);
  for (const [keysym, code] of keys.reverse()) rfb.sendKey(keysym, code, false);
  rfb.focus();
}

/** The keysym of a character (X11). */
function keysymOf(character) {
  const point = character.codePointAt(0);
  if (character === "\n") return ENTER;
  if (character === "\t") return TAB;
  const isLatin1 = (point >= 0x20 && point < 0x7f) || (point >= 0xa0 && point <= 0xff);
  return isLatin1 ? point : 0x01000000 | point;
}

/** Whether a US keyboard has it on a key with Shift. */
function needsShift(character) {
  return '~!@#$%^&*()_+{}|:"<>?'.includes(character) || character !== character.toLowerCase();
}

async function type(text) {
  if (typing) return;
  typing = true;
  const characters = [...text.replaceAll("\r\n", "\n")];
  for (const [number, character] of characters.entries()) {
    if (!rfb || !typing) break;
    const keysym = keysymOf(character);
    // Some servers take the character for the key only, and need its Shift besides.
    const shift = needsShift(character);
    if (shift) rfb.sendKey(...SHIFT, true);
    rfb.sendKey(keysym, null, true);
    rfb.sendKey(keysym, null, false);
    if (shift) rfb.sendKey(...SHIFT, false);
    if (number % 20 === 0) say(`Typing ${number} of ${characters.length} …`);
    await new Promise((done) => setTimeout(done, KEY_PAUSE));
  }
  typing = false;
  if (rfb) {
    say("Connected");
    rfb.focus();
  }
}

document.getElementById("again").addEventListener("click", connect);
document.getElementById("cad").addEventListener("click", () => {
  rfb.sendCtrlAltDel();
  rfb.focus();
});
document.getElementById("keys").addEventListener("click", (event) => {
  const number = Number(event.target.dataset?.function);
  if (!number) return;
  event.currentTarget.open = false;
  press(CONTROL, ALT, [F1 + number - 1, `F${number}`]);
});
fit.addEventListener("click", () => {
  toggle(fit);
  setFit();
});
watch.addEventListener("click", () => {
  toggle(watch);
  typing = false;
  if (!rfb) return;
  rfb.viewOnly = isWatching();
  setInput(true);
  say(isWatching() ? "Connected, watching" : "Connected");
});
document.getElementById("full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else screen.requestFullscreen?.();
});
document.getElementById("shot").addEventListener("click", () => {
  screen.querySelector("canvas")?.toBlob((picture) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(picture);
    link.download = `${name.replace(/[^\w.-]+/g, "_")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
});

const dialog = document.getElementById("dialog");
const text = document.getElementById("text");
document.getElementById("paste").addEventListener("click", () => {
  dialog.returnValue = "";
  dialog.showModal();
  text.focus();
});
dialog.addEventListener("close", () => {
  const typed = text.value;
  text.value = "";
  if (dialog.returnValue === "type" && typed) type(typed);
  else rfb?.focus();
});

// A menu closes when the focus or a click goes elsewhere, or on Escape.
for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("focusout", (event) => {
    if (!menu.contains(event.relatedTarget)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// What a guest is not asked about, the user is.
for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", (event) => {
    if (!confirm(button.dataset.ask)) event.preventDefault();
  });
}

// Who is here, and the power.
if (path) {
  const events = new EventSource(`${root}events?path=${encodeURIComponent(path)}`);
  events.addEventListener("changed", (event) => {
    const vm = JSON.parse(event.data);
    if (vm.path !== path) return;
    for (const field of document.querySelectorAll("[data-field]")) field.textContent = vm[field.dataset.field];
    document.querySelector(".state").className = `state ${vm.power}`;
  });
}

setInput(false);
connect();
