// One element, with its properties and children; text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `on…` properties are listeners, `dataset` an object, null and false are left out. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(made.dataset, value);
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Make one of the icons that the document holds. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  made.append(use);
  return made;
}

/** Make the coloured square that stands for a type of defect. */
export function swatch(colour) {
  const made = element("span", { class: "swatch" });
  made.style.setProperty("--swatch", colour);
  return made;
}
