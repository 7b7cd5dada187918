// Findings drawn onto a canvas, on the screen and into the annotated picture alike.

import { figuresOf, measure } from "./figures.js";
import { pathOf } from "./mask.js";
import { EDGE, INK, STRUCTURE } from "./palette.js";
import { words } from "./photo.js";

/**
 * Draw what was found.
 *
 * `lens` is {scale, x, y}: canvas = scale x photo + (x, y). `pen` is {line, text} in pixels of the canvas.
 * `scene` holds findings, structures, layers, selected, hovered, and `full` for captions with measures.
 */
export function drawFindings(context, scene, lens, pen) {
  const { findings, structures, layers } = scene;
  const marked = (finding) => finding === scene.selected || finding === scene.hovered;
  const { width, height } = context.canvas;
  const inView = ({ anomaly }) => {
    const place = toCanvas(anomaly.bbox, lens);
    return place.x_max > -40 && place.y_max > -40 && place.x_min < width + 40 && place.y_min < height + 40;
  };
  const order = findings.filter(inView).sort((a, b) => marked(a) - marked(b) || areaOf(b) - areaOf(a)); // small and marked on top
  if (layers.structures) for (const each of structures) brackets(context, toCanvas(each.bbox, lens), pen);
  if (layers.masks) for (const each of order) if (each.anomaly.mask) mask(context, each, lens, pen, marked(each));
  if (layers.boxes) for (const each of order) box(context, toCanvas(each.anomaly.bbox, lens), each.colour, pen, marked(each));
  else for (const each of order) if (each === scene.selected) box(context, toCanvas(each.anomaly.bbox, lens), each.colour, pen, false);
  if (layers.lines) for (const each of order) centreLines(context, each, lens, pen);
  if (!layers.labels) return;
  const taken = [];
  for (const each of order.slice().reverse()) {
    const text = scene.full || each === scene.selected ? caption(each) : title(each);
    label(context, text, toCanvas(each.anomaly.bbox, lens), each.colour, pen, taken, scene.full || marked(each));
  }
  if (layers.structures) {
    for (const each of structures) label(context, `${words(each.structure_type)} ${each.confidence.toFixed(2)}`, toCanvas(each.bbox, lens), STRUCTURE, pen, taken, false);
  }
}

/** Draw the ruler, from one point of the photo to another. */
export function drawRuler(context, ruler, text, lens, pen) {
  const [from, to] = [ruler.from, ruler.to].map((point) => ({ x: point.x * lens.scale + lens.x, y: point.y * lens.scale + lens.y }));
  const long = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const tick = { x: (-(to.y - from.y) / long) * pen.line * 5, y: ((to.x - from.x) / long) * pen.line * 5 };
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  for (const end of [from, to]) {
    context.moveTo(end.x - tick.x, end.y - tick.y);
    context.lineTo(end.x + tick.x, end.y + tick.y);
  }
  twice(context, "#ffffff", pen.line * 1.3, pen.line * 1.6);
  const x = (from.x + to.x) / 2;
  const y = (from.y + to.y) / 2;
  label(context, text, { x_min: x, x_max: x, y_min: y - pen.text * 0.3, y_max: y }, "#ffffff", pen, [], true);
}

/** What stands beside a finding: its number, type and confidence, and its measures. */
export function caption(finding) {
  const figures = figuresOf(finding);
  const parts = [title(finding)];
  if (figures) parts.push(`L ${measure(figures.length, figures.unit)} ${figures.unit}`);
  if (figures?.width !== null && figures) parts.push(`W ${measure(figures.width, figures.unit)} ${figures.unit}`);
  return parts.join("  ");
}

function title({ number, anomaly }) {
  return `${number} ${words(anomaly.defect_type)} ${anomaly.confidence.combined.toFixed(2)}`;
}

function mask(context, finding, lens, pen, marked) {
  const path = pathOf(finding.anomaly.mask);
  context.save();
  context.transform(lens.scale, 0, 0, lens.scale, lens.x, lens.y);
  context.globalAlpha = marked ? 0.55 : 0.4;
  context.fillStyle = finding.colour;
  context.fill(path, "evenodd");
  context.globalAlpha = 1;
  context.lineWidth = (pen.line * (marked ? 1.3 : 0.75)) / lens.scale;
  context.strokeStyle = finding.colour;
  context.stroke(path);
  context.restore();
}

