// The bar that shows how long something on the stage is.

import { grouped } from "./figures.js";
import { mmPerPixel } from "./ruler.js";

const LONGEST = 140; // CSS pixels

/** Show a bar of a round length: millimetres or metres where the scale is known, else pixels. */
export function showScaleBar(photo, lens) {
  const bar = document.getElementById("scale-bar");
  const scale = mmPerPixel(photo);
  const perCss = (scale ?? 1) / lens.scale; // mm or px for one CSS pixel
  const length = round(LONGEST * perCss);
  bar.hidden = false;
  bar.querySelector("i").style.width = `${length / perCss}px`;
  bar.querySelector("b").textContent = scale ? inMetric(length) : `${grouped(length)} px`;
}

function round(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].find((each) => each * power <= most) * power;
}

function inMetric(length) {
  if (length >= 1000) return `${grouped(length / 1000)} m`;
  return `${length < 1 ? Number(length.toPrecision(1)) : grouped(length)} mm`;
}
