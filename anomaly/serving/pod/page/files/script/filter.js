// What narrows the table and the picture: types, words, and which photos.

import { element, swatch } from "./element.js";
import { colourOf } from "./palette.js";
import { words } from "./photo.js";
import { reaches, shownOf } from "./shown.js";

/** Let people filter. */
export function showFilter(state) {
  const types = document.getElementById("types");
  const search = document.getElementById("search");
  const scope = document.getElementById("scope");
  const count = document.getElementById("findings-count");

  search.addEventListener("input", () => {
    state.words = search.value;
    state.changed("filter");
  });
  for (const button of scope.children) {
    button.addEventListener("click", () => {
      state.scope = button.dataset.scope;
      state.changed("scope");
    });
  }

  function show() {
    for (const button of scope.children) button.setAttribute("aria-pressed", button.dataset.scope === state.scope);
    scope.hidden = state.photos.length < 2;
    const photos = state.scope === "all" ? state.photos : [state.current].filter(Boolean);
    const found = photos.flatMap((photo) => photo.findings);
    const shown = photos.flatMap((photo) => shownOf(photo, state));
    count.textContent = found.length ? (shown.length === found.length ? `${found.length}` : `${shown.length} of ${found.length}`) : "";
    const kinds = new Map();
    for (const { anomaly } of found) {
      const more = reaches(anomaly.confidence.detection, state) ? 1 : 0;
      kinds.set(anomaly.defect_type, (kinds.get(anomaly.defect_type) ?? 0) + more);
    }
    const focused = types.contains(document.activeElement) ? document.activeElement.dataset.type : null;
    types.replaceChildren(...[...kinds].sort().map(([type, number]) => element("button", {
      type: "button", class: "chip", "aria-pressed": `${!state.hidden.has(type)}`, dataset: { type },
      onclick: () => {
        if (!state.hidden.delete(type)) state.hidden.add(type);
        state.changed("filter");
      },
    }, swatch(colourOf(type)), words(type), element("small", {}, `${number}`))));
    if (focused) types.querySelector(`[data-type="${CSS.escape(focused)}"]`)?.focus();
  }
  state.on("answers threshold filter scope current photos scale", show);
  show();
}
