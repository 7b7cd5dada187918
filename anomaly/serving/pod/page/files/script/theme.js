// Light, dark, or as the system has it.

const KEY = "anomaly-theme";
const ORDER = ["system", "light", "dark"];

/** Let people choose. `changed` is called when the colours change. */
export function chooseTheme(changed) {
  const button = document.getElementById("theme");
  let theme = localStorage.getItem(KEY) ?? "system";
  const show = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", `Colours: ${theme}`);
    button.title = `Colours: ${theme}`;
    changed();
  };
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    localStorage.setItem(KEY, theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}
