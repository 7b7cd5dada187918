// Numbers as people read them.

import { geometryOf } from "./scale.js";

/** The measures of a finding: in mm where the scale is known, else in pixels; null where nothing was measured. */
export function figuresOf(finding) {
  const geometry = geometryOf(finding);
  if (!geometry) return null;
  const physical = geometry.length_mm !== undefined && geometry.length_mm !== null;
  const pick = (mm, pixels) => geometry[physical ? mm : pixels] ?? null;
  return {
    geometry,
    unit: physical ? "mm" : "px",
    length: pick("length_mm", "length_pixels"),
    lengthPm: pick("length_mm_pm", "length_pixels_pm"),
    width: pick("width_mm", "width_pixels"),
    widthPm: pick("width_mm_pm", "width_pixels_pm"),
    widthP95: pick("width_p95_mm", "width_p95_pixels"),
    area: pick("area_mm2", "area_pixels"),
    angle: geometry.orientation_degrees,
    verdict: geometry.width_class ?? null,
  };
}

const FINE = 0.005; // a deviation under it has three decimals, and so has its value

/** A measure with its decimals: two under 10 mm, where a crack's class is decided, and three where it is known so well. */
export function measure(value, unit, error = null) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (error !== null && error < FINE && size < 10) return value.toFixed(3);
  const digits = unit === "mm" ? (size < 10 ? 2 : size < 100 ? 1 : 0) : size < 100 ? 1 : 0;
  return grouped(value, digits);
}

/** One standard deviation. */
export function deviation(error) {
  return `± ${error.toFixed(error >= 10 ? 0 : error < FINE ? 3 : 2)}`;
}

/** A number with a thin blank between its thousands. */
export function grouped(value, digits = 0) {
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, (match, group, at, text) => (text.lastIndexOf(".", at) >= 0 ? "" : "\u202f"));
}

/** An area with its unit; square centimetres from 1000 mm². */
export function area(value, unit) {
  if (value === null || value === undefined) return ["–", ""];
  if (unit === "px") return [grouped(value), "px²"];
  return value >= 10000 ? [grouped(value / 100, value < 100000 ? 1 : 0), "cm²"] : [grouped(value, value < 100 ? 1 : 0), "mm²"];
}

/** What the verdict on a width says. */
export const VERDICTS = { within_limit: "within limit", at_limit: "at limit", exceeds_limit: "exceeds limit" };
