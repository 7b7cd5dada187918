// The stage: the photo with what was found on it, as large and where one wants it.

import { drawFindings, drawRuler } from "./drawing.js";
import { Lens } from "./lens.js";
import { Picture } from "./picture.js";
import { words } from "./photo.js";
import { rulerText } from "./ruler.js";
import { showScaleBar } from "./scalebar.js";
import { shownOf, structuresOf } from "./shown.js";

const KEPT = 3; // pictures in memory

/** The canvas on the stage. */
export class Stage {
  lens = new Lens();
  #frame = 0;
  #recent = [];
  #detail = null; // {photo, bitmap, x, y, width, height}
  #detailTimer = 0;

  constructor(state) {
    this.state = state;
    this.canvas = document.getElementById("stage-canvas");
    this.context = this.canvas.getContext("2d", { alpha: false });
    new ResizeObserver(() => this.#resized()).observe(this.canvas);
    state.on("current", () => this.#open());
    state.on("answers threshold filter layers selected hovered ruler scale", () => this.draw());
    state.on("answers", () => this.#refit());
  }

  /** The room on the screen, CSS pixels. */
  get room() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** The photo's size, or null. */
  get size() {
    return this.state.current?.size ?? null;
  }

  /** Draw soon, at most once a frame. */
  draw() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Show the whole photo. */
  fit() {
    if (this.size) this.lens.fit(this.size, this.room);
    this.#moved();
  }

  /** Zoom by a factor about a point, else about the middle. */
  zoom(factor, point = { x: this.room.width / 2, y: this.room.height / 2 }) {
    if (this.size) this.lens.zoom(factor, point, this.size, this.room);
    this.#moved();
  }

  /** Move the photo by CSS pixels. */
  pan(x, y) {
    if (this.size) this.lens.pan(x, y, this.size, this.room);
    this.#moved();
  }

  /** Show a finding large. */
  show(finding) {
    if (this.size) this.lens.show(finding.anomaly.bbox, this.size, this.room);
    this.#moved();
  }

  /** Bring a finding into view, if it is not. */
  reveal(finding) {
    if (!this.size || this.lens.fitted) return;
    const { bbox } = finding.anomaly;
    const [x, y] = [(bbox.x_min + bbox.x_max) / 2, (bbox.y_min + bbox.y_max) / 2];
    const [left, top] = [x * this.lens.scale + this.lens.x, y * this.lens.scale + this.lens.y];
    if (left > 0 && top > 0 && left < this.room.width && top < this.room.height) return;
    this.lens.centre(x, y, this.room);
    this.#moved();
  }

  async #open() {
    const photo = this.state.current;
    this.#dropDetail();
    this.draw();
    if (!photo) return;
    if (!photo.picture) {
      const picture = await Picture.open(photo.file);
      if (photo.picture) picture.close();
      else photo.picture = picture;
    }
    this.#recent = [photo, ...this.#recent.filter((each) => each !== photo)];
    for (const old of this.#recent.splice(KEPT)) {
      old.picture?.close();
      old.picture = null;
    }
    if (this.state.current !== photo) return;
    this.fit();
    this.state.changed("picture");
  }

  #refit() {
    if (this.lens.fitted) this.fit();
  }

  #resized() {
    const share = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.room.width * share));
    this.canvas.height = Math.max(1, Math.round(this.room.height * share));
    if (this.lens.fitted && this.size) this.lens.fit(this.size, this.room);
    this.#draw(); // at once: a resized canvas is empty
    this.state.changed("lens");
  }

  #moved() {
    this.canvas.style.touchAction = this.lens.fitted ? "pan-y" : "none";
    this.draw();
    clearTimeout(this.#detailTimer);
    this.#detailTimer = setTimeout(() => this.#sharpen(), 140);
    this.state.changed("lens");
  }

  // Where the smaller bitmap is magnified, fetch what is seen in full resolution.
  async #sharpen() {
    const { current: photo } = this.state;
    const picture = photo?.picture;
    if (!picture?.bitmap || picture.share === 1 || this.lens.scale * devicePixelRatio <= picture.share * 1.1) return this.#dropDetail();
    const { room } = this;
    const from = this.lens.photoPoint({ x: 0, y: 0 });
    const to = this.lens.photoPoint({ x: room.width, y: room.height });
    const x = Math.max(0, Math.floor(from.x));
    const y = Math.max(0, Math.floor(from.y));
    const width = Math.min(picture.width, Math.ceil(to.x)) - x;
    const height = Math.min(picture.height, Math.ceil(to.y)) - y;
    if (width < 1 || height < 1) return;
    const key = `${x} ${y} ${width} ${height}`;
    const bitmap = await picture.crop(x, y, width, height).catch(() => null);
    if (!bitmap) return;
    this.#dropDetail();
    this.#detail = { photo, bitmap, x, y, width, height };
    this.canvas.dataset.detail = key;
    this.draw();
  }

  #dropDetail() {
    this.#detail?.bitmap.close();
    this.#detail = null;
    delete this.canvas.dataset.detail;
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { context, canvas, state, lens } = this;
    const share = window.devicePixelRatio || 1;
    context.fillStyle = getComputedStyle(canvas.closest(".stage")).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const photo = state.current;
    if (!photo?.size) return;
    const seen = { scale: lens.scale * share, x: lens.x * share, y: lens.y * share };
    this.#photo(context, photo, seen);
    const findings = shownOf(photo, state);
    const pen = { line: 1.4 * share, text: 12 * share };
    drawFindings(context, { ...state, layers: state.layers, findings, structures: structuresOf(photo, state) }, seen, pen);
    if (state.ruler) drawRuler(context, state.ruler, rulerText(photo, state.ruler), seen, pen);
    // For whoever looks at the picture from outside, a test for instance.
    canvas.dataset.lens = JSON.stringify({ scale: lens.scale, x: lens.x, y: lens.y });
    canvas.setAttribute("aria-label", described(photo, findings));
    showScaleBar(photo, lens);
    document.getElementById("zoom-level").textContent = `${lens.scale * share < 0.1 ? (lens.scale * share * 100).toFixed(1) : Math.round(lens.scale * share * 100)} %`;
  }

  #photo(context, photo, { scale, x, y }) {
    const { picture, size } = photo;
    if (!picture?.bitmap) {
      context.fillStyle = "#3a414b";
      context.fillRect(x, y, size.width * scale, size.height * scale);
      return;
    }
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = scale * (1 / picture.share) < 3;
    context.drawImage(picture.at(scale), x, y, size.width * scale, size.height * scale);
    const detail = this.#detail;
    if (detail?.photo === photo) {
      context.imageSmoothingEnabled = scale < 3;
      context.drawImage(detail.bitmap, x + detail.x * scale, y + detail.y * scale, detail.width * scale, detail.height * scale);
    }
  }
}

function described(photo, findings) {
  const kinds = Map.groupBy(findings, ({ anomaly }) => words(anomaly.defect_type));
  const list = [...kinds].map(([kind, each]) => `${each.length} ${kind.toLowerCase()}`).join(", ");
  return `${photo.name}: ${list || "no defects shown"}`;
}
