// The card with the numbers of what the pointer is on.

import { element, swatch } from "./element.js";
import { factsOf } from "./facts.js";
import { words } from "./photo.js";

/** Show the card beside the pointer. */
export function showHover(state, stage) {
  const card = document.getElementById("hover");
  let point = { x: 0, y: 0 };
  stage.canvas.addEventListener("pointermove", (event) => {
    const place = stage.canvas.getBoundingClientRect();
    point = { x: event.clientX - place.left, y: event.clientY - place.top };
    if (!card.hidden) put();
  });

  function put() {
    const { width, height } = stage.room;
    const x = point.x + 18 + card.offsetWidth > width ? point.x - 14 - card.offsetWidth : point.x + 18;
    const y = Math.min(point.y + 16, height - card.offsetHeight - 8);
    card.style.transform = `translate(${Math.max(6, x)}px, ${Math.max(6, y)}px)`;
  }

  state.on("hovered current", () => {
    const finding = state.hovered;
    card.hidden = !finding || finding.photo !== state.current || !stage.canvas.matches(":hover");
    if (card.hidden) return;
    const { number, anomaly, colour } = finding;
    card.replaceChildren(
      element("h3", {}, swatch(colour), `${number} ${words(anomaly.defect_type)}`),
      element("dl", { class: "facts" }, factsOf(finding, true).map(([name, ...value]) => [element("dt", {}, name), element("dd", {}, ...value)])),
    );
    put();
  });
}
