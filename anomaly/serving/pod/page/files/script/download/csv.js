// CSV (RFC 4180): one row for each defect.

import { answerOf } from "./answers.js";

const COLUMNS = {
  file_name: ({ answer }) => answer.file_name,
  frame_id: ({ answer }) => answer.frame_id,
  anomaly_id: ({ anomaly }) => anomaly.anomaly_id,
  defect_type: ({ anomaly }) => anomaly.defect_type,
  structure_type: ({ anomaly }) => anomaly.structure_type,
  structure_id: ({ anomaly }) => anomaly.structure_id,
  confidence: ({ anomaly }) => anomaly.confidence.combined,
  confidence_detection: ({ anomaly }) => anomaly.confidence.detection,
  confidence_segmentation: ({ anomaly }) => anomaly.confidence.segmentation,
  ...Object.fromEntries(["x_min", "y_min", "x_max", "y_max"].map((name) => [name, ({ anomaly }) => anomaly.bbox[name]])),
  ...Object.fromEntries([
    "kind", "length_pixels", "length_pixels_pm", "width_pixels", "width_pixels_pm", "width_p95_pixels", "width_max_pixels",
    "area_pixels", "orientation_degrees", "branches", "width_source", "width_reason",
    "length_mm", "length_mm_pm", "width_mm", "width_mm_pm", "width_p95_mm", "area_mm2", "area_mm2_pm", "mm_per_pixel", "scale_source",
  ].map((name) => [name, ({ anomaly }) => anomaly.geometry?.[name]])),
  width_class: ({ anomaly }) => anomaly.geometry?.width_class?.name,
  width_limit_mm: ({ anomaly }) => anomaly.geometry?.width_class?.limit_mm,
  width_standard: ({ anomaly }) => classOf(anomaly.geometry?.width_class),
};

/** The text of the file. */
export function toCsv(photos, state) {
  const rows = photos.filter((photo) => photo.answer).flatMap((photo) => {
    const answer = answerOf(photo, state);
    return answer.anomalies.map((anomaly) => Object.values(COLUMNS).map((cell) => written(cell({ answer, anomaly }))));
  });
  return [Object.keys(COLUMNS), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

function classOf(found) {
  return found ? `${found.standard} ${found.exposure}` : null;
}

function written(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value; // a spreadsheet would take it for a formula
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