function box(context, place, colour, pen, marked) {
  context.beginPath();
  context.rect(place.x_min, place.y_min, place.x_max - place.x_min, place.y_max - place.y_min);
  twice(context, colour, pen.line * (marked ? 2.2 : 1.3), pen.line * 1.4);
}

function brackets(context, place, pen) {
  const arm = Math.max(6 * pen.line, Math.min(place.x_max - place.x_min, place.y_max - place.y_min) * 0.09);
  context.beginPath();
  for (const [x, inwards] of [[place.x_min, arm], [place.x_max, -arm]]) {
    for (const [y, down] of [[place.y_min, arm], [place.y_max, -arm]]) {
      context.moveTo(x + inwards, y);
      context.lineTo(x, y);
      context.lineTo(x, y + down);
    }
  }
  twice(context, STRUCTURE, pen.line * 1.2, pen.line * 1.4);
}

function centreLines(context, finding, lens, pen) {
  for (const line of finding.anomaly.geometry?.centre_lines ?? []) {
    context.beginPath();
    line.forEach(([x, y], at) => {
      // Their whole numbers are the centres of pixels; the canvas counts from corners.
      const point = [(x + 0.5) * lens.scale + lens.x, (y + 0.5) * lens.scale + lens.y];
      if (at) context.lineTo(...point);
      else context.moveTo(...point);
    });
    twice(context, "#ffffff", pen.line * 0.9, pen.line * 0.7);
  }
}

// A stroke on a dark edge.
function twice(context, colour, line, edge) {
  context.lineJoin = "round";
  context.lineCap = "round";
  context.strokeStyle = EDGE;
  context.lineWidth = line + edge;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = line;
  context.stroke();
}

function label(context, text, place, colour, pen, taken, always) {
  context.font = `600 ${pen.text}px ${FONT}`;
  const pad = pen.text * 0.42;
  const width = context.measureText(text).width + 2 * pad;
  const height = pen.text + 1.3 * pad;
  const room = context.canvas;
  const rows = [place.y_min - height - pen.line, place.y_max + pen.line, place.y_min + pen.line];
  const spots = rows.flatMap((y) => [place.x_min, place.x_max - width].map((x) => ({ x, y })));
  const inside = spots.map(({ x, y }) => ({ x: clamp(x, 0, room.width - width), y: clamp(y, 0, room.height - height), width, height }));
  const spot = inside.find((each) => !taken.some((other) => overlap(each, other))) ?? (always ? inside[0] : null);
  if (!spot || place.x_max < 0 || place.y_max < 0 || place.x_min > room.width || place.y_min > room.height) return;
  taken.push(spot);
  context.fillStyle = EDGE;
  plate(context, spot, pen.line, pad * 0.9);
  context.fillStyle = colour;
  plate(context, spot, 0, pad * 0.7);
  context.fillStyle = INK;
  context.textBaseline = "middle";
  context.fillText(text, spot.x + pad, spot.y + height / 2 + pen.text * 0.05);
}

const FONT = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

function plate(context, spot, more, radius) {
  context.beginPath();
  context.roundRect(spot.x - more, spot.y - more, spot.width + 2 * more, spot.height + 2 * more, radius);
  context.fill();
}

function toCanvas(bbox, { scale, x, y }) {
  return { x_min: bbox.x_min * scale + x, y_min: bbox.y_min * scale + y, x_max: bbox.x_max * scale + x, y_max: bbox.y_max * scale + y };
}

function areaOf({ anomaly: { bbox } }) {
  return (bbox.x_max - bbox.x_min) * (bbox.y_max - bbox.y_min);
}

function overlap(one, two) {
  return one.x < two.x + two.width && two.x < one.x + one.width && one.y < two.y + two.height && two.y < one.y + one.height;
}

function clamp(value, least, most) {
  return Math.max(least, Math.min(value, most));
}
