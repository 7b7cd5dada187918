// How photos come in: chosen, dropped with or without their folders, or pasted.

const NAMES = /\.(jpe?g|png|webp|avif|tiff?|bmp|gif|mpo|heic|heif)$/i;

/** Call `take(files, leftOut)` with photos, each with its path as `.path`, and the number of other files. */
export function takePhotos(take) {
  const give = (files) => {
    const photos = files.filter((file) => file.type.startsWith("image/") || NAMES.test(file.name));
    photos.sort((a, b) => pathOf(a).localeCompare(pathOf(b), undefined, { numeric: true }));
    if (files.length) take(photos.map((file) => ({ file, name: pathOf(file) })), files.length - photos.length);
  };
  for (const id of ["files", "folder"]) {
    const input = document.getElementById(id);
    input.addEventListener("change", () => {
      give([...input.files]);
      input.value = "";
    });
  }
  const veil = document.getElementById("veil");
  let depth = 0;
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!holdsFiles(event)) return;
    depth++;
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (holdsFiles(event) && --depth <= 0) veil.hidden = true;
  });
  addEventListener("dragover", (event) => {
    if (holdsFiles(event)) event.preventDefault();
  });
  addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    give(await dropped(event.dataTransfer));
  });
  addEventListener("paste", (event) => give([...(event.clipboardData?.files ?? [])]));
}

const paths = new WeakMap();

function pathOf(file) {
  return paths.get(file) ?? (file.webkitRelativePath || file.name);
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    paths.set(file, entry.fullPath.replace(/^\//, ""));
    return [file];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader hands over a hundred entries at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return files;
    files.push(...(await Promise.all(some.map(filesOf))).flat());
  }
}
