// The photos in a row, each with how far it is.

import { element, icon } from "./element.js";
import { thumbnail } from "./picture.js";
import { shownOf } from "./shown.js";

/** Show the photos. `actions` are remove and retry. */
export function showStrip(state, actions) {
  const list = document.getElementById("strip");
  const shots = new Map(); // photo -> parts
  let drawing = Promise.resolve();

  function make(photo) {
    const canvas = element("canvas", { width: 120, height: 92 });
    const name = element("span", { class: "shot-name", title: photo.name });
    const mark = element("span", { class: "shot-state" });
    const bar = element("span");
    const room = element("span", { class: "shot-bar" }, bar);
    const open = element("button", { type: "button", class: "shot-open", onclick: () => state.open(photo) },
      element("span", { class: "thumb" }, canvas),
      element("span", { class: "shot-text" }, name, mark));
    const remove = element("button", { type: "button", class: "shot-remove", "aria-label": `Remove ${photo.name}`, title: "Remove", onclick: () => actions.remove(photo) }, icon("close"));
    const item = element("li", { class: "shot", dataset: { name: photo.name } }, open, remove, room);
    // One after another: a large photo takes a second of a core.
    drawing = drawing.then(() => (state.photos.includes(photo) ? thumbnail(photo.file, canvas) : null)).catch(() => canvas.replaceWith(icon("warning")));
    return { item, open, name, mark, bar, room };
  }

  function show() {
    for (const [photo, { item }] of shots) {
      if (state.photos.includes(photo)) continue;
      item.remove();
      shots.delete(photo);
    }
    for (const photo of state.photos) {
      if (!shots.has(photo)) {
        shots.set(photo, make(photo));
        list.append(shots.get(photo).item);
      }
      const { item, name, mark, bar, room } = shots.get(photo);
      name.textContent = photo.title;
      item.dataset.status = photo.status;
      item.toggleAttribute("aria-current", false);
      if (photo === state.current) item.setAttribute("aria-current", "true");
      mark.replaceChildren(...stateOf(photo, state));
      room.hidden = !["sending", "analysing"].includes(photo.status);
      bar.style.width = `${photo.progress * 100}%`;
    }
    total();
  }

  function total() {
    const { photos } = state;
    const ended = photos.filter((photo) => !photo.busy).length;
    const bar = document.getElementById("strip-progress");
    bar.hidden = ended === photos.length;
    const share = photos.length ? (100 * photos.reduce((sum, photo) => sum + (photo.busy ? (photo.status === "analysing" ? 0.6 : photo.progress * 0.5) : 1), 0)) / photos.length : 0;
    bar.firstElementChild.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", Math.round(share));
    document.getElementById("strip-count").textContent = ended === photos.length ? `${photos.length}` : `${ended} of ${photos.length}`;
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const at = state.photos.findIndex((photo) => shots.get(photo).open === event.target);
    const next = state.photos[at + step];
    if (!step || at < 0 || !next) return;
    event.preventDefault();
    shots.get(next).open.focus();
    state.open(next);
  });
  state.on("photos answers threshold filter current scale", show);
  state.on("current", () => shots.get(state.current)?.item.scrollIntoView({ block: "nearest", inline: "nearest" }));
  setInterval(() => state.photos.some(({ status }) => status === "retrying") && show(), 500);
}

function stateOf(photo, state) {
  switch (photo.status) {
    case "waiting": return [icon("clock"), photo.trouble ? "Needs a key" : "Waiting"];
    case "sending": return [`Sending ${Math.round(photo.progress * 100)} %`];
    case "analysing": return ["Analysing"];
    case "retrying": return [icon("clock"), `Again in ${Math.max(0, Math.ceil((photo.retryAt - Date.now()) / 1000))} s`];
    case "failed": return [icon("warning"), "Failed"];
    default: {
      const number = shownOf(photo, state).length;
      return [number ? `${number} ${number === 1 ? "defect" : "defects"}` : "No defects"];
    }
  }
}
