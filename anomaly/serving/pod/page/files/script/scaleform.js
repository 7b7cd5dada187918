// The form that says what a pixel measures, for the photo on the stage or for all.

import { element } from "./element.js";
import { grouped } from "./figures.js";
import { rulerPixels } from "./ruler.js";
import { needsServer, NONE, same } from "./scale.js";

const KINDS = { none: "Pixels", constant: "mm / px", camera: "Camera", marker: "Marker" };
const DICTIONARIES = ["DICT_4X4_50", "DICT_5X5_100", "DICT_6X6_250", "DICT_7X7_1000", "DICT_ARUCO_ORIGINAL", "DICT_APRILTAG_36h11"];
const CAMERA = {
  sensor_width_mm: ["Sensor, longer side", "from EXIF"],
  focal_length_mm: ["Focal length", "from EXIF"],
  distance_mm: ["Distance to the surface", "from EXIF, if it has it"],
};

/** Show the form. `measure(photos)` asks the server again for them. */
export function showScaleForm(state, actions) {
  const form = document.getElementById("scale");
  let draft = { kind: "none" };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });

  function scaleOf({ kind, mmPerPixel, camera = {}, marker = {}, standard, exposure }) {
    const more = standard && kind !== "none" ? { standard, exposure } : {};
    if (kind === "constant") return mmPerPixel > 0 ? { kind, mmPerPixel, ...more } : null;
    if (kind === "camera") return Object.values(camera).every((value) => value > 0) ? { kind, camera, ...more } : null;
    if (kind === "marker") return marker.size_mm > 0 && marker.dictionary ? { kind, marker, ...more } : null;
    return NONE;
  }

  // What the browser can work out holds at once; the rest waits for the button.
  function changed(rebuild) {
    const scale = scaleOf(draft);
    const photo = state.current;
    if (photo && scale && !needsServer(scale) && !same(scale, photo.scale)) {
      photo.scale = scale;
      photo.scaleTrouble = null;
      state.changed("scale");
    } else if (rebuild) show();
    else buttons();
  }

  function apply(photos = [state.current]) {
    const scale = scaleOf(draft);
    if (!scale) return;
    for (const photo of photos) {
      photo.scale = scale;
      photo.scaleTrouble = null;
    }
    if (needsServer(scale)) actions.measure(photos);
    state.changed("scale");
  }

  function number(label, value, unit, set, placeholder = "") {
    const input = element("input", { type: "number", inputmode: "decimal", min: "0", step: "any", placeholder, value: value ?? "" });
    input.addEventListener("input", () => {
      const typed = input.value === "" ? undefined : Number(input.value);
      const wrong = input.validity.badInput || (typed !== undefined && !(typed > 0));
      input.setAttribute("aria-invalid", wrong);
      set(wrong ? Number.NaN : typed);
      changed(false);
    });
    return element("label", { class: "field" }, element("span", {}, label), element("span", { class: "with-unit" }, input, element("i", {}, unit)));
  }

  function kinds() {
    return element("div", { class: "segmented", role: "group", "aria-label": "What gives the scale" }, Object.entries(KINDS).map(([kind, title]) => element("button", {
      type: "button", "aria-pressed": `${draft.kind === kind}`, dataset: { kind },
      onclick: () => {
        draft = { ...draft, kind };
        changed(true);
        form.querySelector(`[data-kind="${kind}"]`).focus();
      },
    }, title)));
  }

  function fields() {
    switch (draft.kind) {
      case "constant":
        return [number("One pixel measures", draft.mmPerPixel, "mm", (value) => (draft = { ...draft, mmPerPixel: value }))];
      case "camera":
        return Object.entries(CAMERA).map(([name, [label, placeholder]]) => number(label, draft.camera?.[name], "mm", (value) => {
          const { [name]: _, ...others } = draft.camera ?? {};
          draft = { ...draft, camera: value === undefined ? others : { ...others, [name]: value } };
        }, placeholder));
      case "marker": {
        const chosen = draft.marker?.dictionary ?? DICTIONARIES[0];
        draft.marker = { dictionary: chosen, ...draft.marker };
        const list = element("select", { onchange: () => {
          draft = { ...draft, marker: { ...draft.marker, dictionary: list.value } };
          changed(false);
        } }, DICTIONARIES.map((name) => element("option", { value: name, selected: name === chosen }, name.replace("DICT_", "").replaceAll("_", " "))));
        return [
          element("label", { class: "field" }, element("span", {}, "ArUco dictionary"), list),
          number("Side of its black square", draft.marker?.size_mm, "mm", (value) => (draft = { ...draft, marker: { ...draft.marker, size_mm: value } })),
        ];
      }
      default:
        return [element("p", { class: "note" }, "Lengths are in pixels. Say what a pixel measures, and they are in millimetres too.")];
    }
  }

  function standards() {
    const known = Object.entries(state.info?.standards ?? {});
    if (!known.length || draft.kind === "none") return null;
    const chosen = draft.standard ? `${draft.standard}/${draft.exposure}` : "";
    const list = element("select", { id: "standard", onchange: () => {
      const [standard, exposure] = list.value ? list.value.split("/") : [];
      draft = { ...draft, standard, exposure };
      changed(true);
    } }, element("option", { value: "" }, "None"), known.map(([name, { title, limits_mm: limits }]) => element("optgroup", { label: title }, Object.entries(limits).map(([exposure, limit]) => {
      const value = `${name}/${exposure}`;
      return element("option", { value, selected: value === chosen }, `${name} ${exposure.replaceAll("_", " ")}: ${limit} mm`);
    }))));
    return element("label", { class: "field" }, element("span", {}, "Class of the width, by a standard"), list);
  }

  function ruled() {
    if (!state.ruler) {
      return element("p", { class: "note" }, "Is there something of a known length? ", element("button", { type: "button", class: "link", onclick: actions.rule }, "Draw the ruler"), " along it.");
    }
    const pixels = rulerPixels(state.ruler);
    const length = element("input", { type: "number", inputmode: "decimal", min: "0", step: "any", id: "ruled-mm" });
    const set = () => {
      if (!(Number(length.value) > 0)) return;
      draft = { ...draft, kind: "constant", mmPerPixel: Number((Number(length.value) / pixels).toPrecision(6)) };
      changed(true);
    };
    length.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      set();
    });
    return element("div", { class: "ruled" },
      element("label", { class: "field" }, element("span", {}, `The ruler's ${grouped(pixels, 1)} px are`), element("span", { class: "with-unit" }, length, element("i", {}, "mm"))),
      element("button", { type: "button", class: "button small", onclick: set }, "Take as the scale"));
  }

  function buttons() {
    const room = form.querySelector(".scale-actions");
    if (!room) return;
    const scale = scaleOf(draft);
    const photo = state.current;
    const more = state.photos.length > 1;
    const open = scale && needsServer(scale) && photo && !same(scale, photo.asked);
    const apart = scale && more && state.photos.some((each) => !same(each.scale, scale));
    room.replaceChildren(...[
      open ? element("button", { type: "submit", class: "button primary", disabled: photo.busy }, photo.busy ? "Measuring" : "Measure again") : null,
      more && apart ? element("button", { type: "button", class: "button", onclick: () => {
        state.scale = scale;
        apply(state.photos.filter((each) => !same(each.scale, scale)));
      } }, `Use for all ${state.photos.length} photos`) : null,
    ].filter(Boolean));
    room.hidden = !room.children.length;
  }

  function show() {
    const photo = state.current;
    const focused = form.contains(document.activeElement) ? [...form.querySelectorAll("input, select")].indexOf(document.activeElement) : -1;
    if (!photo) return;
    const trouble = photo.scaleTrouble;
    form.replaceChildren(...[
      kinds(), ...fields(), standards(),
      trouble ? element("div", { class: "trouble", role: "alert" }, element("span", { class: "code" }, trouble.code), element("div", {}, trouble.message)) : null,
      element("div", { class: "scale-actions" }), ruled(),
    ].filter(Boolean));
    if (focused >= 0) form.querySelectorAll("input, select")[focused]?.focus();
    buttons();
    document.getElementById("scale-state").textContent = { none: "", constant: `${photo.scale.mmPerPixel} mm per px`, camera: "from the camera", marker: "from a marker" }[photo.scale.kind];
  }

  function follow() {
    // What is being typed and cannot hold yet is kept.
    if (state.current && scaleOf(draft) !== null && !same(scaleOf(draft), state.current.scale)) draft = { ...state.current.scale };
    show();
  }
  state.on("current scale", follow);
  state.on("info", show);
  state.on("ruler", () => !state.ruler !== !form.querySelector(".ruled") && show());
  state.on("ruled", show);
  state.on("photos answers", buttons);
}
