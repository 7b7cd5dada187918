// Single keys, while no field or button has the focus for them.

/** Bind keys to what they do. Returns nothing; `actions` maps a key to a function. */
export function bindKeys(actions) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    const { target } = event;
    if (target.matches("input, select, textarea") || (target.matches("button, summary, a") && (event.key === "Enter" || event.key === " "))) return;
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
