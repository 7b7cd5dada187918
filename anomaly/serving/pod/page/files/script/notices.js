// Short messages in the corner.

import { element, icon } from "./element.js";

/** Show a message; errors stay until they are closed. */
export function notify(title, text = "", kind = "info") {
  const room = document.getElementById("notices");
  const close = element("button", { class: "icon-button", type: "button", "aria-label": "Close this message", onclick: () => made.remove() }, icon("close"));
  const made = element("div", { class: "notice", role: kind === "error" ? "alert" : "status", dataset: { kind } }, icon(kind === "error" ? "warning" : "check"), element("div", {}, element("strong", {}, title), text ? element("p", {}, text) : ""), close);
  room.append(made);
  if (room.children.length > 4) room.firstChild.remove();
  if (kind !== "error") setTimeout(() => made.remove(), 6000);
}

/** Tell people who listen rather than look. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
