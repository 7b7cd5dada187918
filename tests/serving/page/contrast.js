// The contrast of the text that each selector finds to its ground, by WCAG 2.1.
(selectors) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pencil = canvas.getContext("2d", { willReadFrequently: true });

  // Drawn once, any notation of a colour is read.
  const channels = (colour) => {
    pencil.clearRect(0, 0, 1, 1);
    pencil.fillStyle = colour;
    pencil.fillRect(0, 0, 1, 1);
    return [...pencil.getImageData(0, 0, 1, 1).data];
  };
  const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((each) => linear(each / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (channels(colour)[3] > 250) return colour;
    }
    return "#fff";
  };
  return selectors.map((selector) => {
    const node = document.querySelector(selector);
    const [a, b] = [luminance(getComputedStyle(node).color), luminance(ground(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
};
