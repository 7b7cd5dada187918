// The annotated picture: the photo in its own resolution, with what the stage draws on it.

import { drawFindings } from "../drawing.js";
import { shownOf, structuresOf } from "../shown.js";

/** Make the file. Resolves to {blob, share}: `share` is under 1 where the browser cannot make so large a picture. */
export async function toPng(photo, state) {
  const { width, height } = photo.size;
  const bitmap = await createImageBitmap(photo.file).catch(() => null);
  for (let share = 1; share > 0.05; share /= 2) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * share);
    canvas.height = Math.round(height * share);
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) continue;
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    if (bitmap) context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const side = Math.sqrt(canvas.width * canvas.height);
    const scene = { ...state, layers: state.layers, findings: shownOf(photo, state), structures: structuresOf(photo, state), selected: null, hovered: null, full: true };
    drawFindings(context, scene, { scale: share, x: 0, y: 0 }, { line: Math.max(1, side / 640), text: Math.max(11, Math.round(side / 58)) });
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    canvas.width = 0; // its memory goes back at once
    if (blob) {
      bitmap?.close();
      return { blob, share };
    }
  }
  throw new Error("the browser cannot make a picture of this photo");
}
