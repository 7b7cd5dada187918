// JSON in the shapes of the API: one answer, or a batch of them.

import { answerOf } from "./answers.js";

/** The text of the file. */
export function toJson(photos, state) {
  return `${JSON.stringify(photos.length === 1 ? resultOf(photos[0], state) : batch(photos, state), null, 1)}\n`;
}

function batch(photos, state) {
  const results = photos.map((photo) => resultOf(photo, state));
  return { results, image_count: results.length, error_count: results.filter((each) => each.error).length };
}

function resultOf(photo, state) {
  if (photo.answer) return answerOf(photo, state);
  const { code, message } = photo.trouble;
  return { frame_id: null, file_name: photo.name, error: { code, message } };
}
