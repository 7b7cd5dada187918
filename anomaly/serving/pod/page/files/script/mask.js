// A mask as the API's polygons: rings along the corners of pixels, holes beside them.

const paths = new WeakMap();

/** The outline of a mask as a path in pixels of the photo, to be filled by the even-odd rule. */
export function pathOf(mask) {
  let path = paths.get(mask);
  if (!path) {
    path = new Path2D();
    for (const ring of ringsOf(mask)) {
      path.moveTo(ring[0][0], ring[0][1]);
      for (let at = 1; at < ring.length; at++) path.lineTo(ring[at][0], ring[at][1]);
      path.closePath();
    }
    paths.set(mask, path);
  }
  return path;
}

/** The very pixels of a mask as COCO's compressed run lengths: `{size: [height, width], counts}`. */
export function rleOf(mask, width, height) {
  // Down each column, a pixel is inside after an odd number of horizontal edges.
  const flips = [];
  for (const ring of ringsOf(mask)) {
    for (let at = 0; at < ring.length; at++) {
      const [x0, y0] = ring[at];
      const [x1, y1] = ring[(at + 1) % ring.length];
      if (y0 !== y1) continue;
      for (let x = Math.min(x0, x1); x < Math.max(x0, x1); x++) flips.push(x * height + y0);
    }
  }
  const sorted = Float64Array.from(flips).sort();
  const runs = [];
  let from = 0;
  for (let at = 0; at < sorted.length; at++) {
    if (sorted[at] === sorted[at + 1]) at++; // two edges in one place are none
    else {
      runs.push(sorted[at] - from);
      from = sorted[at];
    }
  }
  if (from < width * height) runs.push(width * height - from);
  return { size: [height, width], counts: compressed(runs) };
}

function ringsOf(mask) {
  return mask.flatMap((part) => [part.exterior, ...part.holes]);
}

// COCO's own text form: differences to the run before the last, five bits a character.
function compressed(runs) {
  let text = "";
  runs.forEach((run, at) => {
    let rest = at > 2 ? run - runs[at - 2] : run;
    for (let more = true; more; ) {
      let bits = rest & 31;
      rest >>= 5;
      more = bits & 16 ? rest !== -1 : rest !== 0;
      if (more) bits |= 32;
      text += String.fromCharCode(bits + 48);
    }
  });
  return text;
}
