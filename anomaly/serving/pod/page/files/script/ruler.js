// The ruler: the distance between two points of the photo.

import { grouped, measure } from "./figures.js";

/** The length of a ruler in pixels. */
export function rulerPixels({ from, to }) {
  return Math.hypot(to.x - from.x, to.y - from.y);
}

/** What a ruler reads, in mm too where the photo has one scale. */
export function rulerText(photo, ruler) {
  const pixels = rulerPixels(ruler);
  const text = `${grouped(pixels, 1)} px`;
  const scale = mmPerPixel(photo);
  return scale ? `${measure(pixels * scale, "mm")} mm · ${text}` : text;
}

/** The one scale of a photo, mm per pixel, where it has one: a marker's changes from place to place. */
export function mmPerPixel(photo) {
  if (photo.scale.kind === "constant") return photo.scale.mmPerPixel;
  if (photo.scale.kind !== "camera") return null;
  return photo.answer?.anomalies.find((each) => each.geometry?.mm_per_pixel)?.geometry.mm_per_pixel ?? null;
}
