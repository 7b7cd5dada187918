// The page, assembled.

import { showDetails } from "./details.js";
import { openDownload } from "./download/dialog.js";
import { showFilter } from "./filter.js";
import { holdStage } from "./hand.js";
import { openHelp } from "./help.js";
import { showHover } from "./hover.js";
import { takePhotos } from "./intake.js";
import { askForKey } from "./keydialog.js";
import { bindKeys } from "./keyboard.js";
import { showMessage } from "./message.js";
import { announce, notify } from "./notices.js";
import { entitle, Photo } from "./photo.js";
import { Queue } from "./queue.js";
import { showScaleForm } from "./scaleform.js";
import { watchServer } from "./server.js";
import { shownOf } from "./shown.js";
import { Stage } from "./stage.js";
import { LAYERS, State } from "./state.js";
import { showStrip } from "./strip.js";
import { listed, showTable } from "./table.js";
import { chooseTheme } from "./theme.js";
import { showThreshold } from "./threshold.js";

const byId = (id) => document.getElementById(id);
const state = new State();
const stage = new Stage(state);
const queue = new Queue(state, refused);
const actions = { remove, retry: (photo) => queue.add(photo), measure: (photos) => photos.forEach((photo) => queue.add(photo)), rule: () => rule(true), unlock: refused };

holdStage(stage, state);
showHover(state, stage);
showStrip(state, actions);
showMessage(state, actions);
showTable(state, stage);
showFilter(state);
showThreshold(state);
showDetails(state, stage);
showScaleForm(state, actions);
chooseTheme(() => stage.draw());
takePhotos(add);
const tell = watchServer(state, refused);

function add(files, leftOut) {
  const known = new Set(state.photos.map((photo) => identity(photo.file, photo.name)));
  const fresh = files.filter(({ file, name }) => !known.has(identity(file, name)));
  if (leftOut) notify(`${leftOut} ${leftOut === 1 ? "file is no photo" : "files are no photos"}`, "Only photos are read.");
  if (files.length > fresh.length) notify(files.length - fresh.length === 1 ? "One photo is here already" : `${files.length - fresh.length} photos are here already`);
  const photos = fresh.map(({ file, name }) => new Photo(file, name, state.scale));
  if (!photos.length) return;
  state.photos.push(...photos);
  entitle(state.photos);
  document.body.dataset.started = "";
  byId("welcome").hidden = true;
  byId("work").hidden = false;
  if (!state.current) state.open(photos[0]);
  for (const photo of photos) queue.add(photo);
}

function identity(file, name) {
  return `${name} ${file.size} ${file.lastModified}`;
}

function remove(photo) {
  queue.remove(photo);
  photo.picture?.close();
  const at = state.photos.indexOf(photo);
  state.photos.splice(at, 1);
  if (state.current === photo) state.open(state.photos[Math.min(at, state.photos.length - 1)] ?? null);
  if (!state.photos.length) {
    byId("work").hidden = true;
    byId("welcome").hidden = false;
    byId("choose").focus();
  }
  state.changed("photos answers");
}

function refused(error) {
  askForKey(error, () => {
    tell();
    queue.resume();
  });
}

function toggle(layer) {
  state.layers[layer] = !state.layers[layer];
  state.changed("layers");
}

function rule(on = !state.ruling) {
  state.ruling = on;
  if (!on) state.ruler = null;
  byId("ruler").setAttribute("aria-pressed", on);
  stage.canvas.dataset.mode = on ? "ruler" : "";
  state.changed("ruler");
}

function step(list, current, by) {
  const at = list.indexOf(current);
  return list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
}

function stepPhoto(by) {
  const photo = step(state.photos, state.current, by);
  if (photo) state.open(photo);
}

function stepFinding(by) {
  const finding = step(listed(state), state.selected, by);
  if (finding) state.select(finding);
}

function showLayers() {
  document.querySelector('[data-layer="structures"]').hidden = !state.photos.some((photo) => photo.answer?.structures.length);
  for (const button of document.querySelectorAll("[data-layer]")) button.setAttribute("aria-pressed", state.layers[button.dataset.layer]);
}

for (const layer of LAYERS) document.querySelector(`[data-layer="${layer}"]`).addEventListener("click", () => toggle(layer));
const pressed = {
  add: () => byId("files").click(),
  choose: () => byId("files").click(),
  "choose-folder": () => byId("folder").click(),
  clear: () => (state.photos.length < 4 || confirm(`Remove all ${state.photos.length} photos and what was found on them?`)) && [...state.photos].forEach(remove),
  "download-open": () => openDownload(state),
  "help-open": openHelp,
  ruler: () => rule(),
  sample: trySample,
  "zoom-fit": () => stage.fit(),
  "zoom-in": () => stage.zoom(1.4),
  "zoom-level": () => stage.zoom(1 / (stage.lens.scale * devicePixelRatio)),
  "zoom-out": () => stage.zoom(1 / 1.4),
};
for (const [id, act] of Object.entries(pressed)) byId(id).addEventListener("click", act);

async function trySample() {
  const response = await fetch(document.body.dataset.sample).catch(() => null);
  if (!response?.ok) notify("The sample photo did not come", "The server cannot be reached.", "error");
  else add([{ file: new File([await response.blob()], "sample.jpg", { type: "image/jpeg", lastModified: 0 }), name: "sample.jpg" }], 0);
}

const whenWorking = (act) => () => state.photos.length && act();
bindKeys({
  j: () => stepFinding(1), k: () => stepFinding(-1), n: () => stepPhoto(1), p: () => stepPhoto(-1),
  "+": () => stage.zoom(1.4), "=": () => stage.zoom(1.4), "-": () => stage.zoom(1 / 1.4), 0: () => stage.fit(), 1: pressed["zoom-level"],
  b: () => toggle("boxes"), m: () => toggle("masks"), l: () => toggle("lines"), t: () => toggle("labels"), s: () => toggle("structures"),
  r: whenWorking(() => rule()), o: pressed.add, d: whenWorking(() => byId("download-open").disabled || openDownload(state)), "?": openHelp,
  "/": whenWorking(() => byId("search").focus()), enter: () => state.selected && stage.show(state.selected),
  escape: () => (state.ruling ? rule(false) : state.select(null)),
});

state.on("layers answers", showLayers);
state.on("photos answers", () => {
  byId("download-open").disabled = !state.photos.some((photo) => photo.answer);
});
const told = new WeakSet();
state.on("answers", () => {
  for (const photo of state.photos) {
    if (photo.trouble && photo.answer) {
      notify(`${photo.name} was not measured again`, `${photo.trouble.message} (${photo.trouble.code})`, "error");
      photo.trouble = null;
    }
    if (!photo.answer || told.has(photo.answer)) continue;
    told.add(photo.answer);
    announce(`${photo.name}: ${shownOf(photo, state).length} defects`);
  }
});
addEventListener("beforeunload", (event) => {
  if (state.photos.some((photo) => photo.busy)) event.preventDefault();
});
showLayers();
