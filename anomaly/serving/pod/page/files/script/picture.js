// The pixels of a photo in the browser: small enough to move smoothly, and sharp where one looks closely.

const LARGEST = 4096; // pixels a side: what every canvas and graphics card takes
const SMALL = 1600; // and what is quickly drawn, where the whole photo is on the screen

/** What the browser made of a file. `bitmap` is null where it cannot show such files; `width` x `height` is upright. */
export class Picture {
  static async open(file) {
    const picture = new Picture();
    picture.file = file;
    try {
      const { width, height } = await sizeOf(file);
      const share = Math.min(1, LARGEST / Math.max(width, height));
      Object.assign(picture, { width, height, share });
      picture.bitmap = share < 1
        ? await createImageBitmap(file, { resizeWidth: Math.round(width * share), resizeHeight: Math.round(height * share), resizeQuality: "high" })
        : await createImageBitmap(file);
      picture.small = await smaller(picture.bitmap);
    } catch {
      picture.bitmap = null;
    }
    return picture;
  }

  /** The bitmap to draw from when one pixel of the photo becomes `scale` of the canvas. */
  at(scale) {
    return this.small && scale * this.width <= this.small.width ? this.small : this.bitmap;
  }

  /** Return a part of the photo at its full resolution. */
  crop(x, y, width, height) {
    return createImageBitmap(this.file, x, y, width, height);
  }

  /** Give the memory back. */
  close() {
    this.bitmap?.close();
    this.small?.close();
    this.bitmap = null;
    this.small = null;
  }
}

async function smaller(bitmap) {
  const share = SMALL / Math.max(bitmap.width, bitmap.height);
  if (share > 0.75) return null;
  return createImageBitmap(bitmap, { resizeWidth: Math.round(bitmap.width * share), resizeHeight: Math.round(bitmap.height * share), resizeQuality: "high" });
}

/** Draw a small picture of a file into a canvas; rejects where the browser cannot. */
export async function thumbnail(file, canvas) {
  const { width, height } = await sizeOf(file);
  const share = Math.min(1, Math.max(canvas.width / width, canvas.height / height));
  const small = await createImageBitmap(file, {
    resizeWidth: Math.max(1, Math.round(width * share)), resizeHeight: Math.max(1, Math.round(height * share)), resizeQuality: "medium",
  });
  canvas.getContext("2d").drawImage(small, (canvas.width - small.width) / 2, (canvas.height - small.height) / 2);
  small.close();
}

// The header is enough for an image element, which counts in the upright photo.
async function sizeOf(file) {
  const image = new Image();
  const address = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.addEventListener("load", resolve);
      image.addEventListener("error", () => reject(new Error("no picture that this browser shows")));
      image.src = address;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(address);
  }
}
