// Colours of the types of defect: told apart with any kind of colour vision (after Okabe and Ito), and light
// enough to carry dark text. On the photo each stands on a dark edge, so that it shows on bright ground too.

const COLOURS = {
  crack: "#ff9f1c",
  alligator_crack: "#ffd08a",
  spalling: "#56b4e9",
  delamination: "#b9a5ff",
  corrosion: "#f26430",
  exposed_rebar: "#e68ac3",
  efflorescence: "#f0e442",
  leakage: "#4f9dff",
  vegetation: "#25c492",
};
const OTHERS = ["#c2d94c", "#7fe0d4", "#d7b38c", "#ff8fa3", "#a7c7ff"];

export const EDGE = "rgba(8, 10, 14, 0.72)";
export const INK = "#0e1216";
export const STRUCTURE = "#eef1f5";

/** The colour of a type of defect; the same for the same name. */
export function colourOf(type) {
  if (type in COLOURS) return COLOURS[type];
  let sum = 0;
  for (const letter of type) sum = (sum * 31 + letter.codePointAt(0)) % 65521;
  return OTHERS[sum % OTHERS.length];
}
