// The dialog that asks for the server's key.

import { keepKey, key } from "./api.js";
import { openDialog } from "./dialog.js";
import { element } from "./element.js";

/** Ask for a key because of `error`; `go` is called when one was given. */
export function askForKey(error, go) {
  if (document.getElementById("key").open) return;
  const body = openDialog("key", "This server asks for a key");
  const input = element("input", { class: "key-input", type: "password", autocomplete: "off", spellcheck: "false", id: "key-value", "aria-describedby": "key-note" });
  const form = element("form", { class: "key-form", onsubmit: (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    keepKey(input.value.trim());
    document.getElementById("key").close();
    go();
  } },
  key() ? element("p", { class: "trouble" }, "That key was not accepted. ", error.message) : element("p", { class: "muted" }, "Ask whoever runs it for one, and enter it here."),
  element("label", { class: "field" }, element("span", {}, "API key"), input),
  element("p", { class: "note", id: "key-note" }, "It is kept for this tab only, and sent to this server only."),
  element("button", { class: "button primary", type: "submit" }, "Use this key"));
  body.replaceChildren(form);
  input.focus();
}
