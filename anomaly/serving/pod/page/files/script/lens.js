// Where the photo lies on the screen: screen = scale x photo + (x, y).

const MOST = 48; // screen pixels for one of the photo

/** How the photo is seen. Sizes and points are `{width, height}` and `{x, y}` in CSS pixels. */
export class Lens {
  scale = 1;
  x = 0;
  y = 0;
  fitted = true; // whether the whole photo is shown, and shall be when the window changes

  /** The scale at which the whole photo is in the room. */
  static whole(photo, room, margin = 20) {
    return Math.max(0.001, Math.min((room.width - 2 * margin) / photo.width, (room.height - 2 * margin) / photo.height, 8));
  }

  /** Show the whole photo. */
  fit(photo, room) {
    this.scale = Lens.whole(photo, room, room.width < 500 ? 8 : 20);
    this.x = (room.width - photo.width * this.scale) / 2;
    this.y = (room.height - photo.height * this.scale) / 2;
    this.fitted = true;
  }

  /** Show a box of the photo with some of what is round it. */
  show(box, photo, room) {
    const wide = Math.max(box.x_max - box.x_min, 24);
    const high = Math.max(box.y_max - box.y_min, 24);
    this.scale = Math.min((0.7 * room.width) / wide, (0.7 * room.height) / high, 16);
    this.scale = Math.max(this.scale, Lens.whole(photo, room));
    this.centre((box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2, room);
    this.#moved(photo, room);
  }

  /** Bring a point of the photo into the middle. */
  centre(x, y, room) {
    this.x = room.width / 2 - x * this.scale;
    this.y = room.height / 2 - y * this.scale;
    this.fitted = false;
  }

  /** Zoom by a factor so that what is under `point` stays there. */
  zoom(factor, point, photo, room) {
    const least = Math.min(Lens.whole(photo, room), 1) * 0.8;
    const scale = Math.min(Math.max(this.scale * factor, least), MOST);
    this.x = point.x - ((point.x - this.x) * scale) / this.scale;
    this.y = point.y - ((point.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.#moved(photo, room);
  }

  /** Move the photo. */
  pan(x, y, photo, room) {
    this.x += x;
    this.y += y;
    this.#moved(photo, room);
  }

  /** The point of the photo under a point of the screen. */
  photoPoint(point) {
    return { x: (point.x - this.x) / this.scale, y: (point.y - this.y) / this.scale };
  }

  // Never lose the photo: some of it stays in the room.
  #moved(photo, room) {
    const keep = 64;
    this.x = Math.min(Math.max(this.x, keep - photo.width * this.scale), room.width - keep);
    this.y = Math.min(Math.max(this.y, keep - photo.height * this.scale), room.height - keep);
    this.fitted = false;
  }
}
