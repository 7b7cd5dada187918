// The confidence from which defects are shown. The server was asked once, from a low one: moving the slider asks nobody.

const BINS = 30;

/** Show the slider over a histogram of the scores. */
export function showThreshold(state) {
  const slider = document.getElementById("threshold");
  const histogram = document.getElementById("histogram");

  slider.addEventListener("input", () => {
    state.threshold = Number(slider.value);
    state.moved = true;
    state.changed("threshold");
  });

  function show() {
    slider.min = state.floor;
    slider.value = state.threshold;
    slider.style.setProperty("--at", `${(100 * (state.threshold - state.floor)) / (1 - state.floor)}%`);
    document.getElementById("threshold-value").textContent = state.threshold.toFixed(2);
    const photos = state.scope === "all" ? state.photos : [state.current].filter(Boolean);
    const scores = photos.flatMap((photo) => photo.findings.map(({ anomaly }) => anomaly.confidence.detection));
    draw(scores);
    const under = scores.filter((score) => score < state.threshold - 1e-9).length;
    document.getElementById("threshold-note").textContent = scores.length
      ? under
        ? `${under} less certain ${under === 1 ? "defect is" : "defects are"} hidden.`
        : "All that was found is shown."
      : "Of the detector, 0 to 1. The server is asked once; moving this is instant.";
  }

  function draw(scores) {
    const bins = new Array(BINS).fill(0);
    for (const score of scores) bins[Math.min(BINS - 1, Math.max(0, Math.floor(((score - state.floor) / (1 - state.floor)) * BINS)))]++;
    const most = Math.max(1, ...bins);
    histogram.replaceChildren(...bins.map((number, at) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = number ? Math.max(3, (22 * number) / most) : 0;
      const attributes = { x: (100 * at) / BINS + 0.4, y: 24 - height, width: 100 / BINS - 0.8, height };
      for (const [name, value] of Object.entries(attributes)) bar.setAttribute(name, value);
      if (state.floor + ((at + 1) / BINS) * (1 - state.floor) <= state.threshold + 1e-9) bar.setAttribute("data-under", "");
      return bar;
    }));
  }
  state.on("threshold answers current scope photos", show);
  show();
}
