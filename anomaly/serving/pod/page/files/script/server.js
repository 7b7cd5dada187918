// What serves: whether it is ready, and what finds the defects.

import { health, info } from "./api.js";
import { openDialog } from "./dialog.js";
import { element } from "./element.js";

const AGAIN_MS = 2000;
const TITLES = { starter: "Embedded crack finder", ridge: "Embedded crack filter", fake: "Fake results", rfdetr: "RF-DETR", sam3: "SAM 3", sam2: "SAM 2.1" };

/** Watch the server until it is ready. `refused(error)` is called where it wants a key. */
export function watchServer(state, refused) {
  const dot = document.querySelector("#server .dot");
  const text = document.getElementById("server-text");
  document.getElementById("server").addEventListener("click", () => openAbout(state));

  function show(kind, sentence) {
    dot.dataset.state = kind;
    text.textContent = sentence;
  }

  async function look() {
    try {
      state.health = await health();
    } catch {
      show("failed", "Server not reached");
      setTimeout(look, AGAIN_MS);
      return;
    }
    if (!state.health.ready) {
      show(state.health.live === false ? "failed" : "loading", state.health.live === false ? "Models did not load" : "Models are loading");
      setTimeout(look, AGAIN_MS);
      return;
    }
    show("ready", "Ready");
    await tell();
  }

  async function tell() {
    try {
      state.info = await info();
    } catch (error) {
      if (error.status === 401) {
        show("loading", "Needs a key");
        refused(error);
      }
      return;
    }
    const { detector, confidence_threshold: threshold, limits } = state.info;
    if (!state.moved && threshold !== undefined) {
      state.threshold = threshold;
      state.floor = Math.min(state.floor, threshold);
    }
    if (detector) show(detector.backend === "fake" ? "loading" : "ready", `${titleOf(detector)} · ${state.health.device_name ?? state.health.device ?? detector.device}`);
    if (limits) document.getElementById("limits").textContent = `JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF, up to ${Math.round(limits.max_image_bytes / 1e6)} MB and ${Math.round(limits.max_pixels / 1e6)} megapixels`;
    state.changed("info threshold");
  }

  look();
  return tell;
}

function titleOf(card) {
  const title = TITLES[card.backend] ?? card.backend;
  return card.backend === "rfdetr" && card.variant ? `${title} ${card.variant.charAt(0).toUpperCase()}${card.variant.slice(1)}` : title;
}

function openAbout({ info: told, health: state }) {
  const body = openDialog("about", "This server");
  if (!told) {
    body.replaceChildren(element("p", {}, state?.error?.message ?? "The server has not said yet what it is."));
    return;
  }
  const { detector, segmenter, why = {}, version, limits } = told;
  const rows = [
    ["Finds defects", titleOf(detector)], detector.note ? ["", detector.note] : null, ["Why", why.detector],
    detector.classes?.length ? ["Knows", detector.classes.join(", ")] : null,
    ["Draws masks", segmenter ? titleOf(segmenter) : "nothing: boxes only"], ["Why", why.segmenter], why.beside ? ["Beside it", why.beside] : null,
    ["Runs on", state?.device_name ?? detector.device], ["Limits", `${Math.round(limits.max_image_bytes / 1e6)} MB and ${Math.round(limits.max_pixels / 1e6)} megapixels a photo`], ["Version", version],
  ];
  body.replaceChildren(
    element("dl", { class: "keys" }, rows.filter((row) => row?.[1]).map(([name, value]) => [element("dt", { class: "muted" }, name), element("dd", {}, value)])),
    element("p", {}, element("a", { class: "link", href: "docs" }, "The API for programs"), " · ", element("a", { class: "link", href: "info" }, "All of this as JSON")),
  );
}
