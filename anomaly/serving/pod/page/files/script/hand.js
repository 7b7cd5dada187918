// The hand on the stage: mouse, pen, fingers and keys.

import { findingAt } from "./hit.js";
import { shownOf } from "./shown.js";

const NEAR = 6; // CSS pixels that count as a hit
const STILL = 4; // CSS pixels that a click may move

/** Let people move, zoom, point at and choose on the stage. */
export function holdStage(stage, state) {
  const { canvas } = stage;
  const fingers = new Map();
  let start = null;
  let spread = 0;

  const at = (event) => {
    const place = canvas.getBoundingClientRect();
    return { x: event.clientX - place.left, y: event.clientY - place.top };
  };
  const under = (point) => {
    if (!state.current?.findings.length) return null;
    const { x, y } = stage.lens.photoPoint(point);
    return findingAt(shownOf(state.current, state), x, y, NEAR / stage.lens.scale);
  };
  const mode = (name) => {
    canvas.dataset.mode = state.ruling ? "ruler" : name;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    const point = at(event);
    fingers.set(event.pointerId, point);
    start = { point, moved: false };
    if (fingers.size === 2) spread = distance(fingers);
    else if (state.ruling) state.ruler = { from: stage.lens.photoPoint(point), to: stage.lens.photoPoint(point) };
  });

  canvas.addEventListener("pointermove", (event) => {
    const point = at(event);
    tellPosition(stage, point);
    const before = fingers.get(event.pointerId);
    if (!before) {
      const finding = event.pointerType === "touch" ? null : under(point);
      state.hover(finding);
      mode(finding ? "hit" : "");
      return;
    }
    fingers.set(event.pointerId, point);
    if (Math.hypot(point.x - start.point.x, point.y - start.point.y) > STILL) start.moved = true;
    if (fingers.size === 2) {
      const now = distance(fingers);
      const [one, two] = [...fingers.values()];
      stage.pan((point.x - before.x) / 2, (point.y - before.y) / 2);
      stage.zoom(now / (spread || now), { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 });
      spread = now;
      start.moved = true;
    } else if (state.ruling && state.ruler) {
      state.ruler = { ...state.ruler, to: stage.lens.photoPoint(point) };
      state.changed("ruler");
    } else if (start.moved) {
      mode("pan");
      stage.pan(point.x - before.x, point.y - before.y);
    }
  });

  const lift = (event) => {
    if (!fingers.delete(event.pointerId) || event.type === "pointercancel") return;
    mode("");
    if (state.ruling) {
      if (!start.moved) state.ruler = null;
      state.changed("ruler ruled");
    } else if (!start.moved && !fingers.size) state.select(under(at(event)));
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => {
    state.hover(null);
    document.getElementById("position").textContent = "";
  });
  canvas.addEventListener("dblclick", (event) => {
    const finding = under(at(event));
    if (finding) stage.show(finding);
    else if (stage.lens.fitted) stage.zoom(2.5, at(event));
    else stage.fit();
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const step = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    stage.zoom(Math.exp(-step * (event.ctrlKey ? 0.01 : 0.0022)), at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    stage.pan(...step);
  });
}

function distance(fingers) {
  const [one, two] = [...fingers.values()];
  return Math.hypot(one.x - two.x, one.y - two.y);
}

function tellPosition(stage, point) {
  const { x, y } = stage.lens.photoPoint(point);
  const { size } = stage;
  const inside = size && x >= 0 && y >= 0 && x < size.width && y < size.height;
  document.getElementById("position").textContent = inside ? `x ${Math.floor(x)}  y ${Math.floor(y)} px` : "";
}
