// The measures of a finding as names and values, for the hover card and the panel.

import { element } from "./element.js";
import { area, deviation, figuresOf, measure, VERDICTS } from "./figures.js";
import { words } from "./photo.js";

/** Pairs of a name and what stands beside it. `short` leaves out what only the panel has room for. */
export function factsOf(finding, short = false) {
  const { anomaly } = finding;
  const { confidence, bbox } = anomaly;
  const figures = figuresOf(finding);
  const rows = [["Confidence", confidence.combined.toFixed(2), short ? null : small(confidence.segmentation === null ? "detector alone" : `detection ${confidence.detection.toFixed(2)}, mask ${confidence.segmentation.toFixed(2)}`)]];
  if (figures) {
    const { unit } = figures;
    rows.push(["Length", ...withError(figures.length, figures.lengthPm, unit)]);
    rows.push(["Width, mean", ...withError(figures.width, figures.widthPm, unit)]);
    if (figures.widthP95 !== null) rows.push(["Width, 95 %", ...withError(figures.widthP95, null, unit)]);
    const [size, squared] = area(figures.area, unit);
    rows.push(["Area", size, small(squared)]);
    rows.push(["Direction", `${figures.angle.toFixed(1)}°`]);
    if (figures.verdict) rows.push([`${figures.verdict.standard} ${figures.verdict.exposure}`, verdict(figures.verdict)]);
    if (!short) {
      const { geometry } = figures;
      if (unit === "mm") {
        rows.push(["In pixels", `${measure(geometry.length_pixels, "px")} × ${measure(geometry.width_pixels, "px")}`, small("px")]);
        rows.push(["Scale", `${Number(geometry.mm_per_pixel.toPrecision(4))}`, small("mm per px")]);
      } else if (geometry.width_max_pixels !== null) rows.push(["Width, most", ...withError(geometry.width_max_pixels, null, "px")]);
      if (geometry.branches > 1) rows.push(["Branches", `${geometry.branches}`]);
      rows.push(["Width measured", geometry.width_source === "photo" ? "across it, on the photo" : "on the mask"]);
    }
  }
  if (anomaly.structure_type !== "unknown") rows.push(["On", words(anomaly.structure_type)]);
  if (!short) {
    rows.push(["Box", `${Math.round(bbox.x_min)}, ${Math.round(bbox.y_min)} – ${Math.round(bbox.x_max)}, ${Math.round(bbox.y_max)}`, small("px")]);
    rows.push(["Id", element("code", {}, anomaly.anomaly_id)]);
  }
  return rows;
}

/** A verdict on a width, with its colour and its words. */
export function verdict(found) {
  return element("span", { class: "verdict", dataset: { name: found.name ?? "" }, title: found.reason ?? found.source }, found.name ? `${VERDICTS[found.name]} (${found.limit_mm} mm)` : "no class");
}

/** A value with its unit and one standard deviation. */
export function withError(value, error, unit) {
  if (value === null || value === undefined) return ["–"];
  return [measure(value, unit, error), small(error === null || error === undefined ? unit : `${deviation(error)} ${unit}`)];
}

function small(text) {
  return element("small", {}, ` ${text}`);
}
