// What is shown: the threshold, the types that are switched on, and the filter's words decide, for the
// picture, the table and the downloads alike.

import { figuresOf } from "./figures.js";
import { words } from "./photo.js";

const COMPARISON = /^(confidence|length|width|area|angle)(<=|>=|<|>|=)(-?\d+(?:\.\d+)?)$/;
const COMPARE = {
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "=": (a, b) => a === b,
};

/** The findings of a photo that are shown, in the server's order. */
export function shownOf(photo, state) {
  return photo.findings.filter((finding) => isShown(finding, state));
}

/** Whether a finding is shown. */
export function isShown(finding, state) {
  const { anomaly } = finding;
  return reaches(anomaly.confidence.detection, state) && !state.hidden.has(anomaly.defect_type) && matches(finding, state.words);
}

/** Whether a score reaches the threshold. */
export function reaches(score, state) {
  return score >= state.threshold - 1e-9;
}

/** The structures of a photo that are shown. */
export function structuresOf(photo, state) {
  return (photo.answer?.structures ?? []).filter((each) => reaches(each.confidence, state));
}

function matches(finding, text) {
  const asked = text.toLowerCase().replace(/\s*(<=|>=|<|>|=)\s*/g, "$1").split(/\s+/).filter(Boolean);
  if (!asked.length) return true;
  const { anomaly, photo } = finding;
  const row = `${words(anomaly.defect_type)} ${words(anomaly.structure_type)} ${photo.name} ${anomaly.anomaly_id}`.toLowerCase();
  return asked.every((token) => {
    const comparison = COMPARISON.exec(token);
    if (!comparison) return row.includes(token);
    const value = valueOf(finding, comparison[1]);
    return value !== null && COMPARE[comparison[2]](value, Number(comparison[3]));
  });
}

/** The number in a column of the table; null where there is none. */
export function valueOf(finding, column) {
  if (column === "confidence") return finding.anomaly.confidence.combined;
  return figuresOf(finding)?.[column] ?? null;
}
