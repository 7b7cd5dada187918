// What the page knows. Whoever changes a part says which; whoever shows it listens for that.

export const LAYERS = ["boxes", "masks", "lines", "labels", "structures"];

/** The state of the page, and who listens to its parts. */
export class State {
  photos = [];
  current = null; // the photo on the stage
  selected = null; // a finding
  hovered = null; // a finding
  threshold = 0.3; // least detection score that is shown
  moved = false; // whether somebody chose that threshold
  floor = 0.1; // least detection score that the server is asked for
  layers = { boxes: true, masks: true, lines: true, labels: true, structures: true };
  hidden = new Set(); // types of defect that are switched off
  words = ""; // the filter's text
  scope = "one"; // or "all": whose defects the table lists
  sort = { column: "confidence", down: true };
  ruler = null; // {from, to} in pixels of the photo
  ruling = false; // whether the pointer measures
  scale = null; // what a new photo starts with
  info = null; // GET info
  health = null; // GET health

  #listeners = new Map();
  #due = new Set();

  /** Call `listener` once after each turn in which one of the `topics` (separated by blanks) changed. */
  on(topics, listener) {
    for (const topic of topics.split(" ")) {
      if (!this.#listeners.has(topic)) this.#listeners.set(topic, new Set());
      this.#listeners.get(topic).add(listener);
    }
  }

  /** Say that `topics` changed. */
  changed(topics) {
    if (!this.#due.size) queueMicrotask(() => this.#tell());
    for (const topic of topics.split(" ")) for (const each of this.#listeners.get(topic) ?? []) this.#due.add(each);
    if (!this.#due.size) this.#due.add(() => {});
  }

  #tell() {
    const due = [...this.#due];
    this.#due.clear();
    for (const listener of due) listener();
  }

  /** Show a photo on the stage. */
  open(photo) {
    if (photo === this.current) return;
    this.current = photo;
    this.ruler = null;
    if (this.selected?.photo !== photo) this.selected = null;
    this.hovered = null;
    this.changed("current selected hovered ruler");
  }

  /** Choose a finding, or none, and show its photo. */
  select(finding) {
    if (finding) this.open(finding.photo);
    if (finding === this.selected) return;
    this.selected = finding;
    this.changed("selected");
  }

  /** Go on with the findings of a new answer, where those of the old one are in use. */
  renew(photo) {
    const now = (finding) => (finding?.photo === photo ? photo.findings.find(({ key }) => key === finding.key) ?? null : finding);
    this.selected = now(this.selected);
    this.hovered = now(this.hovered);
  }

  /** Point at a finding, or at none. */
  hover(finding) {
    if (finding === this.hovered) return;
    this.hovered = finding;
    this.changed("hovered");
  }
}
