// The dialog with the keys and what the page does.

import { openDialog } from "./dialog.js";
import { element } from "./element.js";

const KEYS = [
  ["J  K", "next and previous defect"],
  ["N  P", "next and previous photo"],
  ["Enter", "show the chosen defect large"],
  ["+  -", "zoom in and out"],
  ["0  1", "the whole photo; one pixel on one"],
  ["← → ↑ ↓", "move the photo, when it has the focus"],
  ["B M L T S", "boxes, masks, centre lines, labels, structures"],
  ["R", "ruler"],
  ["O", "add photos"],
  ["D", "download"],
  ["/", "filter"],
  ["Esc", "let go of the defect or the ruler"],
];

/** Open the help. */
export function openHelp() {
  openDialog("help", "Keyboard and help").replaceChildren(
    element("dl", { class: "keys" }, KEYS.map(([keys, text]) => [element("dt", {}, keys.split(/\s+/).flatMap((each) => [element("kbd", {}, each), " "])), element("dd", {}, text)])),
    element("p", { class: "muted" }, "The filter takes words and comparisons: ", element("code", { class: "code" }, "crack width>0.3"), " shows cracks over 0.3 in the unit of the table; so do length, area, angle and confidence."),
    element("p", { class: "muted" }, "A width class says where a width stands to a limit of a standard. It is no verdict on safety."),
    element("p", {}, element("a", { class: "link", href: "docs" }, "The API for programs")),
  );
}
