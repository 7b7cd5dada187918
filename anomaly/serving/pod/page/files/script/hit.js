// Which finding lies under a point of the photo.

import { pathOf } from "./mask.js";

const pencil = document.createElement("canvas").getContext("2d");

/** The finding under (x, y): one whose mask or line is there or within `near` pixels, else the smallest box. */
export function findingAt(findings, x, y, near) {
  const candidates = findings.filter(({ anomaly: { bbox } }) => x >= bbox.x_min - near && x <= bbox.x_max + near && y >= bbox.y_min - near && y <= bbox.y_max + near);
  candidates.sort((a, b) => boxArea(a) - boxArea(b));
  return candidates.find((each) => touches(each, x, y, near)) ?? candidates.find((each) => inside(each.anomaly.bbox, x, y)) ?? null;
}

function touches({ anomaly }, x, y, near) {
  if (!anomaly.mask) return false;
  const path = pathOf(anomaly.mask);
  pencil.lineWidth = 2 * near;
  return pencil.isPointInPath(path, x, y, "evenodd") || pencil.isPointInStroke(path, x, y);
}

function inside(bbox, x, y) {
  return x >= bbox.x_min && x < bbox.x_max && y >= bbox.y_min && y < bbox.y_max;
}

function boxArea({ anomaly: { bbox } }) {
  return (bbox.x_max - bbox.x_min) * (bbox.y_max - bbox.y_min);
}
