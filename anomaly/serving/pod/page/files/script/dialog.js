// A dialog over the page: its head, and room for a body.

import { element, icon } from "./element.js";

/** Open the dialog with this id and title; returns its body, empty. */
export function openDialog(id, title) {
  const dialog = document.getElementById(id);
  const body = element("div", { class: "dialog-body" });
  dialog.replaceChildren(
    element("div", { class: "dialog-head" }, element("h2", { id: `${id}-title` }, title), element("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
    body,
  );
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  if (!dialog.open) dialog.showModal();
  return body;
}
