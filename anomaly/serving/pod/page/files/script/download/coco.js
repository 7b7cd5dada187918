// COCO: boxes, run lengths and areas, for tools of annotation and training.

import { rleOf } from "../mask.js";
import { answerOf } from "./answers.js";

/** The text of the file. */
export function toCoco(photos, state) {
  const answers = photos.filter((photo) => photo.answer).map((photo) => answerOf(photo, state));
  const names = [...new Set(answers.flatMap(({ anomalies }) => anomalies.map((each) => each.defect_type)))].sort();
  const images = answers.map((answer, at) => ({ id: at + 1, file_name: answer.file_name, ...answer.image_size }));
  const annotations = answers.flatMap(({ anomalies }, at) => anomalies.map((anomaly) => annotation(anomaly, images[at], names)));
  annotations.forEach((each, at) => (each.id = at + 1));
  const categories = names.map((name, at) => ({ id: at + 1, name, supercategory: "defect" }));
  return `${JSON.stringify({ images, annotations, categories }, null, 1)}\n`;
}

function annotation(anomaly, image, names) {
  const { x_min: x, y_min: y, x_max, y_max } = anomaly.bbox;
  const [width, height] = [x_max - x, y_max - y].map((side) => Number(side.toFixed(2)));
  return {
    id: 0,
    image_id: image.id,
    category_id: names.indexOf(anomaly.defect_type) + 1,
    bbox: [x, y, width, height],
    area: anomaly.geometry?.area_pixels ?? width * height,
    ...(anomaly.mask ? { segmentation: rleOf(anomaly.mask, image.width, image.height) } : {}),
    iscrowd: 0,
    score: anomaly.confidence.combined,
    attributes: { anomaly_id: anomaly.anomaly_id, length_pixels: anomaly.geometry?.length_pixels ?? null, width_pixels: anomaly.geometry?.width_pixels ?? null },
  };
}
