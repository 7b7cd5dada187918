// The dialog of the downloads.

import { openDialog } from "../dialog.js";
import { element, icon } from "../element.js";
import { notify } from "../notices.js";
import { shownOf } from "../shown.js";
import { toCoco } from "./coco.js";
import { toCsv } from "./csv.js";
import { toJson } from "./json.js";
import { toPng } from "./png.js";

const FORMATS = [
  { name: "JSON", text: "The API's answers", more: "Everything, with masks and centre lines", type: "application/json", ending: ".json", write: toJson },
  { name: "CSV", text: "One row for each defect", more: "For spreadsheets", type: "text/csv", ending: ".csv", write: toCsv },
  { name: "COCO", text: "Boxes and masks as annotations", more: "For labelling and training", type: "application/json", ending: ".coco.json", write: toCoco },
];

/** Open the dialog. */
export function openDownload(state) {
  const ended = state.photos.filter((photo) => !photo.busy || photo.answer);
  let all = state.photos.length > 1 && state.scope === "all";
  const body = openDialog("download", "Download");

  const photos = () => (all ? ended : ended.filter((photo) => photo === state.current));

  function show() {
    const chosen = photos();
    const shown = chosen.reduce((sum, photo) => sum + shownOf(photo, state).length, 0);
    const found = chosen.reduce((sum, photo) => sum + photo.findings.length, 0);
    const left = state.photos.length - ended.length;
    const pressed = (value) => ({ type: "button", "aria-pressed": `${all === value}`, onclick: () => { all = value; show(); } });
    body.replaceChildren(
      state.photos.length > 1 ? element("div", { class: "segmented", role: "group", "aria-label": "Which photos" }, element("button", pressed(false), "This photo"), element("button", pressed(true), `All ${state.photos.length} photos`)) : "",
      element("p", { class: "muted" }, `What is shown goes into the files: ${shown === found ? `${found === 1 ? "the one defect" : `all ${found} defects`}` : `${shown} of ${found} defects`}, from a confidence of ${state.threshold.toFixed(2)}.${all && left ? ` ${left} photos are still on their way.` : ""}`),
      element("div", { class: "formats" },
        FORMATS.map((format) => button(format.name, format.text, format.more, !chosen.length, () => save(new Blob([format.write(chosen, state)], { type: format.type }), `${all ? "defects" : stem(chosen[0])}${format.ending}`))),
        button("PNG", "The annotated photo", all ? "Of the photo on the stage" : "In its own resolution, with what is drawn now", !state.current?.answer, () => picture(state.current))),
    );
  }

  async function picture(photo) {
    const { blob, share } = await toPng(photo, state);
    save(blob, `${stem(photo)}.annotated.png`);
    if (share < 1) notify("The picture is smaller than the photo", `This browser makes pictures of this kind only up to ${Math.round(share * 100)} % of its size.`);
  }
  show();
}

function button(name, text, more, disabled, act) {
  return element("button", { class: "format", type: "button", disabled, dataset: { format: name }, onclick: act }, element("b", {}, name), element("span", {}, text, element("small", {}, element("span", {}, more))), icon("download"));
}

function stem(photo) {
  return photo.name.split("/").pop().replace(/\.[^.]+$/, "");
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = element("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
