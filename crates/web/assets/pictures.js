// Pictures of VMs: those that can be seen are asked for, and again as often as the server takes them; the others are not. Without
// this script each is loaded once, when the browser thinks that it will soon be seen.

// The time before a picture that is being taken is asked for again; it doubles each time.
const SOON = 1000;

const list = document.getElementById("list");
const every = Number(list.dataset.pictureEvery) * 1000;

/** What is known of each picture that can be seen: a timer, the pause before the next request, and the entity tag. */
const seen = new Map();

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) look(target);
    else ignore(target);
  }
});

function look(image) {
  if (seen.has(image)) return;
  seen.set(image, { pause: SOON });
  // Rows that are scrolled past are not asked for.
  later(image, 100);
}

function ignore(image) {
  clearTimeout(seen.get(image)?.timer);
  seen.delete(image);
}

/** Not all at the same moment. */
function later(image, pause) {
  const state = seen.get(image);
  if (!state) return;
  clearTimeout(state.timer);
  state.timer = setTimeout(() => ask(image), pause * (0.9 + 0.2 * Math.random()));
}

function isOn(image) {
  return image.closest(".vm").classList.contains("on");
}

async function ask(image) {
  const state = seen.get(image);
  if (!state) return;
  if (document.hidden || !isOn(image)) return later(image, every);
  const path = image.closest(".vm").dataset.path.replace(/^vm/, "picture");
  let pause = every;
  try {
    // The browser sends the entity tag of what it has.
    const answer = await fetch(path, { cache: "no-cache" });
    const tag = answer.headers.get("etag");
    if (answer.ok && tag && tag !== state.tag) {
      const url = await dataUrl(await answer.blob());
      if (seen.get(image) === state && isOn(image)) {
        image.src = url;
        state.tag = tag;
      }
    }
    const isPending = answer.headers.get("x-picture") === "pending";
    if (isPending) pause = Math.min(state.pause, every);
    state.pause = isPending ? state.pause * 2 : SOON;
  } catch {
    // The next request will tell.
  }
  later(image, pause);
}

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/** Follows the pictures of the rows that the list has now. */
export function followPictures() {
  if (!every) return;
  observer.disconnect();
  for (const image of [...seen.keys()]) ignore(image);
  for (const image of list.querySelectorAll(".vm .shot img")) {
    if (image.closest(".vm").dataset.path.startsWith("vm/")) observer.observe(image);
  }
}

/** The VM of a row may have been switched on or off. */
export function powerChanged(row) {
  const image = row.querySelector(".shot img");
  if (!every || !image) return;
  if (!isOn(image)) {
    image.src = "assets/screen.svg";
    const state = seen.get(image);
    if (state) state.tag = undefined;
  } else {
    later(image, SOON);
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const image of seen.keys()) later(image, 0);
});
