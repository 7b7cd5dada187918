// The table of defects: sorted, filtered, and linked with the picture both ways.

import { element, swatch } from "./element.js";
import { verdict } from "./facts.js";
import { area, figuresOf, measure, VERDICTS } from "./figures.js";
import { words } from "./photo.js";
import { shownOf, valueOf } from "./shown.js";

const COLUMNS = [
  { name: "number", title: "No.", of: (each) => each.number },
  { name: "photo", title: "Photo", of: (each) => each.photo.name, all: true },
  { name: "type", title: "Type", of: (each) => words(each.anomaly.defect_type) },
  { name: "confidence", title: "Confidence", number: true, of: (each) => valueOf(each, "confidence") },
  { name: "length", title: "Length", number: true, of: (each) => valueOf(each, "length") },
  { name: "width", title: "Mean width", number: true, of: (each) => valueOf(each, "width") },
  { name: "area", title: "Area", number: true, wide: true, of: (each) => valueOf(each, "area") },
  { name: "angle", title: "Direction", number: true, wide: true, of: (each) => valueOf(each, "angle") },
  { name: "structure", title: "On", wide: true, of: (each) => words(each.anomaly.structure_type) },
  { name: "verdict", title: "Width class", wide: true, classed: true, of: (each) => figuresOf(each)?.verdict?.name ?? "" },
];
const LETTERS = new Intl.Collator(undefined, { numeric: true });

/** The defects that the table lists, in its order. */
export function listed(state) {
  const photos = state.scope === "all" ? state.photos : state.current ? [state.current] : [];
  const column = COLUMNS.find(({ name }) => name === state.sort.column);
  const sign = state.sort.down ? -1 : 1;
  return photos.flatMap((photo) => shownOf(photo, state)).sort((a, b) => {
    const [one, two] = [column.of(a), column.of(b)];
    if (one === null || two === null) return (one === null) - (two === null); // what is not known comes last
    return sign * (typeof one === "number" ? one - two : LETTERS.compare(one, two));
  });
}

/** Show the table. */
export function showTable(state, stage) {
  const table = document.getElementById("table");
  const [head, body] = [table.tHead, table.tBodies[0]];
  const rows = new Map();
  let order = [];

  function columns() {
    const classed = order.some((each) => figuresOf(each)?.verdict);
    const placed = order.some((each) => each.anomaly.structure_type !== "unknown");
    return COLUMNS.filter((each) => (!each.all || state.scope === "all") && (!each.classed || classed) && (each.name !== "structure" || placed));
  }

  function heading({ name, title, number, wide }) {
    const { column, down } = state.sort;
    const sorted = column === name ? (down ? "descending" : "ascending") : null;
    const press = () => {
      state.sort = { column: name, down: column === name ? !down : Boolean(number) };
      state.changed("sort");
    };
    return element("th", { scope: "col", class: kind(number, wide), "aria-sort": sorted, dataset: { column: name } }, element("button", { type: "button", onclick: press }, title));
  }

  function row(finding, shown) {
    const cells = shown.map((column) => element("td", { class: kind(column.number, column.wide), dataset: { column: column.name } }, ...cell(column.name, finding)));
    return element("tr", {
      tabindex: "-1", dataset: { key: finding.key },
      onclick: () => state.select(finding),
      ondblclick: () => stage.show(finding),
      onfocus: () => state.select(finding),
      onpointerenter: () => state.hover(finding),
      onpointerleave: () => state.hover(null),
    }, cells);
  }

  function build() {
    const focused = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const headFocused = head.contains(document.activeElement) ? document.activeElement.closest("th").dataset.column : null;
    order = listed(state);
    const shown = columns();
    head.replaceChildren(element("tr", {}, shown.map(heading)));
    rows.clear();
    for (const finding of order) rows.set(finding.key, row(finding, shown));
    body.replaceChildren(...rows.values());
    mark();
    rows.get(focused)?.focus({ preventScroll: true });
    if (headFocused) head.querySelector(`[data-column="${headFocused}"] button`)?.focus();
    empty();
  }

  function mark() {
    const chosen = state.selected?.key;
    const first = rows.has(chosen) ? chosen : order[0]?.key;
    for (const [key, each] of rows) {
      each.tabIndex = key === first ? 0 : -1;
      if (key === chosen) each.setAttribute("aria-current", "true");
      else each.removeAttribute("aria-current");
      each.toggleAttribute("data-hover", key === state.hovered?.key);
    }
  }

  function empty() {
    const note = document.getElementById("table-empty");
    table.hidden = !order.length;
    note.hidden = Boolean(order.length);
    if (note.hidden) return;
    const photos = state.scope === "all" ? state.photos : [state.current].filter(Boolean);
    const found = photos.reduce((sum, photo) => sum + photo.findings.length, 0);
    if (photos.some((photo) => photo.busy && !photo.answer)) note.textContent = "The defects appear here as soon as the server has answered.";
    else if (photos.every((photo) => photo.status === "failed")) note.textContent = "There is no answer for this photo.";
    else if (found) note.textContent = `${found === 1 ? "One defect was" : `${found} defects were`} found, and none passes the confidence and the filter that are set.`;
    else note.textContent = `No defect was found with a confidence of ${state.floor} or more. That is no proof that there is none.`;
  }

  table.addEventListener("keydown", (event) => {
    const at = order.findIndex(({ key }) => key === event.target.dataset?.key);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 }[event.key];
    if (event.key === "Enter") stage.show(order[at]);
    if (to === undefined || !order[to]) return;
    event.preventDefault();
    rows.get(order[to].key).focus();
  });

  state.on("answers threshold filter sort scope scale", build);
  state.on("current", () => (state.scope === "all" ? mark() : build()));
  state.on("photos", empty);
  state.on("hovered", mark);
  state.on("selected", () => {
    mark();
    rows.get(state.selected?.key)?.scrollIntoView({ block: "nearest" });
    if (state.selected) stage.reveal(state.selected);
  });
  build();
}

function cell(name, finding) {
  const { anomaly } = finding;
  const figures = figuresOf(finding);
  const small = (text) => element("small", {}, ` ${text}`);
  switch (name) {
    case "number": return [element("span", { class: "tag" }, swatch(finding.colour), `${finding.number}`)];
    case "photo": return [element("span", { title: finding.photo.name }, finding.photo.title)];
    case "type": return [words(anomaly.defect_type)];
    case "confidence": {
      const meter = element("span", { class: "meter" }, element("i"));
      meter.firstChild.style.width = `${anomaly.confidence.combined * 100}%`;
      return [meter, anomaly.confidence.combined.toFixed(2)];
    }
    case "length": return figures ? [measure(figures.length, figures.unit), small(figures.unit)] : ["–"];
    case "width": return figures && figures.width !== null ? [measure(figures.width, figures.unit), small(figures.unit)] : ["–"];
    case "area": {
      const [value, unit] = area(figures?.area ?? null, figures?.unit);
      return [value, small(unit)];
    }
    case "angle": return [figures ? `${figures.angle.toFixed(1)}°` : "–"];
    case "structure": return [anomaly.structure_type === "unknown" ? "–" : words(anomaly.structure_type)];
    default: return [figures?.verdict ? (figures.verdict.name ? element("span", { class: "verdict", dataset: { name: figures.verdict.name } }, VERDICTS[figures.verdict.name]) : verdict(figures.verdict)) : "–"];
  }
}

function kind(number, wide) {
  return [number && "number", wide && "wide"].filter(Boolean).join(" ") || null;
}
