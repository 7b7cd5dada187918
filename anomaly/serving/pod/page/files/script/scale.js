// What a pixel measures on the surface. A constant is worked out here, as the server would; a camera, a
// marker, and the class of a width need the server, which then is asked again.

export const NONE = Object.freeze({ kind: "none" });

/** Pixels: the error of a length or width for which the server states none. */
const PIXEL_PM = 0.5;

/** The fields of a request for a scale. */
export function requested(scale) {
  const fields = {};
  if (scale.kind === "constant") fields.mm_per_pixel = scale.mmPerPixel;
  if (scale.kind === "camera") fields.camera = JSON.stringify(scale.camera);
  if (scale.kind === "marker") fields.marker = JSON.stringify(scale.marker);
  if (scale.standard) Object.assign(fields, { standard: scale.standard, exposure: scale.exposure });
  return fields;
}

/** Whether only the server can tell what follows from a scale. */
export function needsServer(scale) {
  return scale.kind === "camera" || scale.kind === "marker" || Boolean(scale.standard);
}

/** Whether two scales say the same. */
export function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The geometry of a finding, in millimetres too where its photo's scale is known; null where there is none. */
export function geometryOf(finding) {
  const { geometry } = finding.anomaly;
  const { scale } = finding.photo;
  if (!geometry || needsServer(scale)) return geometry;
  const pixels = Object.fromEntries(Object.entries(geometry).filter(([name]) => !PHYSICAL.has(name)));
  return scale.kind === "constant" ? { ...pixels, ...inMillimetres(geometry, scale.mmPerPixel) } : pixels;
}

const PHYSICAL = new Set([
  "length_mm", "length_mm_pm", "width_mm", "width_mm_pm", "width_p95_mm", "area_mm2", "area_mm2_pm",
  "mm_per_pixel", "scale_source", "width_class",
]);

function inMillimetres(geometry, scale) {
  const { length_pixels: length, width_pixels: width, area_pixels: area } = geometry;
  const lengthPm = relative(geometry.length_pixels_pm, length);
  const widthPm = relative(geometry.width_pixels_pm, width);
  return {
    length_mm: rounded(length * scale, 2),
    length_mm_pm: rounded(length * scale * lengthPm, 2),
    width_mm: width === null ? null : rounded(width * scale, 3),
    width_mm_pm: width === null ? null : rounded(width * scale * widthPm, 3),
    width_p95_mm: width === null || geometry.width_p95_pixels === null ? null : rounded(geometry.width_p95_pixels * scale, 3),
    area_mm2: rounded(area * scale * scale, 2),
    // The server knows an area's own deviation, and does not always tell it in pixels.
    area_mm2_pm: Number.isFinite(geometry.area_pixels_pm) ? rounded(geometry.area_pixels_pm * scale * scale, 2) : null,
    mm_per_pixel: rounded(scale, 5),
    scale_source: `Given: ${scale} mm per pixel, taken as exact.`,
    width_class: null,
  };
}

function relative(error, value) {
  return value ? (error ?? PIXEL_PM) / value : 0;
}

function rounded(value, digits) {
  return Number(value.toFixed(digits));
}
