// Photos on their way to the server: a few at a time, and as patient as the server asks.

import { ApiError, detect } from "./api.js";
import { NONE } from "./scale.js";

const AT_ONCE = 3;
const LONGEST_WAIT_S = 60;
/** How often to try again where the fault may pass by itself, by HTTP status; 0 is a broken connection. */
const TRIES = { 0: 4, 429: 60, 502: 4, 503: 60, 504: 2 };

/** The photos that wait and those that are in flight. */
export class Queue {
  #waiting = [];
  #flying = new Set();
  #heldUntil = 0;
  #timer = null;
  #locked = false;

  /** `onkey` is called when the server wants a key; `resume` goes on with it. */
  constructor(state, onkey) {
    this.state = state;
    this.onkey = onkey;
  }

  /** Send a photo, or send it again. */
  add(photo) {
    const limit = this.state.info?.limits?.max_image_bytes;
    photo.trouble = null;
    photo.attempts = 0;
    if (limit && photo.file.size > limit) {
      const [size, most] = [photo.file.size, limit].map((bytes) => (bytes / 1e6).toFixed(1));
      this.#fail(photo, new ApiError(413, "image_too_large", `The file has ${size} MB and the server takes ${most} MB. Save it with a higher compression.`));
      return;
    }
    photo.status = "waiting";
    this.#locked = false; // with a key or not, the server is asked again
    if (!this.#waiting.includes(photo) && !this.#flying.has(photo)) this.#waiting.push(photo);
    this.#pump();
  }

  /** Forget a photo, wherever it is. */
  remove(photo) {
    this.#waiting = this.#waiting.filter((each) => each !== photo);
    photo.sending?.abort();
  }

  /** Go on after a key was given. */
  resume() {
    this.#locked = false;
    this.#pump();
  }

  #pump() {
    clearTimeout(this.#timer);
    const wait = this.#heldUntil - Date.now();
    if (wait > 0 && this.#waiting.length) this.#timer = setTimeout(() => this.#pump(), wait);
    while (wait <= 0 && !this.#locked && this.#waiting.length && this.#flying.size < AT_ONCE) this.#send(this.#waiting.shift());
    this.state.changed("photos");
  }

  async #send(photo) {
    const scale = photo.scale;
    this.#flying.add(photo);
    photo.sending = new AbortController();
    photo.status = "sending";
    photo.trouble = null;
    photo.progress = 0;
    photo.attempts++;
    try {
      const answer = await detect(photo.file, {
        floor: this.state.floor,
        scale,
        signal: photo.sending.signal,
        onprogress: (share) => {
          photo.progress = share;
          this.state.changed("photos");
        },
        onsent: () => {
          photo.status = "analysing";
          photo.sentAt = Date.now();
          this.state.changed("photos");
        },
      });
      photo.take(answer, scale);
      this.state.renew(photo);
      this.state.changed("answers");
    } catch (error) {
      this.#settle(photo, error);
    } finally {
      this.#flying.delete(photo);
      photo.sending = null;
      this.#pump();
    }
  }

  #settle(photo, error) {
    if (error.code === "cancelled") return;
    if (error.status === 401 || error.status === 403) {
      photo.status = "waiting";
      photo.progress = 0;
      photo.trouble = error;
      this.#waiting.unshift(photo);
      if (!this.#locked) this.onkey(error);
      this.#locked = true;
    } else if (photo.attempts < (TRIES[error.status] ?? 0)) {
      const wait = Math.min(LONGEST_WAIT_S, error.retryAfterS ?? 2 ** Math.min(photo.attempts, 5)) * 1000;
      photo.status = "retrying";
      photo.progress = 0;
      photo.trouble = error;
      photo.retryAt = Date.now() + wait;
      this.#heldUntil = Math.max(this.#heldUntil, photo.retryAt);
      this.#waiting.unshift(photo);
    } else if (photo.scale.kind !== "none" && (error.code === "marker_not_found" || error.code === "invalid_request")) {
      // What was found without a scale is worth having, and so is the word on the scale.
      photo.scaleTrouble = error;
      photo.scale = photo.answer ? photo.asked : NONE;
      photo.status = photo.answer ? "done" : "waiting";
      if (!photo.answer) this.#waiting.unshift(photo);
      this.state.changed("scale answers");
    } else this.#fail(photo, error);
  }

  #fail(photo, error) {
    photo.trouble = error;
    photo.status = photo.answer ? "done" : "failed";
    if (photo.answer) photo.scale = photo.asked;
    this.state.changed("photos answers");
  }
}
