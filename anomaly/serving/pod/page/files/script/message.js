// What stands over the stage while there is no picture to look at, or something is wrong with its photo.

import { element, icon } from "./element.js";

const ADVICE = {
  unreachable: "It is tried again by itself a few times; after that, try again here.",
  unsupported_image: "HEIC photos of phones, for instance, have to be saved as JPEG first.",
  queue_full: "The page waits as long as the server asks, and tries again.",
  overloaded: "The page waits as long as the server asks, and tries again.",
  not_ready: "The page waits until the models are loaded, and tries again.",
};

/** Show messages over the stage. */
export function showMessage(state, actions) {
  const room = document.getElementById("stage-message");

  function show() {
    const photo = state.current;
    const parts = photo ? partsFor(photo) : [];
    room.hidden = !parts.length;
    room.replaceChildren(...parts);
  }

  function partsFor(photo) {
    const { trouble } = photo;
    const again = element("button", { class: "button", type: "button", onclick: () => actions.retry(photo) }, icon("retry"), "Try again");
    if (photo.status === "failed") return [panel("", "This photo was not analysed", trouble, again)];
    if (photo.status === "retrying") return [panel("waiting", "The server is busy", trouble, element("p", {}, `Next try in ${Math.max(0, Math.ceil((photo.retryAt - Date.now()) / 1000))} s.`))];
    if (photo.status === "waiting" && trouble) {
      return [panel("waiting", "The server asks for a key", { ...trouble, message: "The photo is sent as soon as there is one." }, element("button", { class: "button primary", type: "button", onclick: () => actions.unlock(trouble) }, "Enter the key"))];
    }
    if (photo.busy) {
      const seconds = Math.floor((Date.now() - photo.sentAt) / 1000);
      const doing = photo.answer ? "Measuring again" : "Analysing";
      const text = { waiting: "Waiting for its turn", sending: `Sending ${Math.round(photo.progress * 100)} %`, analysing: seconds < 2 ? doing : `${doing}, ${seconds} s` }[photo.status];
      return [element("div", { class: "badge" }, element("span", { class: "spinner" }), element("span", {}, text))];
    }
    if (photo.picture && !photo.picture.bitmap) return [element("div", { class: "badge" }, element("span", {}, "This browser cannot show this kind of file; its defects are drawn on a blank sheet."))];
    return [];
  }

  function panel(kind, title, trouble, ...more) {
    return element("div", { class: `panel ${kind}` }, icon(kind ? "clock" : "warning"), element("h3", {}, title), element("p", {}, trouble.message),
      element("span", { class: "code" }, trouble.status ? `${trouble.code} · ${trouble.status}` : trouble.code),
      ADVICE[trouble.code] ? element("p", {}, ADVICE[trouble.code]) : "", ...more);
  }

  state.on("current photos answers picture", show);
  setInterval(() => ["retrying", "analysing"].includes(state.current?.status) && show(), 500);
}
