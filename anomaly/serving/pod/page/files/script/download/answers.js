// What is shown, as the API answers it: what every download is made of.

import { geometryOf } from "../scale.js";
import { shownOf, structuresOf } from "../shown.js";

/** The API's answer for a photo with what is shown of it, in millimetres too where the scale is known, and its file's name. */
export function answerOf(photo, state) {
  const shown = shownOf(photo, state);
  const anomalies = shown.map((finding) => ({ ...finding.anomaly, geometry: geometryOf(finding) }));
  const { answer } = photo;
  const whole = anomalies.length === answer.anomalies.length;
  const structures = structuresOf(photo, state);
  return {
    ...answer,
    anomalies,
    anomaly_count: anomalies.length,
    structures: whole ? structures : structures.map((each) => narrowed(each, anomalies)),
    file_name: photo.name,
    confidence_threshold: state.threshold,
  };
}

// A structure sums up what is shown on it.
function narrowed(structure, anomalies) {
  const here = anomalies.filter((each) => structure.anomaly_ids.includes(each.anomaly_id));
  const sum = (some, name) => some.reduce((total, each) => total + (each.geometry?.[name] ?? 0), 0);
  return {
    ...structure,
    anomaly_ids: here.map((each) => each.anomaly_id),
    defect_area_pixels: sum(here, "area_pixels"),
    crack_length_pixels: Number(sum(here.filter((each) => each.defect_type.endsWith("crack")), "length_pixels").toFixed(2)),
  };
}
