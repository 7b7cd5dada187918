// The panel with all measures of the chosen finding.

import { element, swatch } from "./element.js";
import { factsOf } from "./facts.js";
import { deviation, figuresOf, measure } from "./figures.js";
import { words } from "./photo.js";

/** Show the chosen finding in its panel. */
export function showDetails(state, stage) {
  const room = document.getElementById("details");

  function large(name, value, error, unit) {
    const more = error === null || value === null ? "" : deviation(error);
    return element("div", {}, element("span", {}, name), element("b", {}, measure(value, unit, error)), " ", element("small", {}, `${value === null ? "" : unit} ${more}`));
  }

  function show() {
    const finding = state.selected;
    if (!finding) {
      const any = state.current?.findings.length;
      room.replaceChildren(element("p", { class: "note" }, any ? "Choose a defect on the photo or in the table." : "Each defect has its length, width, area and direction here, with the standard deviation of each."));
      return;
    }
    const { anomaly, number, colour } = finding;
    const figures = figuresOf(finding);
    const reason = anomaly.geometry?.width_reason ?? figures?.verdict?.reason;
    room.replaceChildren(
      element("div", { class: "details-title" }, swatch(colour), `${number} ${words(anomaly.defect_type)}`, element("button", { class: "link", type: "button", onclick: () => stage.show(finding) }, "Zoom to it")),
      figures ? element("div", { class: "big" }, large("Length", figures.length, figures.lengthPm, figures.unit), large("Mean width", figures.width, figures.widthPm, figures.unit)) : "",
      element("dl", { class: "facts" }, factsOf(finding).filter(([name]) => !["Length", "Width, mean"].includes(name)).map(([name, ...value]) => [element("dt", {}, name), element("dd", {}, ...value)])),
      figures ? "" : element("p", { class: "details-note" }, "Nothing was measured: there is no mask for this box."),
      reason ? element("p", { class: "details-note" }, sentence(reason)) : "",
      figures?.geometry.scale_source ? element("p", { class: "details-note" }, sentence(figures.geometry.scale_source)) : "",
    );
  }
  state.on("selected answers scale current", show);
  show();
}

function sentence(text) {
  const long = text.charAt(0).toUpperCase() + text.slice(1);
  return long.endsWith(".") ? long : `${long}.`;
}
