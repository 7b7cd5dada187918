// One photo of the page: its file, how far it is, and what was found on it.

import { colourOf } from "./palette.js";
import { NONE } from "./scale.js";

let last = 0;

/** One photo. `status`: waiting, sending, analysing, retrying, done, failed. */
export class Photo {
  status = "waiting";
  progress = 0; // of sending, 0..1
  attempts = 0;
  sentAt = 0; // ms of the clock
  retryAt = 0; // likewise
  trouble = null; // ApiError
  answer = null;
  findings = [];
  picture = null;
  asked = NONE; // the scale that the answer was asked with
  scaleTrouble = null;
  sending = null; // AbortController

  constructor(file, name, scale) {
    this.id = ++last;
    this.file = file;
    this.name = name;
    this.title = name;
    this.scale = scale ?? NONE;
  }

  /** Take over what the server answered. */
  take(answer, scale) {
    this.answer = answer;
    this.asked = scale;
    this.status = "done";
    this.trouble = null;
    this.findings = answer.anomalies.map((anomaly, index) => ({
      key: `${this.id}.${index}`,
      number: index + 1,
      photo: this,
      anomaly,
      colour: colourOf(anomaly.defect_type),
    }));
  }

  /** Width and height of the upright photo in pixels, as far as they are known. */
  get size() {
    return this.answer?.image_size ?? (this.picture?.bitmap ? this.picture : null);
  }

  /** Whether it is on its way. */
  get busy() {
    return !["done", "failed"].includes(this.status);
  }
}

/** Give each photo a short title: its file's name, or with its folders where another has the same. */
export function entitle(photos) {
  const file = ({ name }) => name.slice(name.lastIndexOf("/") + 1);
  const alike = Map.groupBy(photos, file);
  for (const photo of photos) photo.title = alike.get(file(photo)).length > 1 ? photo.name : file(photo);
}

/** A type of defect in words. */
export function words(name) {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
